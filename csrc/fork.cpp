#include "fork.hpp"

#include <pthread.h>

#include <atomic>

namespace cnnfast {

namespace {

std::atomic<int> forks{0};

// Never destroyed: plans may outlive every static object.
std::mutex& mutex() {
  static auto& only = *new std::mutex;
  return only;
}

void before() { mutex().lock(); }

void in_parent() { mutex().unlock(); }

void in_child() {
  mutex().unlock();
  forks.fetch_add(1, std::memory_order_relaxed);
}

[[maybe_unused]] const int handlers = pthread_atfork(before, in_parent, in_child);

}  // namespace

int forks_before_this_process() { return forks.load(std::memory_order_relaxed); }

std::mutex& shared_state_mutex() { return mutex(); }

}  // namespace cnnfast
