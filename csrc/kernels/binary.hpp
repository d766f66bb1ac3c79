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

// Of the sign of y, as floor has it.
inline float modulo_of(float x, float y) {
  const float rest = __builtin_fmodf(x, y);
  if (rest == 0.0F) return __builtin_copysignf(rest, y);
  return (rest < 0.0F) != (y < 0.0F) ? rest + y : rest;
}

// The quotient of what is left without the rest: x / y may be rounded up to a whole number.
inline float floor_divided(float x, float y) {
  const float rest = __builtin_fmodf(x, y);
  const float quotient = (y == 0.0F ? x : x - rest) / y;
  const bool signs_differ = rest != 0.0F && (rest < 0.0F) != (y < 0.0F);
  return __builtin_roundf(signs_differ ? quotient - 1.0F : quotient);
}

template <class F>
inline Vec each_pair(Vec x, Vec y, F f) {
  Vec z = x;
  for (int i = 0; i < kLanes; ++i) z[i] = f(x[i], y[i]);
  return z;
}

inline IntVec nonzero(Vec x) { return x != splat(0.0F); }
inline Vec truth(IntVec mask) { return select(mask, splat(1.0F), splat(0.0F)); }

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
    case BinaryKind::power:
      return run([](Vec x, Vec y) {
        return each_pair(x, y, [](float a, float b) { return __builtin_powf(a, b); });
      });
    case BinaryKind::prelu:
      return run([](Vec x, Vec y) { return select(x > splat(0.0F), x, y * x); });
    case BinaryKind::floor_divide:
      return run([](Vec x, Vec y) { return each_pair(x, y, floor_divided); });
    case BinaryKind::modulo: return run([](Vec x, Vec y) { return each_pair(x, y, modulo_of); });
    case BinaryKind::arctan2:
      return run([](Vec x, Vec y) {
        return each_pair(x, y, [](float a, float b) { return __builtin_atan2f(a, b); });
      });
    case BinaryKind::equal: return run([](Vec x, Vec y) { return truth(x == y); });
    case BinaryKind::not_equal: return run([](Vec x, Vec y) { return truth(x != y); });
    case BinaryKind::greater: return run([](Vec x, Vec y) { return truth(x > y); });
    case BinaryKind::greater_equal: return run([](Vec x, Vec y) { return truth(x >= y); });
    case BinaryKind::logical_and:
      return run([](Vec x, Vec y) { return truth(nonzero(x) & nonzero(y)); });
    case BinaryKind::logical_or:
      return run([](Vec x, Vec y) { return truth(nonzero(x) | nonzero(y)); });
    case BinaryKind::logical_xor:
      return run([](Vec x, Vec y) { return truth(nonzero(x) ^ nonzero(y)); });
    case BinaryKind::keep: return run([](Vec x, Vec y) { return bits(bits(x) & nonzero(y)); });
    case BinaryKind::leave:
      return run([](Vec x, Vec y) { return bits(bits(x) & (y == splat(0.0F))); });
    case BinaryKind::either: return run([](Vec x, Vec y) { return bits(bits(x) | bits(y)); });
  }
}

}  // namespace
