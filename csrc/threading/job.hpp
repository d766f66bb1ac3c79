// Work handed out to threads.
#pragma once

namespace cnnfast {

// Work in phases; one begins when the one before is done. Each is cut into parts, which any
// thread may run, in any order.
class Job {
 public:
  virtual ~Job() = default;

  virtual int phases() const = 0;
  virtual int parts(int phase) const = 0;  // at least 1, at most kMostParts
  virtual void run(int phase, int part, int thread) noexcept = 0;
  // Called once, between a phase and the next.
  virtual void finished(int /*phase*/) noexcept {}
  // Called now and then on the thread that brought the job, while it waits for the others.
  virtual void waiting() noexcept {}

  static constexpr int kMostParts = 4095;
};

constexpr int kMostThreads = 512;

}  // namespace cnnfast
