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

std::vector<Taps> taps_inside(std::int64_t out, std::int64_t size, std::int64_t stride,
                              std::int64_t dilation, std::int64_t pad, std::int64_t limit) {
  std::vector<Taps> all;
  for (std::int64_t i = 0; i < out; ++i) {
    const std::int64_t start = i * stride - pad;
    const std::int64_t before = start < 0 ? (dilation - 1 - start) / dilation : 0;
    const std::int64_t first = start + before * dilation;
    const std::int64_t inside = (limit - first + dilation - 1) / dilation;
    all.push_back({first, std::min(size - before, inside)});
    if (all.back().count < 1) throw std::invalid_argument("a window has no tap in the image");
  }
  return all;
}

}  // namespace cnnfast
