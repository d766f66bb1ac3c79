// A team's own threads, which stay between jobs.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "team.hpp"

namespace cnnfast {

// Threads that a job does not ask for sleep through it, and one that nobody has asked for during
// the idle time ends. Never destroyed, because they may wake at any time.
class Crew {
 public:
  Crew* next_idle = nullptr;

  // Runs the job on the calling thread and at most `threads` - 1 others: fewer where the system
  // gives no more.
  void run(Job& job, int threads);

 private:
  void start_absent(int threads);
  bool start(int thread, std::optional<std::vector<int>>& processors);

  Team team_;
};

// How long a thread stays that nobody asks for; for tests, which do not wait as long.
void set_idle_time(std::chrono::milliseconds time);

}  // namespace cnnfast
