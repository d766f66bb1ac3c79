// How images of few rows are cut for the threads to share.
#pragma once

#include <algorithm>

#include "../cpu.hpp"
#include "../layout.hpp"

namespace cnnfast {

// Pixels [first, last) of a row of an image.
struct Strip {
  std::int64_t image;
  std::int64_t row;
  std::int64_t first;
  std::int64_t last;
  bool whole;  // the row
};

// Whole rows where an image has many or short ones, else parts of them: a sequence is an image of
// one row.
class Strips {
 public:
  Strips() = default;
  Strips(std::int64_t height, std::int64_t width, std::int64_t channels)
      : height_(height), width_(width) {
    constexpr std::int64_t kEnough = 64;  // units for the threads
    const std::int64_t wanted = (kEnough + height - 1) / height;
    const std::int64_t most = width * channels / kernels().tuning.strip_floats;
    per_row_ = std::clamp<std::int64_t>(std::min(wanted, most), 1, width);
  }

  std::int64_t count(std::int64_t images) const { return images * height_ * per_row_; }

  Strip at(std::int64_t index) const {
    const std::int64_t row = index / per_row_;
    const std::int64_t part = index % per_row_;
    return {row / height_, row % height_, width_ * part / per_row_, width_ * (part + 1) / per_row_,
            per_row_ == 1};
  }

 private:
  std::int64_t height_ = 1;
  std::int64_t width_ = 1;
  std::int64_t per_row_ = 1;
};

}  // namespace cnnfast
