// The only file that knows OpenMP.
#pragma once

// A sanitizer that does not know libgomp's synchronization sees races in it: such builds take
// threads of the standard library (CNNFAST_STD_THREADS).
#ifndef CNNFAST_STD_THREADS
#include <omp.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "fork.hpp"

namespace cnnfast {

namespace detail {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits for all threads of a team: by spinning as long as balanced work should need, then
// asleep, so that a core which somebody else uses is given up instead of burnt.
class Barrier {
 public:
  void wait(int threads) {
    const unsigned phase = phase_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      phase_.notify_all();
      return;
    }
    for (int i = 0; i < kSpins; ++i) {
      if (phase_.load(std::memory_order_acquire) != phase) return;
      pause();
    }
    phase_.wait(phase, std::memory_order_acquire);
  }

 private:
  static constexpr int kSpins = 1000;  // 20 to 50 microseconds

  std::atomic<int> arrived_{0};
  std::atomic<unsigned> phase_{0};
};

}  // namespace detail

// What one thread of a parallel region sees.
class Team {
 public:
  // A team of one.
  Team() = default;
  Team(int index, int size, detail::Barrier* barrier)
      : index_(index), size_(size), barrier_(barrier) {}

  int index() const { return index_; }
  int size() const { return size_; }

  // Waits for every thread of the region.
  void barrier() const {
    if (size_ > 1) barrier_->wait(size_);
  }

  struct Range {
    std::int64_t first;
    std::int64_t last;
  };

  // This thread's share of [0, n): contiguous, sizes differing by at most one.
  Range share(std::int64_t n) const { return {n * index_ / size_, n * (index_ + 1) / size_}; }

 private:
  int index_ = 0;
  int size_ = 1;
  detail::Barrier* barrier_ = nullptr;
};

#ifdef CNNFAST_STD_THREADS

inline int within_limit(int threads) { return threads; }

namespace detail {

template <class Body>
void run_team(int threads, Barrier& barrier, const Body& body) {
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) {
    others.emplace_back([&, i] { body(Team(i, threads, &barrier)); });
  }
  body(Team(0, threads, &barrier));
  for (std::thread& other : others) other.join();
}

}  // namespace detail

#else

// At most `threads`, and no more than the calling thread is limited to, where it has lowered
// OpenMP's limit as threadpoolctl does. The limit that a new thread starts with is no such wish:
// it follows OMP_NUM_THREADS or the processors, which the caller has taken into account.
inline int within_limit(int threads) {
  static const int initial = [] {
    int limit = 0;
    std::thread([&limit] { limit = omp_get_max_threads(); }).join();
    return limit;
  }();
  const int limit = omp_get_max_threads();
  return limit < initial ? std::min(threads, limit) : threads;
}

namespace detail {

template <class Body>
void run_team(int threads, Barrier& barrier, const Body& body) {
#pragma omp parallel num_threads(threads)
  {
    const Team team(omp_get_thread_num(), omp_get_num_threads(), &barrier);
    body(team);
    team.barrier();  // libgomp's own, at the region's end, spins for long
  }
}

}  // namespace detail

#endif

// Calls body(team) on each of `threads` threads. `body` must not throw.
template <class Body>
void parallel(int threads, const Body& body) {
  if (threads <= 1 || is_forked_child()) {
    body(Team());
    return;
  }
  detail::Barrier barrier;
  detail::run_team(threads, barrier, body);
}

}  // namespace cnnfast
