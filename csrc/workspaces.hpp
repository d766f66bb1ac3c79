// Memory for runs: one pool for the process.
#pragma once

#include "memory.hpp"

namespace cnnfast {

// A buffer for one run, which goes back to the pool at the end. What is in it is left from others.
class Workspace {
 public:
  explicit Workspace(std::int64_t bytes);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  std::byte* data() const { return buffer_.data(); }

 private:
  Buffer buffer_;
};

// The most bytes that wait between runs for the next one. They go back to the system when no run
// has taken them for some seconds, all but a few megabytes.
std::int64_t workspace_limit();
void set_workspace_limit(std::int64_t bytes);

std::int64_t idle_workspace_bytes();
void release_idle_workspaces();

}  // namespace cnnfast
