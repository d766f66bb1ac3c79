// How weights stand in memory, and how a vector of them is loaded. Widening is exact, so that
// sums are those of the same numbers in float32.
#pragma once

#include "simd.hpp"
#include "table.hpp"

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace {

using cnnfast::Element;

// kLanes numbers of 16 bits, each widened to 32.
inline IntVec load_shorts(const std::uint16_t* p) {
  using Shorts __attribute__((vector_size(CNNFAST_VECTOR_BYTES / 2), aligned(2), may_alias)) =
      std::uint16_t;
  return __builtin_convertvector(*reinterpret_cast<const Shorts*>(p), IntVec);
}

// How an element is stored, and a vector of it loaded.
template <Element E>
struct Stored;

template <>
struct Stored<Element::float32> {
  using Number = float;
  static Vec load(const float* p) { return ::load(p); }
};

template <>
struct Stored<Element::bfloat16> {
  using Number = std::uint16_t;
  static Vec load(const std::uint16_t* p) { return bits(load_shorts(p) << 16); }
};

// IEEE 754 binary16, finite: sign, 5 bits of exponent, 10 of mantissa.
template <>
struct Stored<Element::float16> {
  using Number = std::uint16_t;
  static Vec load(const std::uint16_t* p) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512F__)
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return reinterpret_cast<Vec>(_mm512_maskz_cvtph_ps(0xffff, half));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__F16C__)
    return reinterpret_cast<Vec>(
        _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif CNNFAST_VECTOR_BYTES == 16 && defined(__aarch64__)
    return reinterpret_cast<Vec>(vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))));
#else
    const IntVec half = load_shorts(p);
    const IntVec magnitude = (half & 0x7fff) << 13;
    const Vec normal = bits(magnitude + (112 << 23));  // the exponent's bias is 127, not 15
    // 2^-14 * (1 + mantissa) - 2^-14: no subnormal takes part, which would count as zero.
    const Vec subnormal = bits(magnitude | (113 << 23)) - splat(0x1p-14F);
    const Vec absolute = select(magnitude < (1 << 23), subnormal, normal);
    return bits(bits(absolute) | (half >> 15) << 31);
#endif
  }
};

// `n` numbers, whole vectors, to `to`.
template <class Weights>
void widen(const typename Weights::Number* from, float* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += kLanes) store(to + i, Weights::load(from + i));
}

}  // namespace
