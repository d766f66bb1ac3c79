#include "parallel.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "crew.hpp"
#include "fork.hpp"

namespace cnnfast {

namespace {

// Crews without a job. Never destroyed: their threads outlive every static object.
class IdleCrews {
 public:
  Crew* take() {
    const std::lock_guard lock(shared_state_mutex());
    forget_those_of_another_process();
    Crew* const crew = first_;
    if (crew == nullptr) return new Crew;
    first_ = crew->next_idle;
    return crew;
  }

  void give_back(Crew* crew) {
    const std::lock_guard lock(shared_state_mutex());
    forget_those_of_another_process();
    crew->next_idle = first_;
    first_ = crew;
  }

 private:
  void forget_those_of_another_process() {
    if (forks_ == forks_before_this_process()) return;
    forks_ = forks_before_this_process();
    first_ = nullptr;
  }

  Crew* first_ = nullptr;
  int forks_ = 0;
};

IdleCrews& idle_crews() {
  static auto& only = *new IdleCrews;
  return only;
}

void run_alone(Job& job) {
  for (int phase = 0; phase < job.phases(); ++phase) {
    for (int part = 0; part < job.parts(phase); ++part) job.run(phase, part, 0);
    job.finished(phase);
  }
}

}  // namespace

void run_job(Job& job, int threads) {
  if (threads <= 1) {
    run_alone(job);
    return;
  }
  Crew* const crew = idle_crews().take();
  crew->run(job, threads);
  idle_crews().give_back(crew);
}

int within_limit(int threads) {
  threads = std::min(threads, kMostThreads);
  if (threads == 1) return 1;
  // The limit that a new thread starts with is no such wish: it follows OMP_NUM_THREADS or the
  // processors, which the caller has taken into account.
  static std::atomic<int> initial{0};  // 0 until a thread could be made to ask
  if (initial == 0) {
    try {
      std::thread([] { initial = omp_get_max_threads(); }).join();
    } catch (const std::exception&) {
      return 1;
    }
  }
  const int limit = omp_get_max_threads();
  return limit < initial ? std::min(threads, limit) : threads;
}

}  // namespace cnnfast
