#include "fork.hpp"

#include <pthread.h>

#include <atomic>

namespace cnnfast {

namespace {

std::atomic<bool> forked{false};

// Never destroyed: plans may outlive every static object.
std::mutex& mutex() {
  static auto& only = *new std::mutex;
  return only;
}

[[maybe_unused]] const int handlers =
    pthread_atfork([] { mutex().lock(); }, [] { mutex().unlock(); },
                   [] {
                     mutex().unlock();
                     forked.store(true, std::memory_order_relaxed);
                   });

}  // namespace

bool is_forked_child() { return forked.load(std::memory_order_relaxed); }

std::mutex& shared_state_mutex() { return mutex(); }

}  // namespace cnnfast
