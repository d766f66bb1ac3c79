// From finished sums to bytes as requantize.hpp has it, for whole vectors of bytes.
#pragma once

#include "bytes.hpp"
#include "requantize.hpp"

namespace {

// Where each number is smaller it may be rounded before it is bounded, which has the same result:
// bounds are integers. That takes fewer instructions, in bytes.
constexpr float kModerate = 2097152.0F;

// Of a moderate number or one within its bounds, which count from the zero point.
inline IntVec nearest_integer(Vec r, float zero_point) {
  constexpr std::int32_t kBits = 0x4b400000;  // of what is added
  return bits(r + splat(kRoundToInteger + zero_point)) - splat_int(kBits);
}

inline Shorts nearest_integers(Vec low, Vec high, float zero_point) {
  return pack(nearest_integer(low, zero_point), nearest_integer(high, zero_point));
}

// Quarter `q` of a vector of channels whose arrays begin at `at`.
inline Vec bounded_channels(Vec r, const cnnfast::ChannelRounding& by, std::int64_t at, int q) {
  at += q * kLanes;
  return within(r * load(by.multiplier + at), load(by.lower + at), load(by.upper + at));
}

// What a quarter of bytes has in lane order, as numbers one behind the other: of those of the first
// n bytes.
[[gnu::noinline]] void store_quarter(float* out, Vec v, int q, std::int64_t n) {
  for (int lane = 0; lane < kBytes / 16; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const int at = lane * 16 + q * 4 + i;
      if (at < n) out[at] = v[lane * 4 + i];
    }
  }
}

// Bytes next to the numbers of four quarters, quarter(Index) -> Vec.
template <class Quarter>
CNNFAST_INLINE inline Bytes nearest_bytes_of(float zero_point, Quarter quarter) {
  const Shorts low = nearest_integers(quarter(Index<0>()), quarter(Index<1>()), zero_point);
  const Shorts high = nearest_integers(quarter(Index<2>()), quarter(Index<3>()), zero_point);
  return pack(low, high);
}

// The same for all channels: what becomes of quarter(Index) -> Vec, which is moderate or not.
template <bool moderate>
class CommonRounding {
 public:
  explicit CommonRounding(const cnnfast::ByteRounding& by)
      : zero_point_(by.zero_point),
        lower_(splat(by.lower)),
        upper_(splat(by.upper)),
        lowest_(splat_byte(by.lower + by.zero_point)),
        highest_(splat_byte(by.upper + by.zero_point)) {}

  template <class Quarter>
  CNNFAST_INLINE Bytes operator()(Quarter quarter) const {
    if constexpr (moderate) {
      return smaller(larger(nearest_bytes_of(zero_point_, quarter), lowest_), highest_);
    } else {
      return nearest_bytes_of(
          zero_point_, [&](auto q) CNNFAST_INLINE { return within(quarter(q), lower_, upper_); });
    }
  }

 private:
  float zero_point_;
  Vec lower_;
  Vec upper_;
  Bytes lowest_;
  Bytes highest_;
};

}  // namespace
