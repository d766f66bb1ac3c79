// Windows as Python gives them.
#pragma once

#include <array>
#include <tuple>

#include "../ops/window.hpp"

namespace cnnfast {

using Pair = std::array<std::int64_t, 2>;
using WindowNumbers = std::tuple<Pair, Pair, Pair, std::array<std::int64_t, 4>>;

inline Window window_of(const WindowNumbers& numbers) {
  const auto& [size, strides, dilation, pads] = numbers;
  return {size[0],
          size[1],
          strides[0],
          strides[1],
          dilation[0],
          dilation[1],
          {pads[0], pads[1], pads[2], pads[3]}};
}

}  // namespace cnnfast
