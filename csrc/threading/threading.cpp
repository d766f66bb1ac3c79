#include "threading.hpp"

#include <algorithm>
#include <atomic>

#include "../fork.hpp"
#include "crew.hpp"
#include "idle.hpp"
#include "openmp.hpp"

namespace cnnfast {

namespace {

std::atomic<Threading> chosen{Threading::crew};

void run_alone(Job& job) {
  for (int phase = 0; phase < job.phases(); ++phase) {
    for (int part = 0; part < job.parts(phase); ++part) job.run(phase, part, 0);
    job.finished(phase);
  }
}

}  // namespace

std::vector<Threading> threadings() {
  if (kHasOpenMP) return {Threading::crew, Threading::openmp};
  return {Threading::crew};
}

std::string name_of(Threading threading) {
  return threading == Threading::openmp ? "openmp" : "crew";
}

void set_threading(Threading threading) { chosen = threading; }

Threading threading() { return is_forked() ? Threading::crew : chosen.load(); }

void run_job(Job& job, int threads) {
  if (threads <= 1) {
    run_alone(job);
    return;
  }
  if (threading() == Threading::openmp && run_in_region(job, threads)) return;
  const Idle<Crew>::Lease crew;
  crew->run(job, threads);
}

int within_limit(int threads) {
  threads = std::min(threads, kMostThreads);
  return threads == 1 ? 1 : std::min(threads, thread_limit());
}

}  // namespace cnnfast
