// From sums to bytes, by one rule: a product in float32, bounds, and one addition that rounds to
// the nearest byte, of two the even one. Nothing here may be joined to one rounding.
#pragma once

#include "quantized_table.hpp"
#include "simd.hpp"

namespace {

// Added to a number it leaves the nearest integer in the lowest bits.
constexpr float kRoundToInteger = 12582912.0F;

using LaneBytes = std::uint8_t __attribute__((vector_size(kLanes)));

inline Vec floats_of(IntVec v) { return __builtin_convertvector(v, Vec); }

// As many bytes as a vector has lanes.
inline IntVec load_bytes(const std::uint8_t* p) {
  LaneBytes bytes;
  __builtin_memcpy(&bytes, p, kLanes);
  return __builtin_convertvector(bytes, IntVec);
}

// The first n of them, if there are so few.
inline IntVec load_bytes(const std::uint8_t* p, std::int64_t n) {
  if (n >= kLanes) return load_bytes(p);
  LaneBytes bytes = {};
  __builtin_memcpy(&bytes, p, static_cast<std::size_t>(n) % kLanes);  // tells how few they are
  return __builtin_convertvector(bytes, IntVec);
}

// The lowest byte of each lane.
inline LaneBytes lowest_bytes(IntVec v) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512F__)
  return reinterpret_cast<LaneBytes>(
      _mm512_maskz_cvtepi32_epi8(0xffff, reinterpret_cast<__m512i>(v)));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)
  const __m256i first = _mm256_set1_epi32(0x0c080400);  // of each 16 bytes, those of four lanes
  const __m256i low = _mm256_shuffle_epi8(reinterpret_cast<__m256i>(v), first);
  const __m128i both =
      _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  LaneBytes bytes;
  __builtin_memcpy(&bytes, &both, kLanes);
  return bytes;
#elif CNNFAST_VECTOR_BYTES == 16 && defined(__SSSE3__)
  const __m128i low = _mm_shuffle_epi8(reinterpret_cast<__m128i>(v), _mm_set1_epi32(0x0c080400));
  LaneBytes bytes;
  __builtin_memcpy(&bytes, &low, kLanes);
  return bytes;
#else
  return __builtin_convertvector(v & 0xff, LaneBytes);
#endif
}

inline void store_bytes(std::uint8_t* p, LaneBytes v, std::int64_t n) {
  if (n >= kLanes) {
    __builtin_memcpy(p, &v, kLanes);
  } else {
    __builtin_memcpy(p, &v, static_cast<std::size_t>(n));
  }
}

// The lower bound where r is NaN.
inline Vec within(Vec r, Vec lower, Vec upper) {
  return min_or_second(max_or_second(r, lower), upper);
}

// Of a number within its bounds, which count from the zero point: its nearest byte is the lowest
// one.
inline IntVec nearest(Vec r, float zero_point) {
  return bits(r + splat(kRoundToInteger + zero_point));
}

inline LaneBytes nearest_bytes(Vec r, float zero_point) {
  return lowest_bytes(nearest(r, zero_point));
}

// The lowest byte of each lane of N vectors, the first `n` of them.
template <int N>
CNNFAST_INLINE inline void store_lowest_bytes(std::uint8_t* p, const IntVec (&v)[N],
                                              std::int64_t n) {
  repeat<N>([&](auto i) CNNFAST_INLINE {
    const std::int64_t left = n - std::int64_t{i} * kLanes;
    if (left > 0) store_bytes(p + i * kLanes, lowest_bytes(v[i]), left);
  });
}

inline void store_some(float* p, Vec v, std::int64_t n) {
  if (n >= kLanes) {
    store(p, v);
  } else if (n > 0) {
    store_first(p, v, n);
  }
}

inline IntVec load_ints(const std::int32_t* p) {
  return bits(load(reinterpret_cast<const float*>(p)));
}

}  // namespace
