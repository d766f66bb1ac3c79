// A convolution's window as spans of consecutive numbers.
#pragma once

#include <vector>

#include "window.hpp"

namespace cnnfast {

struct WindowSpan {
  std::int64_t offset_row;  // of the window
  std::int64_t offset;      // numbers inside that row
  std::int64_t length;
};

// A whole kernel row where its taps touch, else tap by tap; none longer than `longest`. `depth`
// channels of the image's take part.
inline std::vector<WindowSpan> spans_of(const Window& w, std::int64_t channels, std::int64_t depth,
                                        std::int64_t longest) {
  const bool touching = depth == channels && w.dilation_x == 1;
  const std::int64_t taps = touching ? 1 : w.width;
  const std::int64_t length = touching ? w.width * channels : depth;
  std::vector<WindowSpan> spans;
  for (std::int64_t y = 0; y < w.height; ++y) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t at = 0; at < length; at += longest) {
        const std::int64_t start = tap * w.dilation_x * channels + at;
        spans.push_back({y * w.dilation_y, start, std::min(longest, length - at)});
      }
    }
  }
  return spans;
}

}  // namespace cnnfast
