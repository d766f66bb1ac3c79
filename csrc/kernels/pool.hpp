// Pooling over windows already clipped to the image: padding takes no part.
#pragma once

#include "simd.hpp"
#include "table.hpp"

namespace {

using cnnfast::PoolRow;

struct Maximum {
  static Vec start() { return splat(-__builtin_inff()); }
  static Vec add(Vec acc, Vec x) { return larger(acc, x); }
  static Vec end(Vec acc, float) { return acc; }
};

struct Average {
  static Vec start() { return splat(0.0F); }
  static Vec add(Vec acc, Vec x) { return acc + x; }
  static Vec end(Vec acc, float count) { return acc / splat(count); }
};

// N vectors of channels from `c` on.
template <class Rule, int N, class Load, class Store>
inline void pool_window(const PoolRow& t, std::int64_t i, std::int64_t c, Load load_lanes,
                        Store store_lanes) {
  Vec acc[N];
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) acc[n] = Rule::start();
  std::int64_t count = 0;
  for (std::int64_t y = 0; y < t.rows; ++y) {
    const float* row = t.x + y * t.x_row + c;
    for (std::int64_t x = t.begin[i]; x < t.end[i]; x += t.dilation, ++count) {
      CNNFAST_UNROLL
      for (int n = 0; n < N; ++n) {
        acc[n] = Rule::add(acc[n], load_lanes(row + x * t.x_pixel + n * kLanes));
      }
    }
  }
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) {
    store_lanes(t.out + i * t.out_pixel + c + n * kLanes,
                Rule::end(acc[n], static_cast<float>(count)));
  }
}

template <class Rule>
void pool(const PoolRow& t) {
  constexpr int kVectors = 4;
  const std::int64_t rest = t.channels % kLanes;
  const auto load_rest = [rest](const float* p) { return load_first(p, rest); };
  const auto store_rest = [rest](float* p, Vec v) { store_first(p, v, rest); };
  for (std::int64_t i = 0; i < t.width; ++i) {
    std::int64_t c = 0;
    for (; c + kVectors * kLanes <= t.channels; c += kVectors * kLanes) {
      pool_window<Rule, kVectors>(t, i, c, load, store);
    }
    for (; c + kLanes <= t.channels; c += kLanes) pool_window<Rule, 1>(t, i, c, load, store);
    if (rest > 0) pool_window<Rule, 1>(t, i, c, load_rest, store_rest);
  }
}

}  // namespace
