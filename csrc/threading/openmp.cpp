#include "openmp.hpp"

#include <omp.h>

#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include "../platform/affinity.hpp"
#include "../platform/denormals.hpp"
#include "idle.hpp"
#include "team.hpp"

namespace cnnfast {

const bool kHasOpenMP = true;

namespace {

// Whether the system gives `count` threads more. The runtime's are not there yet, and what it does
// where it gets none is to end the process.
bool can_start(int count) {
  std::atomic<bool> all_there = false;
  std::vector<std::jthread> threads;
  bool can = true;
  try {
    for (int i = 0; i < count; ++i) threads.emplace_back([&] { all_there.wait(false); });
  } catch (const std::exception&) {
    can = false;
  }
  all_there = true;
  all_there.notify_all();
  return can;
}

// The runtime binds the threads that it starts. Where another one has bound the calling thread
// before, the runtime knows a single place and binds all of them to that.
void let_run_on_all_places(const std::vector<int>& processors) {
  thread_local bool done = false;
  if (!done && omp_get_num_places() < 2) let_this_thread_run_on(processors);
  done = true;
}

}  // namespace

bool run_in_region(Job& job, int threads) {
  thread_local int had = 1;  // the runtime keeps as many as the last region of a thread asked for
  if (threads > had && !can_start(threads - had)) return false;
  const std::vector<int> processors = threads > had ? processors_of_places() : std::vector<int>();
  had = threads;
  const Idle<Team>::Lease team;
  team->make_beds(threads);
  team->begin(job, threads);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    if (thread == 0) {
      team->lead();
      team->wake_all(threads);
    } else {
      let_run_on_all_places(processors);
      const FlushDenormals flush;
      team->follow(thread);
    }
  }
  return true;
}

int thread_limit() {
  // What a new thread starts with is no limit that somebody wished for: it follows OMP_NUM_THREADS
  // or the processors, which the caller has taken into account.
  static std::atomic<int> initial{0};  // 0 until a thread could be made to ask
  if (initial == 0) {
    try {
      std::thread([] { initial = omp_get_max_threads(); }).join();
    } catch (const std::exception&) {
      return 1;
    }
  }
  const int limit = omp_get_max_threads();
  return limit < initial ? limit : kMostThreads;
}

}  // namespace cnnfast
