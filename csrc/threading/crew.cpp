#include "crew.hpp"

#include <exception>

#include "../platform/affinity.hpp"
#include "../platform/denormals.hpp"
#include "../platform/threads.hpp"

namespace cnnfast {

namespace {

// Starting a thread takes some 50 microseconds, waking one 8.
std::atomic<std::int64_t> idle_milliseconds{5000};

}  // namespace

void set_idle_time(std::chrono::milliseconds time) { idle_milliseconds = time.count(); }

void Crew::run(Job& job, int threads) {
  team_.begin(job, threads);
  start_absent(threads);
  team_.lead();
}

// Starts the threads that the open job asks for and that have ended or never were; those that the
// system gives will do.
void Crew::start_absent(int threads) {
  std::optional<std::vector<int>> processors;
  for (int thread = 1; thread < threads; ++thread) {
    if (team_.state(thread) == Team::State::absent && !start(thread, processors)) return;
  }
}

// `processors` are looked up for the first thread: it may run where the one that starts it may,
// which is on one processor alone where OpenMP binds threads.
bool Crew::start(int thread, std::optional<std::vector<int>>& processors) {
  try {
    if (!processors) processors = processors_of_places();
    team_.make_bed(thread);
    team_.set_state(thread, Team::State::awake);
    start_thread(
        [this, thread] {
          const FlushDenormals flush;
          team_.follow_jobs(thread, idle_milliseconds);
        },
        *processors);
    return true;
  } catch (const std::exception&) {
    team_.set_state(thread, Team::State::absent);
    return false;
  }
}

}  // namespace cnnfast
