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

[[maybe_unused]] const int handlers =
    pthread_atfork([] { mutex().lock(); }, [] { mutex().unlock(); },
                   [] {
                     mutex().unlock();
                     forks.fetch_add(1, std::memory_order_relaxed);
                   });

}  // namespace

int forks_before_this_process() { return forks.load(std::memory_order_relaxed); }

std::mutex& shared_state_mutex() { return mutex(); }

}  // namespace cnnfast
