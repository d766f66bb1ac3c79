// Many threads bring jobs of many small phases at once: each part must run once, inside its phase.
// By each kind of threads that is built in, or those named.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "named_threadings.hpp"
#include "threading/crew.hpp"

using namespace cnnfast;

namespace {

constexpr int kPhases = 200;

// Counts what it sees go wrong. Its own atomics are relaxed: what one thread writes and the next
// reads must be ordered by the crew, which ThreadSanitizer would not see otherwise.
class Checked final : public Job {
 public:
  Checked(int seed, int threads) : seed_(seed), threads_(threads), runs_(kPhases) {}

  int phases() const override { return kPhases; }
  int parts(int phase) const override { return 1 + (seed_ + phase * 7) % 13; }

  void run(int phase, int part, int thread) noexcept override {
    note(phase != open_ || part < 0 || part >= parts(phase));
    note(thread < 0 || thread >= threads_);
    sums_[static_cast<std::size_t>(thread)] += part + 1;  // a thread's own: no other may write it
    runs_[static_cast<std::size_t>(phase)].fetch_add(1, std::memory_order_relaxed);
  }

  void finished(int phase) noexcept override {
    const int runs = runs_[static_cast<std::size_t>(phase)].load(std::memory_order_relaxed);
    note(phase != open_ || runs != parts(phase));
    ++open_;
    for (int& sum : sums_) {
      total_ += sum;
      sum = 0;
    }
  }

  int wrong() const {
    int expected = 0;
    for (int i = 0; i < kPhases; ++i) expected += parts(i) * (parts(i) + 1) / 2;
    return wrong_ + (open_ != kPhases) + (total_ != expected);
  }

  static constexpr int kThreads = 5;

 private:
  void note(bool wrong) { wrong_.fetch_add(wrong ? 1 : 0, std::memory_order_relaxed); }

  int seed_;
  int threads_;
  int open_ = 0;  // the phase whose turn it is; written between phases only
  int total_ = 0;
  int sums_[kThreads] = {};
  std::vector<std::atomic<int>> runs_;
  std::atomic<int> wrong_{0};
};

// Whoever has the first part keeps it until the other parts have run, also those that are next.
class OneLongPart final : public Job {
 public:
  int phases() const override { return 1; }
  int parts(int /*phase*/) const override { return kParts; }

  void run(int /*phase*/, int part, int /*thread*/) noexcept override {
    if (part > 0) others_.fetch_add(1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (part == 0 && others_ < kParts - 1 && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    if (part == 0) wrong_ = others_ < kParts - 1 ? 1 : 0;
  }

  int wrong() const { return wrong_; }

 private:
  static constexpr int kParts = 6;

  std::atomic<int> others_{0};
  int wrong_ = 1;
};

// Another thread keeps its part until the one that brought the job, which has none, looks up.
class OneThatLooksUp final : public Job {
 public:
  int phases() const override { return 1; }
  int parts(int /*phase*/) const override { return 2; }

  void run(int /*phase*/, int /*part*/, int thread) noexcept override {
    if (thread > 0) other_has_one_ = true;
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const std::atomic<bool>& awaited = thread == 0 ? other_has_one_ : looked_up_;
    while (!awaited && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  }

  void waiting() noexcept override { looked_up_ = true; }

  int wrong() const { return looked_up_ ? 0 : 1; }

 private:
  std::atomic<bool> other_has_one_{false};
  std::atomic<bool> looked_up_{false};
};

// Each part brings a job of its own.
class Nesting final : public Job {
 public:
  int phases() const override { return 2; }
  int parts(int /*phase*/) const override { return 3; }

  void run(int phase, int part, int /*thread*/) noexcept override {
    Checked inner(phase + part, 2);
    run_job(inner, 2);
    wrong_ += inner.wrong();
  }

  int wrong() const { return wrong_; }

 private:
  std::atomic<int> wrong_{0};
};

constexpr int kCallers = 4;
const std::filesystem::path kTasks = "/proc/self/task";  // where the system tells of threads

std::ptrdiff_t thread_count() {
  return std::distance(std::filesystem::directory_iterator(kTasks), {});
}

// How often each thread has gone to sleep.
std::map<std::string, long> sleeps() {
  std::map<std::string, long> all;
  for (const auto& task : std::filesystem::directory_iterator(kTasks)) {
    std::ifstream status(task.path() / "status");
    for (std::string word; status >> word;) {
      if (word == "voluntary_ctxt_switches:") status >> all[task.path().filename()];
    }
  }
  return all;
}

// Callers that each bring jobs for another number of threads; `pause` comes between two.
int run_many(int jobs, std::chrono::microseconds pause) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      for (int n = 0; n < jobs; ++n) {
        const int threads = 1 + (i + n) % Checked::kThreads;
        Checked job(i + n, threads);
        run_job(job, threads);
        wrong += job.wrong();
        if (pause.count() > 0) std::this_thread::sleep_for(pause * (n % 4));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  return wrong;
}

// Whether there are threads in more crews than there were callers, but for a few, as those of a
// sanitizer.
int lost_threads() { return thread_count() > kCallers * Checked::kThreads ? 1 : 0; }

// How many threads, but for those two that a job asks for and one of a sanitizer, wake for it.
int woken_unasked() {
  constexpr int kMany = 16;
  OneLongPart large;
  run_job(large, kMany);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // until all are asleep
  const auto before = sleeps();
  for (int n = 0; n < 50; ++n) {
    Checked small(n, 2);
    run_job(small, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  int woken = 0;
  for (const auto& [thread, count] : sleeps()) {
    const auto found = before.find(thread);
    if (found != before.end() && found->second != count) ++woken;
  }
  return std::max(0, woken - 3);
}

// Threads end and are made again, between jobs and in the middle of them; at last none is left,
// but for the calling one and one of a sanitizer.
int ending_goes_wrong() {
  set_idle_time(std::chrono::milliseconds(1));
  int wrong = run_many(200, std::chrono::microseconds(500));
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (thread_count() > 2 && std::chrono::steady_clock::now() < end) {
    // Those that fell asleep before the time was set have the longer one to wait.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  wrong += thread_count() > 2 ? 1 : 0;
  Checked job(1, 3);
  run_job(job, 3);
  return wrong + job.wrong();
}

// A copy of this process runs jobs on its own crew, whatever runs them here. ThreadSanitizer allows
// no threads in such a copy.
int wrong_in_a_child() {
#if defined(__SANITIZE_THREAD__)
  return 0;
#endif
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);  // a hang ends it
    Checked job(2, 3);
    run_job(job, 3);
    _exit(job.wrong() + (threading() == Threading::crew ? 0 : 1));
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status == 0 ? 0 : 1;
}

// The threads of a region stay for the next one, also those that a smaller job left out.
int wrong_after_regions() {
  set_idle_time(std::chrono::milliseconds(1));
  Checked small(1, 2);
  run_job(small, 2);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return small.wrong() + (thread_count() < 2 ? 1 : 0);
}

int run_all(Threading threading) {
  constexpr int kJobs = 1000;
  set_threading(threading);
  int wrong = run_many(kJobs, std::chrono::microseconds(0));
  OneLongPart long_part;
  run_job(long_part, 2);
  wrong += long_part.wrong();
  OneThatLooksUp looks_up;
  run_job(looks_up, 2);
  wrong += looks_up.wrong();
  Nesting nesting;
  run_job(nesting, 3);
  wrong += nesting.wrong();
  wrong += wrong_in_a_child();
  if (std::filesystem::exists(kTasks)) {
    wrong += lost_threads();
    if (threading == Threading::crew) {
      wrong += woken_unasked();
      wrong += ending_goes_wrong();
    } else {
      wrong += wrong_after_regions();
    }
  }
  std::printf("%s: %d jobs, %d failed\n", name_of(threading).c_str(), kCallers * kJobs + 3, wrong);
  return wrong;
}

}  // namespace

int main(int count, char** names) {
  int wrong = 0;
  for (const Threading threading : testing::named_threadings(count, names)) {
    wrong += run_all(threading);
  }
  return wrong == 0 ? 0 : 1;
}
