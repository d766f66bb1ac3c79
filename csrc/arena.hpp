// Places buffers by their lifetimes in one piece of memory.
#pragma once

#include <vector>

#include "layout.hpp"

namespace cnnfast {

struct Lifetime {
  std::int64_t bytes;
  // Steps [first, last) from the one that writes it to those that read it.
  int first;
  int last;
  std::int64_t offset = 0;
};

// Sets the offsets so that buffers alive at the same time do not overlap, biggest first, each
// at the lowest place that is free; offsets are aligned. Returns the bytes needed in all.
std::int64_t place(std::vector<Lifetime>& buffers);

}  // namespace cnnfast
