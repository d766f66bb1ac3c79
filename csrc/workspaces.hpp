// Memory for runs: one pool for the process.
#pragma once

#include "memory.hpp"

namespace cnnfast {

// A block for one run, which goes back to the pool at the end. What is in it is left from others.
class Workspace {
 public:
  explicit Workspace(std::int64_t floats);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  float* data() const { return block_.data(); }

 private:
  Block block_;
};

// The most bytes that wait between runs for the next one. They go back to the system when no run
// has taken them for some seconds, all but a few megabytes.
std::int64_t workspace_limit();
void set_workspace_limit(std::int64_t bytes);

std::int64_t idle_workspace_bytes();
void release_idle_workspaces();

}  // namespace cnnfast
