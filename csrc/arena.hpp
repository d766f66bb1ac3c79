// Places buffers by their lifetimes in one block.
#pragma once

#include <vector>

#include "layout.hpp"

namespace cnnfast {

struct Lifetime {
  std::int64_t bytes;
  int first;  // step that writes it
  int end;    // behind the last step that reads it
  std::int64_t offset = 0;
};

// Sets the offsets so that buffers alive at the same time do not overlap, biggest first, each
// at the lowest place that is free; offsets are aligned. Returns the bytes needed in all.
std::int64_t place(std::vector<Lifetime>& buffers);

}  // namespace cnnfast
