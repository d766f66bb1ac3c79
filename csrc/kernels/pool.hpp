// Pooling over windows already clipped to the image: padding takes no part. First over the rows of
// all windows beside each other, then over the columns of each, so that windows that overlap share
// the former.
#pragma once

#include "epilogue.hpp"
#include "tuning.hpp"

namespace {

using cnnfast::PoolRow;

struct Maximum {
  static Vec add(Vec acc, Vec x) { return larger(acc, x); }
  static Vec end(Vec acc, float) { return acc; }
};

struct Average {
  static Vec add(Vec acc, Vec x) { return acc + x; }
  static Vec end(Vec acc, float count) { return acc / splat(count); }
};

// The pooling of `count` vectors, `step` floats from each other.
template <class Rule, int N, class Load, class Store>
CNNFAST_INLINE inline void pool_vectors(const float* x, std::int64_t step, std::int64_t count,
                                        Load load_lanes, Store store_vector) {
  Vec acc[N];
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) acc[n] = load_lanes(x + n * kLanes);
  for (std::int64_t i = 1; i < count; ++i) {
    x += step;
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) acc[n] = Rule::add(acc[n], load_lanes(x + n * kLanes));
  }
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) store_vector(n * kLanes, acc[n]);
}

// out[j] = end(the pooling of x[i * step + j], i < count), j < n.
template <class Rule, class End>
CNNFAST_INLINE inline void pool_floats(const float* x, std::int64_t step, std::int64_t count,
                                       float* out, std::int64_t n, End end) {
  std::int64_t at = 0;
  const auto store_at = [&](std::int64_t i, Vec v) { store(out + at + i, end(v)); };
  for (; at + 4 * kLanes <= n; at += 4 * kLanes) {
    pool_vectors<Rule, 4>(x + at, step, count, load, store_at);
  }
  if (at + 2 * kLanes <= n) {
    pool_vectors<Rule, 2>(x + at, step, count, load, store_at);
    at += 2 * kLanes;
  }
  if (at + kLanes <= n) {
    pool_vectors<Rule, 1>(x + at, step, count, load, store_at);
    at += kLanes;
  }
  const std::int64_t rest = n - at;
  if (rest == 0) return;
  pool_vectors<Rule, 1>(
      x + at, step, count, [&](const float* p) { return load_first(p, rest); },
      [&](std::int64_t, Vec v) { store_first(out + at, end(v), rest); });
}

// The same with the counts of common windows as constants.
template <class Rule, class End>
CNNFAST_INLINE inline void pool_common(const float* x, std::int64_t step, std::int64_t count,
                                       float* out, std::int64_t n, End end) {
  switch (count) {
    case 2: return pool_floats<Rule>(x, step, 2, out, n, end);
    case 3: return pool_floats<Rule>(x, step, 3, out, n, end);
    default: return pool_floats<Rule>(x, step, count, out, n, end);
  }
}

// The pooling over the rows of columns [first, last).
template <class Rule>
inline void pool_rows(const PoolRow& t, std::int64_t first, std::int64_t last) {
  const bool together = t.x_pixel == t.channels;
  const std::int64_t pixels = together ? last - first : 1;
  for (std::int64_t x = first; x < last; x += pixels) {
    pool_common<Rule>(t.x + x * t.x_pixel, t.x_row, t.rows, t.columns + x * t.channels,
                      pixels * t.channels, [](Vec v) CNNFAST_INLINE { return v; });
  }
}

template <class Rule>
void pool(const PoolRow& t) {
  const std::int64_t strip = kPooledFloats / t.channels;
  const float* x = t.rows > 1 ? t.columns : t.x;
  const std::int64_t pixel = t.rows > 1 ? t.channels : t.x_pixel;
  std::int64_t done = 0;  // columns
  for (std::int64_t i = 0; i < t.width; ++i) {
    const cnnfast::Taps& taps = t.taps[i];
    const std::int64_t end = taps.first + (taps.count - 1) * t.dilation + 1;
    if (t.rows > 1 && done < end) {
      // Of dilated windows that begin in the padding a later one may read columns before these.
      if (t.dilation == 1 && done < taps.first) done = taps.first;
      std::int64_t next = done + strip < t.x_width ? done + strip : t.x_width;
      if (next < end) next = end;
      pool_rows<Rule>(t, done, next);
      done = next;
    }
    const auto numbers = static_cast<float>(t.rows * taps.count);
    pool_common<Rule>(x + taps.first * pixel, t.dilation * pixel, taps.count,
                      t.out + i * t.out_pixel, t.channels,
                      [&](Vec v) CNNFAST_INLINE { return Rule::end(v, numbers); });
  }
}

}  // namespace
