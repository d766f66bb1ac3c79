// Sums, products and scales of numbers in bytes.
#pragma once

#include "byte_rounding.hpp"

namespace {

using cnnfast::QuantizedAffineTask;
using cnnfast::QuantizedPairTask;

struct SumOfPair {
  static Vec term_of_y(Vec y, const QuantizedPairTask& t) { return y * splat(t.y_multiplier); }
  static Vec join(Vec x, Vec y, const QuantizedPairTask& t) {
    return x * splat(t.x_multiplier) + y;
  }
  static float largest(const QuantizedPairTask& t) {
    return 255 * (__builtin_fabsf(t.x_multiplier) + __builtin_fabsf(t.y_multiplier));
  }
};

// The product of two numbers of 9 bits is exact.
struct ProductOfPair {
  static Vec term_of_y(Vec y, const QuantizedPairTask&) { return y; }
  static Vec join(Vec x, Vec y, const QuantizedPairTask& t) {
    return x * y * splat(t.x_multiplier);
  }
  static float largest(const QuantizedPairTask& t) {
    return 255 * 255 * __builtin_fabsf(t.x_multiplier);
  }
};

// Columns [first, first + n) of all rows.
template <class Rule, class Round>
CNNFAST_INLINE inline void join_columns(const QuantizedPairTask& t, const Round& round,
                                        std::int64_t first, std::int64_t n) {
  const std::uint8_t* x = t.x + first;
  const std::uint8_t* y = t.y + first;
  std::uint8_t* out = t.out + first;
  Vec terms[kQuarters];
  const auto read_y = [&]() CNNFAST_INLINE {
    const Bytes bytes = load_lanes(y, n);
    repeat<kQuarters>([&](auto q) CNNFAST_INLINE {
      terms[q] = Rule::term_of_y(floats<q>(bytes, t.y_zero_point), t);
    });
  };
  read_y();
  for (std::int64_t row = 0; row < t.rows; ++row, x += t.n, out += t.n) {
    const Bytes bytes = load_lanes(x, n);
    store_lanes(out, round([&](auto q) CNNFAST_INLINE {
                  return Rule::join(floats<q>(bytes, t.x_zero_point), terms[q], t);
                }),
                n);
  }
}

template <class Rule, bool moderate>
inline void join_rows(const QuantizedPairTask& given) {
  const QuantizedPairTask t = given;  // which nothing that is stored can change
  const CommonRounding<moderate> round(t.rounding);
  std::int64_t first = 0;
  for (; first + kBytes <= t.n; first += kBytes) join_columns<Rule>(t, round, first, kBytes);
  if (first < t.n) join_columns<Rule>(t, round, first, t.n - first);
}

template <class Rule>
void quantized_pair(const QuantizedPairTask& t) {
  if (Rule::largest(t) < kModerate) {
    join_rows<Rule, true>(t);
  } else {
    join_rows<Rule, false>(t);
  }
}

// Factors and offsets of a vector of channels, in registers.
struct VectorOfScales {
  Vec factor[kQuarters];
  Vec offset[kQuarters];
  Bytes lowest;
  Bytes highest;
};

// A vector of channels of all pixels, whose arrays begin at `at`.
template <bool moderate>
CNNFAST_INLINE inline void scale_channels(const QuantizedAffineTask& t, std::int64_t first,
                                          std::int64_t n, std::int64_t at) {
  const std::uint8_t* x = t.x + first;
  std::uint8_t* out = t.out + first;
  const float zero_point = t.rounding.zero_point;
  const float x_zero_point = t.x_zero_point;
  VectorOfScales by;
  const auto bytes_of_bounds = [&](const float* bounds) CNNFAST_INLINE {
    return nearest_bytes_of(zero_point,
                            [&](auto q) CNNFAST_INLINE { return load(bounds + at + q * kLanes); });
  };
  by.lowest = bytes_of_bounds(t.rounding.lower);
  by.highest = bytes_of_bounds(t.rounding.upper);
  repeat<kQuarters>([&](auto q) CNNFAST_INLINE {
    by.factor[q] = load(t.rounding.multiplier + at + q * kLanes);
    by.offset[q] = load(t.offset + at + q * kLanes);
  });
  for (std::int64_t pixel = 0; pixel < t.pixels; ++pixel, x += t.channels, out += t.channels) {
    const Bytes bytes = load_lanes(x, n);
    const Bytes made = nearest_bytes_of(zero_point, [&](auto q) CNNFAST_INLINE {
      const Vec r = floats<q>(bytes, x_zero_point) * by.factor[q] + by.offset[q];
      return moderate ? r : within(r, splat(-kModerate), splat(kModerate));
    });
    store_lanes(out, smaller(larger(made, by.lowest), by.highest), n);
  }
}

template <bool moderate>
inline void scale_pixels(const QuantizedAffineTask& t) {
  for (std::int64_t first = 0; first < t.channels; first += kBytes) {
    const std::int64_t left = t.channels - first;
    if (left >= kBytes) {
      scale_channels<moderate>(t, first, kBytes, first);
    } else if (t.channels > kBytes) {
      scale_channels<moderate>(t, t.channels - kBytes, kBytes, first);
    } else {
      scale_channels<moderate>(t, 0, left, 0);
    }
  }
}

void quantized_affine(const QuantizedAffineTask& t) {
  if (t.largest < kModerate) {
    scale_pixels<true>(t);
  } else {
    scale_pixels<false>(t);
  }
}

}  // namespace
