// Many threads bring jobs of many small phases at once: each part must run once, inside its phase.
#include <atomic>
#include <cstdio>
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
  explicit Checked(int seed) : seed_(seed), runs_(kPhases) {}

  int phases() const override { return kPhases; }
  int parts(int phase) const override { return 1 + (seed_ + phase * 7) % 13; }

  void run(int phase, int part, int thread) noexcept override {
    note(phase != open_ || part < 0 || part >= parts(phase) || thread < 0);
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
  int open_ = 0;  // the phase whose turn it is; written between phases only
  int total_ = 0;
  int sums_[kThreads] = {};
  std::vector<std::atomic<int>> runs_;
  std::atomic<int> wrong_{0};
};

}  // namespace

int main() {
  constexpr int kCallers = 4;
  constexpr int kJobs = 200;
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&, i] {
      for (int n = 0; n < kJobs; ++n) {
        Checked job(i + n);
        run_job(job, 1 + (i + n) % Checked::kThreads);
        wrong += job.wrong();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  std::printf("%d jobs, %d failed\n", kCallers * kJobs, wrong.load());
  return wrong == 0 ? 0 : 1;
}
