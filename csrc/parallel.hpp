// The only file that knows OpenMP.
#pragma once

#include <cstdint>

#include <omp.h>
#include <pthread.h>

#include <atomic>

namespace cnnfast {

namespace detail {

// libgomp's worker threads do not survive fork, and a child that waits for them hangs: a
// forked child runs with one thread.
inline std::atomic<bool> forked{false};

inline const int fork_handler =
    pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });

}  // namespace detail

// What one thread of a parallel region sees.
class Team {
 public:
  Team(int index, int size) : index_(index), size_(size) {}

  int index() const { return index_; }
  int size() const { return size_; }

  // Waits for every thread of the region.
  void barrier() const {
    if (size_ > 1) {
#pragma omp barrier
    }
  }

  struct Range {
    std::int64_t first;
    std::int64_t last;
  };

  // This thread's share of [0, n): contiguous, sizes differing by at most one.
  Range share(std::int64_t n) const { return {n * index_ / size_, n * (index_ + 1) / size_}; }

 private:
  int index_;
  int size_;
};

// Calls body(team) on each of `threads` threads. `body` must not throw.
template <class Body>
void parallel(int threads, const Body& body) {
  if (threads <= 1 || detail::forked.load(std::memory_order_relaxed)) {
    body(Team(0, 1));
    return;
  }
#pragma omp parallel num_threads(threads)
  body(Team(omp_get_thread_num(), omp_get_num_threads()));
}

}  // namespace cnnfast
