// Keras' elementwise activations; the formulas are those of keras.activations.
#pragma once

#include "math.hpp"
#include "table.hpp"

namespace {

using cnnfast::Activation;
using Kind = cnnfast::ActivationKind;

inline Vec hard_sigmoid(Vec x, float slope, float offset) {
  return clamp(x * splat(slope) + splat(offset), 0.0F, 1.0F);
}

// x * Phi(x), with Phi from erfc of |x| so that the negative side does not cancel.
inline Vec gelu(Vec x) {
  const Vec tail = splat(0.5F) * erfc(abs(x) * splat(0.707106781F));
  return x * select(x < splat(0.0F), tail, splat(1.0F) - tail);
}

inline Vec gelu_tanh(Vec x) {
  const Vec inner = splat(0.797884561F) * (x + splat(0.044715F) * x * x * x);
  return x * splat(0.5F) * (splat(1.0F) + tanh(inner));
}

inline Vec elu(Vec x, float alpha) {
  return select(x > splat(0.0F), x, splat(alpha) * expm1(at_most(x, 0.0F)));
}

// (x + sqrt(x^2 + b)) / 2, without cancellation where x < 0.
inline Vec squareplus(Vec x, float b) {
  const Vec root = sqrt(x * x + splat(b));
  const Vec below = splat(0.5F * b) / (root - x);
  return select(x < splat(0.0F), below, splat(0.5F) * (x + root));
}

inline Vec shrink(Vec x, float limit, float step) {
  const Vec outside = select(x > splat(0.0F), x - splat(step), x + splat(step));
  return select(abs(x) <= splat(limit), splat(0.0F), outside);
}

inline Vec silu(Vec x) { return x / one_plus_exp_of_negative(x); }

// -1, 0 or 1; a NaN stays.
inline Vec sign(Vec x) {
  const Vec positive = select(x > splat(0.0F), splat(1.0F), x);
  return select(x < splat(0.0F), splat(-1.0F), positive);
}

inline Vec sparse_plus(Vec x) {
  const Vec y = x + splat(1.0F);
  const Vec middle = splat(0.25F) * y * y;
  return select(x <= splat(-1.0F), splat(0.0F), select(x >= splat(1.0F), x, middle));
}

__attribute__((noinline)) Vec apply(Vec x, const Activation& f) {
  const Vec zero = splat(0.0F);
  switch (f.kind) {
    case Kind::linear: return x;
    case Kind::relu: return at_least(x, 0.0F);
    case Kind::clipped_relu: return clamp(x, 0.0F, f.alpha);
    case Kind::leaky_relu: return select(x < zero, x * splat(f.alpha), x);
    case Kind::thresholded_relu: {
      const Vec below = f.alpha == 0.0F ? zero : splat(f.alpha) * (x - splat(f.beta));
      return select(x > splat(f.beta), x, below);
    }
    case Kind::minimum: return at_most(x, f.alpha);
    case Kind::elu: return elu(x, f.alpha);
    case Kind::selu: return splat(1.05070098F) * elu(x, 1.67326324F);
    case Kind::celu: return at_least(x, 0.0F) + splat(f.alpha) * expm1(at_most(x, 0.0F) / f.alpha);
    case Kind::gelu: return gelu(x);
    case Kind::gelu_tanh: return gelu_tanh(x);
    case Kind::sigmoid: return sigmoid(x);
    case Kind::hard_sigmoid: return hard_sigmoid(x, f.alpha, f.beta);
    case Kind::silu: return silu(x);
    case Kind::hard_silu: return x * hard_sigmoid(x, 1.0F / 6, 0.5F);
    case Kind::tanh: return tanh(x);
    case Kind::exp: return exp(x);
    case Kind::softplus: return softplus(x);
    case Kind::softsign: return x / (splat(1.0F) + abs(x));
    case Kind::mish: return x * tanh(softplus(x));
    case Kind::squareplus: return squareplus(x, f.alpha);
    case Kind::soft_shrink: return shrink(x, f.alpha, f.alpha);
    case Kind::hard_shrink: return shrink(x, f.alpha, 0.0F);
    case Kind::hard_tanh: return clamp(x, -1.0F, 1.0F);
    case Kind::tanh_shrink: return x - tanh(x);
    case Kind::log_sigmoid: return -softplus(-x);
    case Kind::sparse_plus: return sparse_plus(x);
    case Kind::sparse_sigmoid: return clamp(splat(0.5F) * (x + splat(1.0F)), 0.0F, 1.0F);
    case Kind::threshold: return select(x > splat(f.alpha), x, splat(f.beta));
    case Kind::abs: return abs(x);
    case Kind::square: return x * x;
    case Kind::sqrt: return sqrt(x);
    case Kind::rsqrt: return splat(1.0F) / sqrt(x);
    case Kind::reciprocal: return splat(1.0F) / x;
    case Kind::log: return each(x, [](float v) { return __builtin_logf(v); });
    case Kind::log1p: return each(x, [](float v) { return __builtin_log1pf(v); });
    case Kind::expm1: return each(x, [](float v) { return __builtin_expm1f(v); });
    case Kind::sin: return each(x, [](float v) { return __builtin_sinf(v); });
    case Kind::cos: return each(x, [](float v) { return __builtin_cosf(v); });
    case Kind::floor: return each(x, [](float v) { return __builtin_floorf(v); });
    case Kind::ceil: return each(x, [](float v) { return __builtin_ceilf(v); });
    case Kind::round: return each(x, [](float v) { return __builtin_rintf(v); });
    case Kind::sign: return sign(x);
    case Kind::erf: return each(x, [](float v) { return __builtin_erff(v); });
    case Kind::scale: return x * splat(f.alpha) + splat(f.beta);
    case Kind::clip: return clamp(x, f.alpha, f.beta);
    case Kind::power: {
      const float exponent = f.alpha;
      if (exponent == 3.0F) return x * x * x;
      return each(x, [exponent](float v) { return __builtin_powf(v, exponent); });
    }
    case Kind::tan: return each(x, [](float v) { return __builtin_tanf(v); });
    case Kind::asin: return each(x, [](float v) { return __builtin_asinf(v); });
    case Kind::acos: return each(x, [](float v) { return __builtin_acosf(v); });
    case Kind::atan: return each(x, [](float v) { return __builtin_atanf(v); });
    case Kind::sinh: return each(x, [](float v) { return __builtin_sinhf(v); });
    case Kind::cosh: return each(x, [](float v) { return __builtin_coshf(v); });
    case Kind::asinh: return each(x, [](float v) { return __builtin_asinhf(v); });
    case Kind::acosh: return each(x, [](float v) { return __builtin_acoshf(v); });
    case Kind::atanh: return each(x, [](float v) { return __builtin_atanhf(v); });
    case Kind::log2: return each(x, [](float v) { return __builtin_log2f(v); });
    case Kind::log10: return each(x, [](float v) { return __builtin_log10f(v); });
    case Kind::exp2: return each(x, [](float v) { return __builtin_exp2f(v); });
  }
  return x;
}

// f of n vectors, one after the other, so that they overlap.
template <class F>
inline void apply_each(Vec* v, int n, F f) {
  for (int i = 0; i < n; ++i) v[i] = f(v[i]);
}

__attribute__((noinline)) void apply_all(Vec* v, int n, const Activation& f) {
  switch (f.kind) {
    case Kind::silu: return apply_each(v, n, silu);
    case Kind::sigmoid: return apply_each(v, n, sigmoid);
    default: return apply_each(v, n, [&](Vec x) { return apply(x, f); });
  }
}

// The cheap ones stay in registers; the others take the tile through memory, all of it in one call.
template <int M, int N>
inline void activate_tile(Vec (&tile)[M][N], const Activation& f) {
  const auto each_vector = [&](auto g) {
    CNNFAST_UNROLL
    for (auto& row : tile) {
      CNNFAST_UNROLL
      for (Vec& v : row) v = g(v);
    }
  };
  switch (f.kind) {
    case Kind::linear: return;
    case Kind::relu: return each_vector([](Vec v) { return at_least(v, 0.0F); });
    case Kind::clipped_relu: return each_vector([&](Vec v) { return clamp(v, 0.0F, f.alpha); });
    default: {
      Vec all[M * N];
      int stored = 0;
      each_vector([&](Vec v) { return all[stored++] = v; });
      apply_all(all, M * N, f);
      int loaded = 0;
      each_vector([&](Vec) { return all[loaded++]; });
    }
  }
}

}  // namespace
