#include "fork.hpp"

#include <atomic>

#include "platform/fork.hpp"

namespace cnnfast {

namespace {

std::atomic<int> forks{0};

// Never destroyed: plans may outlive every static object.
std::mutex& mutex() {
  static auto& only = *new std::mutex;
  return only;
}

bool watch_forks() noexcept {
  around_forks([] { mutex().lock(); }, [] { mutex().unlock(); },
               [] {
                 mutex().unlock();
                 forks.fetch_add(1, std::memory_order_relaxed);
               });
  return began_as_a_fork();
}

const bool forked_before = watch_forks();

}  // namespace

int forks_before_this_process() { return forks.load(std::memory_order_relaxed); }

bool is_forked() { return forked_before || forks_before_this_process() > 0; }

std::mutex& shared_state_mutex() { return mutex(); }

}  // namespace cnnfast
