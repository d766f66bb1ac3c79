// Elementwise operations on rows of two operands.
#pragma once

#include "simd.hpp"
#include "table.hpp"

namespace {

using cnnfast::BinaryKind;
using cnnfast::BinaryTask;

template <class F>
inline void binary_row(F f, const float* a, std::int64_t a_step, const float* b,
                       std::int64_t b_step, float* out, std::int64_t n) {
  const Vec first_a = splat(a[0]);
  const Vec first_b = splat(b[0]);
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    store(out + i, f(a_step == 0 ? first_a : load(a + i), b_step == 0 ? first_b : load(b + i)));
  }
  if (i == n) return;
  const Vec rest_a = a_step == 0 ? first_a : load_first(a + i, n - i);
  const Vec rest_b = b_step == 0 ? first_b : load_first(b + i, n - i);
  store_first(out + i, f(rest_a, rest_b), n - i);
}

inline Vec power(Vec x, Vec y) {
  Vec z = x;
  for (int i = 0; i < kLanes; ++i) z[i] = __builtin_powf(x[i], y[i]);
  return z;
}

template <class F>
inline void binary_rows(F f, const BinaryTask& t) {
  for (std::int64_t row = 0; row < t.rows; ++row) {
    binary_row(f, t.a + row * t.a_row, t.a_step, t.b + row * t.b_row, t.b_step, t.out + row * t.n,
               t.n);
  }
}

void binary(const BinaryTask& t) {
  const auto run = [&](auto f) { binary_rows(f, t); };
  switch (t.kind) {
    case BinaryKind::add: return run([](Vec x, Vec y) { return x + y; });
    case BinaryKind::subtract: return run([](Vec x, Vec y) { return x - y; });
    case BinaryKind::multiply: return run([](Vec x, Vec y) { return x * y; });
    case BinaryKind::divide: return run([](Vec x, Vec y) { return x / y; });
    case BinaryKind::maximum: return run(larger);
    case BinaryKind::minimum: return run(smaller);
    case BinaryKind::power: return run(power);
    case BinaryKind::prelu:
      return run([](Vec x, Vec y) { return select(x > splat(0.0F), x, y * x); });
  }
}

}  // namespace
