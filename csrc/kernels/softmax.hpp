// exp(x - max) / sum along contiguous rows; the maximum first, so that nothing overflows.
#pragma once

#include "math.hpp"

namespace {

// f(vector, offset, lanes) over a row; the last vector is filled up with -inf, whose exp is 0.
template <class F>
inline void for_each_vector(const float* row, std::int64_t n, F f) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(load(row + i), i, kLanes);
  if (i == n) return;
  Vec v = splat(-__builtin_inff());
  for (std::int64_t j = i; j < n; ++j) v[j - i] = row[j];
  f(v, i, n - i);
}

void softmax(const float* x, float* out, std::int64_t rows, std::int64_t n) {
  for (std::int64_t r = 0; r < rows; ++r, x += n, out += n) {
    Vec top = splat(-__builtin_inff());
    for_each_vector(x, n, [&](Vec v, std::int64_t, std::int64_t) { top = larger(top, v); });
    float highest = top[0];
    for (int i = 1; i < kLanes; ++i) {
      if (!(top[i] <= highest) && highest == highest) highest = top[i];
    }
    Vec total = splat(0.0F);
    for_each_vector(x, n, [&](Vec v, std::int64_t i, std::int64_t lanes) {
      const Vec e = exp(v - splat(highest));
      total += e;
      store_first(out + i, e, lanes);
    });
    const Vec whole = splat(sum(total));
    for_each_vector(out, n, [&](Vec v, std::int64_t i, std::int64_t lanes) {
      store_first(out + i, v / whole, lanes);
    });
  }
}

}  // namespace
