#include <algorithm>
#include <limits>
#include <string>

#include "ops.hpp"

namespace cnnfast {

namespace {

constexpr std::int64_t kLargestSide = std::numeric_limits<std::int32_t>::max();

void check_axis(const char* axis, std::int64_t in, std::int64_t out, std::int64_t size,
                std::int64_t stride, std::int64_t dilation, std::int64_t before,
                std::int64_t after) {
  const bool good = std::min({in, out, size, stride, dilation}) >= 1 &&
                    std::min(before, after) >= 0 &&
                    std::max({in, out, size, stride, dilation, before, after}) <= kLargestSide;
  if (!good) {
    throw std::invalid_argument(std::string("a window needs positive 31-bit numbers along its ") +
                                axis);
  }
  const std::int64_t reach = (size - 1) * dilation + 1;
  if ((out - 1) * stride + reach > before + in + after) {
    throw std::invalid_argument(std::string("a window leaves its padded image along its ") + axis);
  }
}

}  // namespace

void check_window(const Window& w, const Dims& in, const Dims& out) {
  if (in.size() != 3 || out.size() != 3) {
    throw std::invalid_argument("a window slides over (height, width, channels)");
  }
  check_axis("height", in[0], out[0], w.height, w.stride_y, w.dilation_y, w.pads.top,
             w.pads.bottom);
  check_axis("width", in[1], out[1], w.width, w.stride_x, w.dilation_x, w.pads.left, w.pads.right);
}

}  // namespace cnnfast
