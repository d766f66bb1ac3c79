// Pooling over windows already clipped to the image: padding takes no part.
#pragma once

#include "simd.hpp"
#include "table.hpp"

namespace {

using cnnfast::PoolRow;

struct Maximum {
  static Vec start() { return splat(-__builtin_inff()); }
  // A NaN, once met, stays.
  static Vec add(Vec acc, Vec x) { return select((acc >= x) | (acc != acc), acc, x); }
  static Vec end(Vec acc, float) { return acc; }
};

struct Average {
  static Vec start() { return splat(0.0F); }
  static Vec add(Vec acc, Vec x) { return acc + x; }
  static Vec end(Vec acc, float count) { return acc / splat(count); }
};

template <class Rule, class Load>
inline Vec pool_window(const PoolRow& t, std::int64_t i, std::int64_t c, Load load_lanes) {
  Vec acc = Rule::start();
  std::int64_t count = 0;
  for (std::int64_t y = 0; y < t.rows; ++y) {
    for (std::int64_t x = t.begin[i]; x < t.end[i]; x += t.dilation, ++count) {
      acc = Rule::add(acc, load_lanes(t.x + y * t.x_row + x * t.x_pixel + c));
    }
  }
  return Rule::end(acc, static_cast<float>(count));
}

template <class Rule>
void pool(const PoolRow& t) {
  const std::int64_t whole = t.channels / kLanes * kLanes;
  const std::int64_t rest = t.channels - whole;
  for (std::int64_t i = 0; i < t.width; ++i) {
    float* out = t.out + i * t.out_pixel;
    for (std::int64_t c = 0; c < whole; c += kLanes) {
      store(out + c, pool_window<Rule>(t, i, c, load));
    }
    if (rest > 0) {
      const auto load_rest = [rest](const float* p) { return load_first(p, rest); };
      store_first(out + whole, pool_window<Rule>(t, i, whole, load_rest), rest);
    }
  }
}

}  // namespace
