// One vector type over the compilers' vector extension. Compiled once per instruction set
// with CNNFAST_VECTOR_BYTES; everything is in an anonymous namespace, so that the linker can
// never pick one instruction set's copy for another.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

// Before the loops over a register tile: left to itself the compiler unrolls small ones only, and
// an array that is indexed by a loop's counter lives in memory.
#define CNNFAST_UNROLL _Pragma("GCC unroll 16")

// Before a long loop of few operations.
#define CNNFAST_UNROLL_FOUR _Pragma("GCC unroll 4")

#define CNNFAST_INLINE __attribute__((always_inline))

namespace {

constexpr int kLanes = CNNFAST_VECTOR_BYTES / 4;

using Vec = float __attribute__((vector_size(CNNFAST_VECTOR_BYTES)));
using IntVec = std::int32_t __attribute__((vector_size(CNNFAST_VECTOR_BYTES)));
// Behind the type Clang would ignore `aligned`, and read as if it were a Vec.
using UnalignedVec __attribute__((vector_size(CNNFAST_VECTOR_BYTES), aligned(4), may_alias)) =
    float;
static_assert(alignof(UnalignedVec) == sizeof(float));

template <int I>
struct Index {
  constexpr operator int() const { return I; }
};

// f(Index<0>()), …, f(Index<Count - 1>()): a loop whose index is a constant expression.
template <int Count, int First = 0, class F>
CNNFAST_INLINE inline void repeat(F f) {
  if constexpr (First < Count) {
    f(Index<First>());
    repeat<Count, First + 1>(f);
  }
}

inline Vec splat(float x) { return x - Vec{}; }  // x - 0 is x, also for x = -0
inline Vec load(const float* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline void store(float* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

#if CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)
inline __m256i first_lanes(std::int64_t n) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
}
#endif

// The first n lanes; the others are zero.
inline Vec load_first(const float* p, std::int64_t n) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512F__)
  return reinterpret_cast<Vec>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << n) - 1), p));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)
  return reinterpret_cast<Vec>(_mm256_maskload_ps(p, first_lanes(n)));
#else
  Vec v = {};
  for (std::int64_t i = 0; i < n; ++i) v[i] = p[i];
  return v;
#endif
}

inline void store_first(float* p, Vec v, std::int64_t n) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1), reinterpret_cast<__m512>(v));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)
  _mm256_maskstore_ps(p, first_lanes(n), reinterpret_cast<__m256>(v));
#else
  for (std::int64_t i = 0; i < n; ++i) p[i] = v[i];
#endif
}

inline Vec select(IntVec mask, Vec yes, Vec no) { return mask ? yes : no; }
inline Vec bits(IntVec v) { return reinterpret_cast<Vec>(v); }
inline IntVec bits(Vec v) { return reinterpret_cast<IntVec>(v); }

// The maximum and minimum as the x86 instructions have them: `b` where either is NaN. The compilers
// do not find these instructions themselves; GCC 12 warns of the ones without a mask.
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512F__)
inline __m512 native(Vec v) { return reinterpret_cast<__m512>(v); }
inline Vec max_or_second(Vec a, Vec b) {
  return reinterpret_cast<Vec>(_mm512_maskz_max_ps(0xffff, native(a), native(b)));
}
inline Vec min_or_second(Vec a, Vec b) {
  return reinterpret_cast<Vec>(_mm512_maskz_min_ps(0xffff, native(a), native(b)));
}
// Of two numbers the larger or smaller, the second where they are equal; NaN where either is.
inline Vec larger(Vec x, Vec y) {
  const __mmask16 number = _mm512_cmp_ps_mask(native(x), native(x), _CMP_ORD_Q);
  return reinterpret_cast<Vec>(_mm512_mask_max_ps(native(x), number, native(x), native(y)));
}
inline Vec smaller(Vec x, Vec y) {
  const __mmask16 number = _mm512_cmp_ps_mask(native(x), native(x), _CMP_ORD_Q);
  return reinterpret_cast<Vec>(_mm512_mask_min_ps(native(x), number, native(x), native(y)));
}
#else
#if CNNFAST_VECTOR_BYTES == 32 && defined(__AVX__)
inline __m256 native(Vec v) { return reinterpret_cast<__m256>(v); }
inline Vec max_or_second(Vec a, Vec b) {
  return reinterpret_cast<Vec>(_mm256_max_ps(native(a), native(b)));
}
inline Vec min_or_second(Vec a, Vec b) {
  return reinterpret_cast<Vec>(_mm256_min_ps(native(a), native(b)));
}
#else
inline Vec max_or_second(Vec a, Vec b) { return select(a > b, a, b); }
inline Vec min_or_second(Vec a, Vec b) { return select(a < b, a, b); }
#endif
inline Vec larger(Vec x, Vec y) { return bits(bits(max_or_second(x, y)) | (x != x)); }
inline Vec smaller(Vec x, Vec y) { return bits(bits(min_or_second(x, y)) | (x != x)); }
#endif

// A NaN in `x` goes through.
inline Vec at_least(Vec x, float low) { return max_or_second(splat(low), x); }
inline Vec at_most(Vec x, float high) { return min_or_second(splat(high), x); }
inline Vec clamp(Vec x, float low, float high) { return at_most(at_least(x, low), high); }

inline Vec abs(Vec x) { return bits(bits(x) & 0x7fffffff); }
// f of every lane, for what is too rare to have a vector form.
template <class F>
inline Vec each(Vec x, F f) {
  Vec y = x;
  for (int i = 0; i < kLanes; ++i) y[i] = f(x[i]);
  return y;
}

inline Vec sqrt(Vec x) {
  return each(x, [](float v) { return __builtin_sqrtf(v); });
}

inline float sum(Vec v) {
  float total = 0;
  for (int i = 0; i < kLanes; ++i) total += v[i];
  return total;
}

}  // namespace
