// What is by channel, as kernels on bytes read it: in whole vectors, in the lane order of
// kernels/bytes.hpp.
#pragma once

#include <algorithm>
#include <vector>

#include "../cpu.hpp"
#include "quantized.hpp"

namespace cnnfast {

// Bytes in a vector of the kernels.
inline std::int64_t vector_bytes() {
  return std::int64_t{quantized_kernels().lanes} * static_cast<std::int64_t>(sizeof(float));
}

// The channel at each place, -1 where there is none. The last vector ends with the last channel
// where there are as many as it holds, and repeats some of those before.
inline std::vector<std::int64_t> lane_order(std::int64_t channels) {
  constexpr std::int64_t kLane = 16;
  constexpr std::int64_t kQuarter = 4;
  const std::int64_t bytes = vector_bytes();
  std::vector<std::int64_t> order;
  for (std::int64_t vector = 0; vector < channels; vector += bytes) {
    const std::int64_t first = std::max<std::int64_t>(std::min(vector, channels - bytes), 0);
    for (std::int64_t at = 0; at < bytes; ++at) {
      const std::int64_t quarter = at / (bytes / kQuarter);
      const std::int64_t in_quarter = at % (bytes / kQuarter);
      const std::int64_t channel =
          first + in_quarter / kQuarter * kLane + quarter * kQuarter + in_quarter % kQuarter;
      order.push_back(channel < channels ? channel : -1);
    }
  }
  return order;
}

// What stands at each place of what is by channel; of several neighbouring pixels that are one,
// whose channels are as many times those of `numbers`.
template <class T>
std::vector<T> in_lane_order(const std::vector<std::int64_t>& order,
                             const std::vector<T>& numbers) {
  std::vector<T> placed;
  placed.reserve(order.size());
  for (const std::int64_t channel : order) {
    placed.push_back(channel < 0 ? T{0}
                                 : numbers[static_cast<std::size_t>(channel) % numbers.size()]);
  }
  return placed;
}

// Of one that is the same for all channels.
inline ByteRounding one_of(const Rounding& rounding) {
  return {rounding.multiplier[0], rounding.lower[0], rounding.upper[0], rounding.fill()};
}

// A rounding in lane order.
class PlacedRounding {
 public:
  PlacedRounding(const Rounding& rounding, const std::vector<std::int64_t>& order)
      : placed_{in_lane_order(order, rounding.multiplier), in_lane_order(order, rounding.lower),
                in_lane_order(order, rounding.upper), rounding.zero_point} {}

  std::int64_t bytes() const {
    return float_bytes(3 * static_cast<std::int64_t>(placed_.multiplier.size()));
  }
  ChannelRounding numbers() const {
    return {placed_.multiplier.data(), placed_.lower.data(), placed_.upper.data(), placed_.fill(),
            placed_.zero_point.has_value()};
  }

 private:
  Rounding placed_;
};

}  // namespace cnnfast
