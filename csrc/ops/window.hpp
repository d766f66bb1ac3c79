// Windows that slide over images.
#pragma once

#include <vector>

#include "../kernels/table.hpp"
#include "../layout.hpp"

namespace cnnfast {

struct Window {
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t stride_y = 1;
  std::int64_t stride_x = 1;
  std::int64_t dilation_y = 1;
  std::int64_t dilation_x = 1;
  Border pads;

  // Rows of the input that one of the output reads, with those between.
  std::int64_t reach() const { return (height - 1) * dilation_y + 1; }
  // Rows of the input that are read twice where the output is cut, and so many of its rows are made
  // at both sides.
  std::int64_t repeated_rows(std::int64_t rows) const {
    return rows * stride_y + std::max<std::int64_t>(reach() - stride_y, 0);
  }
};

// Throws std::invalid_argument unless `window` over `in` gives height and width of `out`.
void check_window(const Window& window, const Dims& in, const Dims& out);

// Of each of `out` windows along an axis; std::invalid_argument where one has none.
std::vector<Taps> taps_inside(std::int64_t out, std::int64_t size, std::int64_t stride,
                              std::int64_t dilation, std::int64_t pad, std::int64_t limit);

}  // namespace cnnfast
