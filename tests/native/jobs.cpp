// Many threads bring jobs of many small phases at once: each part must run once, inside its phase.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>
#include <vector>

#include "parallel.hpp"

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

// Where the system tells: whether there are threads in more crews than there were callers, but for
// a few, as those of a sanitizer.
int lost_threads(int callers) {
  const std::filesystem::path tasks = "/proc/self/task";
  if (!std::filesystem::exists(tasks)) return 0;
  const auto threads = std::distance(std::filesystem::directory_iterator(tasks), {});
  return threads > callers * Checked::kThreads ? 1 : 0;
}

}  // namespace

int main() {
  constexpr int kCallers = 4;
  constexpr int kJobs = 1000;
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      for (int n = 0; n < kJobs; ++n) {
        const int threads = 1 + (i + n) % Checked::kThreads;
        Checked job(i + n, threads);
        run_job(job, threads);
        wrong += job.wrong();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  wrong += lost_threads(kCallers);
  OneLongPart job;
  run_job(job, 2);
  wrong += job.wrong();
  OneThatLooksUp look;
  run_job(look, 2);
  wrong += look.wrong();
  std::printf("%d jobs, %d failed\n", kCallers * kJobs + 2, wrong.load());
  return wrong == 0 ? 0 : 1;
}
