// Threads that work on one job at a time.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "job.hpp"

namespace cnnfast {

// Who takes which part, who sleeps and who is woken; whose threads they are, others decide. They
// are numbered: 0 is the one that brings the job. A thread's own parts of a phase are neighbours,
// so that it finds what it wrote in its cache; when they are done it takes those of others.
class Team {
 public:
  enum class State : std::uint8_t { absent, awake, asleep };

  Team();

  Team* next_idle = nullptr;

  // Opens the first phase of a job for threads 0 to `threads` - 1. Those that are not there, or
  // come later, leave their parts to the others.
  void begin(Job& job, int threads);
  // What thread 0 does then: runs parts until the job is done.
  void lead();
  // What the others do. Those of a region leave when the job is done; `wake_all` tells them.
  void follow(int thread);
  void wake_all(int threads);
  // Those that stay wait for the next job, or for one that asks for so many; this returns, and the
  // thread counts as absent, when none has come in that time.
  void follow_jobs(int thread, const std::atomic<std::int64_t>& idle_milliseconds);

  State state(int thread) const { return state_of(thread).load(); }
  void set_state(int thread, State state) { state_of(thread).store(state); }
  // Before a thread of that number may come; it stays.
  void make_bed(int thread);
  void make_beds(int threads);

 private:
  // In a word: the parts, the threads, the number.
  static constexpr int kPartBits = 12;
  static constexpr int kThreadBits = 10;
  static constexpr int kThreadMask = (1 << kThreadBits) - 1;
  static constexpr int kNumberShift = kPartBits + kThreadBits;
  static_assert(Job::kMostParts == (1 << kPartBits) - 1);
  static_assert(kMostThreads <= kThreadMask);

  // The phase that is open: a number that no other phase of the team has, the threads that may
  // help and the parts; all 0 but the number where no job runs. Fits into one word.
  struct OpenPhase {
    std::uint64_t number;
    int threads;
    int parts;

    static OpenPhase unpacked(std::uint64_t word) {
      return {word >> kNumberShift, static_cast<int>(word >> kPartBits & kThreadMask),
              static_cast<int>(word & Job::kMostParts)};
    }
    std::uint64_t packed() const {
      return number << kNumberShift | static_cast<std::uint64_t>(threads) << kPartBits |
             static_cast<std::uint64_t>(parts);
    }

    // A thread's own parts are [first(thread), first(thread + 1)).
    int first(int thread) const { return (parts * thread + threads - 1) / threads; }
  };

  // How many of a thread's own parts are taken, in the phase of that number.
  struct alignas(64) Taken {
    std::atomic<std::uint64_t> word{0};

    static std::uint64_t packed(std::uint64_t number, int parts) {
      return number << kNumberShift | static_cast<std::uint64_t>(parts);
    }
    static std::uint64_t number(std::uint64_t word) { return word >> kNumberShift; }
    static int parts(std::uint64_t word) { return static_cast<int>(word & Job::kMostParts); }
  };

  // Where a thread sleeps. Its state is changed to and from `asleep` under the lock.
  struct alignas(64) Bed {
    std::mutex mutex;
    std::condition_variable called;
  };

  void open_next();
  bool work(const OpenPhase& phase, int thread);
  int take(const OpenPhase& phase, int owner);
  void wake(int thread);
  bool sleep(int thread, std::uint64_t seen, std::chrono::milliseconds most);

  std::atomic<State>& state_of(int thread) { return states_[static_cast<std::size_t>(thread)]; }
  const std::atomic<State>& state_of(int thread) const {
    return states_[static_cast<std::size_t>(thread)];
  }
  std::unique_ptr<Bed>& bed(int thread) { return beds_[static_cast<std::size_t>(thread)]; }

  std::array<Taken, kMostThreads> taken_;
  std::array<std::unique_ptr<Bed>, kMostThreads> beds_;
  alignas(64) std::array<std::atomic<State>, kMostThreads> states_ = {};
  // Written together, between phases.
  alignas(64) std::atomic<std::uint64_t> open_{0};
  Job* job_ = nullptr;
  int index_ = 0;  // of the open phase in the job
  int threads_ = 0;
  alignas(64) std::atomic<int> done_{0};
};

}  // namespace cnnfast
