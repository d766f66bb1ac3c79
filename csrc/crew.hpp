// Threads that help one job at a time.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "parallel.hpp"

namespace cnnfast {

// Threads are numbered: 0 is the one that brings the job. A thread's own parts of a phase are
// neighbours, so that it finds what it wrote in its cache; when they are done it takes those of
// others. Threads that a job does not ask for sleep through it, and one that nobody has asked for
// during the idle time ends. Never destroyed, because they may wake at any time.
class Crew {
 public:
  Crew();

  Crew* next_idle = nullptr;

  // Runs the job on the calling thread and at most `threads` - 1 others: fewer where the system
  // gives no more.
  void run(Job& job, int threads);

 private:
  enum class State : std::uint8_t { absent, awake, asleep };

  // The phase that is open: a number that no other phase of the crew has, the threads that may
  // help and the parts; all 0 but the number where no job runs. Fits into one word.
  struct Phase {
    std::uint64_t number;
    int threads;
    int parts;

    static Phase unpacked(std::uint64_t word) {
      return {word >> 22, static_cast<int>(word >> 12 & 0x3ff),
              static_cast<int>(word & Job::kMostParts)};
    }
    std::uint64_t packed() const {
      return number << 22 | static_cast<std::uint64_t>(threads) << 12 |
             static_cast<std::uint64_t>(parts);
    }

    // A thread's own parts end there.
    int end(int thread) const { return (parts * (thread + 1) + threads - 1) / threads; }
  };

  // How many of a thread's own parts are taken, in the phase of that number.
  struct alignas(64) Taken {
    std::atomic<std::uint64_t> word{0};  // number << 22 | parts

    static std::uint64_t packed(std::uint64_t number, int parts) {
      return number << 22 | static_cast<std::uint64_t>(parts);
    }
  };

  // Where a thread sleeps. Its state is changed to and from `asleep` under the lock.
  struct alignas(64) Bed {
    std::mutex mutex;
    std::condition_variable called;
  };

  void open_next();
  bool work(const Phase& phase, int thread);
  int take(const Phase& phase, int owner);
  void help(int thread);
  void start_absent(int threads);
  bool start(int thread, std::optional<std::vector<int>>& processors);
  void wake(int thread);
  bool sleep(int thread, std::uint64_t seen, std::chrono::milliseconds most);

  std::atomic<State>& state(int thread) { return states_[static_cast<std::size_t>(thread)]; }
  std::unique_ptr<Bed>& bed(int thread) { return beds_[static_cast<std::size_t>(thread)]; }

  std::array<Taken, kMostThreads> taken_;
  std::array<std::unique_ptr<Bed>, kMostThreads> beds_;  // made with the first thread of a number
  alignas(64) std::array<std::atomic<State>, kMostThreads> states_ = {};
  // Written together, between phases.
  alignas(64) std::atomic<std::uint64_t> open_{0};
  Job* job_ = nullptr;
  int index_ = 0;  // of the open phase in the job
  int threads_ = 0;
  alignas(64) std::atomic<int> done_{0};
};

// How long a thread stays that nobody asks for; for tests, which do not wait as long.
void set_idle_time(std::chrono::milliseconds time);

}  // namespace cnnfast
