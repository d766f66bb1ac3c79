// Elementary functions on vectors, to about two units in the last place.
#pragma once

#include "simd.hpp"

namespace {

// 2^n for n in [-126, 127]: the exponent field alone.
inline Vec power_of_two(IntVec n) { return bits((n + 127) << 23); }

// Nearest integer for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for a fraction.
inline Vec round(Vec x) { return (x + splat(12582912.0F)) - splat(12582912.0F); }

// exp(x) = 2^n * exp(r), |r| <= ln(2)/2, ln(2) in two parts (Cody and Waite); the polynomial
// is Cephes' expf. 2^n is applied in two steps, so that 2^128 does not overflow too soon.
inline Vec exp(Vec x) {
  const Vec clamped = clamp(x, -104.0F, 89.0F);
  const Vec n = round(clamped * splat(1.44269504F));
  Vec r = clamped - n * splat(0.693359375F);
  r = r + n * splat(2.12194440e-4F);
  Vec p = splat(1.9875691500e-4F);
  p = p * r + splat(1.3981999507e-3F);
  p = p * r + splat(8.3334519073e-3F);
  p = p * r + splat(4.1665795894e-2F);
  p = p * r + splat(1.6666665459e-1F);
  p = p * r + splat(5.0000001201e-1F);
  p = p * (r * r) + r + splat(1.0F);
  const IntVec whole = __builtin_convertvector(n, IntVec);
  const IntVec half = whole >> 1;
  return p * power_of_two(half) * power_of_two(whole - half);
}

// 1 + exp(-x) in few operations, infinite where exp(-x) > 2^127.5. The low bits of `shifted` are
// n + 127, and so 2^n's exponent; the polynomial is exp(-r), fitted on [-ln(2)/2, ln(2)/2] by
// reweighted least squares, relative error 1e-7. ln(2) as one float adds 3e-9 |x| to that of
// exp(-x), 6e-8 |x| where products round before they are added.
inline Vec one_plus_exp_of_negative(Vec x) {
  const Vec clamped = clamp(x, -88.7F, 87.0F);
  const Vec magic = splat(12582912.0F + 127.0F);
  const Vec shifted = clamped * splat(-1.44269504F) + magic;
  const Vec n = shifted - magic;
  const Vec r = clamped + n * splat(0.693147181F);
  Vec p = splat(-8.289731108e-3F);
  p = p * r + splat(4.189785570e-2F);
  p = p * r - splat(1.666764766e-1F);
  p = p * r + splat(4.999915063e-1F);
  p = p * r - splat(9.999997020e-1F);
  p = p * r + splat(1.0F);
  return p * bits(bits(shifted) << 23) + splat(1.0F);
}

// log(x) for normal x > 0: mantissa in [sqrt(1/2), sqrt(2)) and Cephes' logf polynomial.
inline Vec log(Vec x) {
  IntVec exponent = (bits(x) >> 23) - 126;
  Vec m = bits((bits(x) & 0x007fffff) | 0x3f000000);
  const IntVec low = m < splat(0.707106781F);
  exponent = exponent + low;  // a true lane is -1
  m = select(low, m + m, m) - splat(1.0F);
  const Vec e = __builtin_convertvector(exponent, Vec);
  const Vec z = m * m;
  Vec p = splat(7.0376836292e-2F);
  p = p * m + splat(-1.1514610310e-1F);
  p = p * m + splat(1.1676998740e-1F);
  p = p * m + splat(-1.2420140846e-1F);
  p = p * m + splat(1.4249322787e-1F);
  p = p * m + splat(-1.6668057665e-1F);
  p = p * m + splat(2.0000714765e-1F);
  p = p * m + splat(-2.4999993993e-1F);
  p = p * m + splat(3.3333331174e-1F);
  p = p * m * z;
  p = p + e * splat(-2.12194440e-4F) - z * splat(0.5F);
  return m + p + e * splat(0.693359375F);
}

// log(1 + x) for x >= 0: Kahan's correction for what 1 + x rounds away.
inline Vec log1p(Vec x) {
  const Vec y = splat(1.0F) + x;
  const Vec exact = select(y == splat(1.0F), x, log(y) * (x / (y - splat(1.0F))));
  return select(x > splat(1e30F), log(x), exact);
}

// exp(x) - 1 for x <= 0, without cancellation near zero.
inline Vec expm1(Vec x) {
  Vec p = splat(1.0F / 5040);
  p = p * x + splat(1.0F / 720);
  p = p * x + splat(1.0F / 120);
  p = p * x + splat(1.0F / 24);
  p = p * x + splat(1.0F / 6);
  p = p * x + splat(0.5F);
  p = p * (x * x) + x;
  return select(abs(x) < splat(0.35F), p, exp(x) - splat(1.0F));
}

inline Vec sigmoid(Vec x) { return splat(1.0F) / one_plus_exp_of_negative(x); }

// tanh|x| = -expm1(-2|x|) / (2 + expm1(-2|x|)), then the sign of x.
inline Vec tanh(Vec x) {
  const Vec e = expm1(splat(-2.0F) * abs(x));
  const Vec magnitude = -e / (splat(2.0F) + e);
  return bits(bits(magnitude) | (bits(x) & static_cast<std::int32_t>(0x80000000)));
}

// erfc(x) for x >= 0: exp(-x^2) * t * P(t), t = 1 / (1 + 0.4 x); P fitted to scipy's erfcx on
// [0, 9.5] by reweighted least squares, relative error below 1e-8 before rounding.
inline Vec erfc(Vec x) {
  const Vec t = splat(1.0F) / (splat(1.0F) + splat(0.4F) * x);
  Vec p = splat(-3.059807406e-02F);
  p = p * t + splat(2.034901654e-01F);
  p = p * t + splat(-5.117586841e-01F);
  p = p * t + splat(5.648044345e-01F);
  p = p * t + splat(-2.989095741e-01F);
  p = p * t + splat(2.799314557e-01F);
  p = p * t + splat(1.269373916e-01F);
  p = p * t + splat(2.155123698e-01F);
  p = p * t + splat(2.248798561e-01F);
  p = p * t + splat(2.257106659e-01F);
  return p * t * exp(-(x * x));
}

// max(x, 0) + log1p(exp(-|x|)).
inline Vec softplus(Vec x) { return at_least(x, 0.0F) + log1p(exp(-abs(x))); }

}  // namespace
