// Vectors of bytes, and how they become four vectors of sums and bytes again. All of it stays
// inside lanes of 16 bytes, as the instructions do: of each lane the bytes 0 to 3 are in the first
// quarter, 4 to 7 in the second, and so on. What is by channel is stored in that order, the lane
// order.
#pragma once

#include <type_traits>
#include <utility>

#include "simd.hpp"

namespace {

constexpr int kBytes = CNNFAST_VECTOR_BYTES;
constexpr int kQuarters = 4;

using Bytes = std::uint8_t __attribute__((vector_size(CNNFAST_VECTOR_BYTES)));
using Shorts = std::int16_t __attribute__((vector_size(CNNFAST_VECTOR_BYTES)));
using UnalignedBytes __attribute__((vector_size(CNNFAST_VECTOR_BYTES), aligned(1), may_alias)) =
    std::uint8_t;

inline Bytes load(const std::uint8_t* p) { return *reinterpret_cast<const UnalignedBytes*>(p); }
inline void store(std::uint8_t* p, Bytes v) { *reinterpret_cast<UnalignedBytes*>(p) = v; }

#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)

// The first n bytes, n < kBytes; the others are zero.
inline Bytes load_first(const std::uint8_t* p, std::int64_t n) {
  const __mmask64 first = (std::uint64_t{1} << n) - 1;
  return reinterpret_cast<Bytes>(_mm512_maskz_loadu_epi8(first, p));
}

inline void store_first(std::uint8_t* p, Bytes v, std::int64_t n) {
  const __mmask64 first = (std::uint64_t{1} << n) - 1;
  _mm512_mask_storeu_epi8(p, first, reinterpret_cast<__m512i>(v));
}

#else

// n bytes, n < 2 * kSize, in copies of a size that is known: a call takes longer.
template <int kSize = kBytes / 2>
inline void copy_first(std::uint8_t* to, const std::uint8_t* from, std::int64_t n) {
  if (n & kSize) {
    __builtin_memcpy(to, from, kSize);
    to += kSize;
    from += kSize;
  }
  if constexpr (kSize > 1) copy_first<kSize / 2>(to, from, n);
}

inline Bytes load_first(const std::uint8_t* p, std::int64_t n) {
  std::uint8_t bytes[kBytes] = {};
  copy_first(bytes, p, n);
  return load(bytes);
}

inline void store_first(std::uint8_t* p, Bytes v, std::int64_t n) {
  std::uint8_t bytes[kBytes];
  store(bytes, v);
  copy_first(p, bytes, n);
}

#endif

inline Bytes load_lanes(const std::uint8_t* p, std::int64_t n) {
  return n >= kBytes ? load(p) : load_first(p, n);
}

inline void store_lanes(std::uint8_t* p, Bytes v, std::int64_t n) {
  if (n >= kBytes) {
    store(p, v);
  } else {
    store_first(p, v, n);
  }
}

// Of each lane of 16 bytes the numbers of `half`, those of a and b in turn.
template <int half, class V, std::size_t... I>
CNNFAST_INLINE inline V interleave(V a, V b, std::index_sequence<I...> /*numbers*/) {
  constexpr std::size_t kAll = sizeof...(I);
  constexpr std::size_t kLane = kAll * 16 / kBytes;
  return __builtin_shufflevector(
      a, b, (I / kLane * kLane + half * kLane / 2 + I % kLane / 2 + I % 2 * kAll)...);
}

template <int half>
CNNFAST_INLINE inline Bytes interleave(Bytes a, Bytes b) {
  return interleave<half>(a, b, std::make_index_sequence<kBytes>());
}

template <int half>
CNNFAST_INLINE inline Shorts interleave(Shorts a, Shorts b) {
  return interleave<half>(a, b, std::make_index_sequence<kBytes / 2>());
}

inline Shorts shorts(Bytes v) { return reinterpret_cast<Shorts>(v); }
inline IntVec ints(Shorts v) { return reinterpret_cast<IntVec>(v); }
inline Shorts splat_short(int x) { return static_cast<std::int16_t>(x) - Shorts{}; }
inline IntVec splat_int(std::int32_t x) { return x - IntVec{}; }

// A half of the bytes as numbers of 16 bits.
template <int half>
CNNFAST_INLINE inline Shorts widen(Bytes v) {
  return shorts(interleave<half>(v, Bytes{}));
}

// A quarter, of its half as numbers of 16 bits without a sign, less `zero`, as float32: in the low
// bits of 2^23 a number is added to it. Exact where all of these are integers below that.
template <int quarter>
CNNFAST_INLINE inline Vec floats_of_half(Shorts half, float zero) {
  constexpr float kBase = 8388608.0F;
  const Shorts exponent = splat_short(0x4b00);
  return bits(ints(interleave<quarter % 2>(half, exponent))) - splat(kBase + zero);
}

template <int quarter>
CNNFAST_INLINE inline Vec floats(Bytes v, float zero_point) {
  return floats_of_half<quarter>(widen<quarter / 2>(v), zero_point);
}

// Of each lane of 16 bytes every other number, those of a before those of b.
template <class V, std::size_t... I>
CNNFAST_INLINE inline V evens(V a, V b, std::index_sequence<I...> /*numbers*/) {
  constexpr std::size_t kAll = sizeof...(I);
  constexpr std::size_t kLane = kAll * 16 / kBytes;
  return __builtin_shufflevector(
      a, b, (I / kLane * kLane + I % (kLane / 2) * 2 + I % kLane / (kLane / 2) * kAll)...);
}

// Between bounds, lane by lane.
template <class V>
inline V limited(V v, int lowest, int highest) {
  using Number = std::remove_reference_t<decltype(v[0])>;
  const V least = static_cast<Number>(lowest) - V{};
  const V most = static_cast<Number>(highest) - V{};
  v = v < least ? least : v;
  return v > most ? most : v;
}

// Both quarters of a half as numbers of 16 bits, the next one to each.
inline Shorts pack(IntVec low, IntVec high) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)
  return reinterpret_cast<Shorts>(
      _mm512_packs_epi32(reinterpret_cast<__m512i>(low), reinterpret_cast<__m512i>(high)));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)
  return reinterpret_cast<Shorts>(
      _mm256_packs_epi32(reinterpret_cast<__m256i>(low), reinterpret_cast<__m256i>(high)));
#elif CNNFAST_VECTOR_BYTES == 16 && defined(__SSE2__)
  return reinterpret_cast<Shorts>(
      _mm_packs_epi32(reinterpret_cast<__m128i>(low), reinterpret_cast<__m128i>(high)));
#else
  return evens(reinterpret_cast<Shorts>(limited(low, -32768, 32767)),
               reinterpret_cast<Shorts>(limited(high, -32768, 32767)),
               std::make_index_sequence<kBytes / 2>());
#endif
}

// Both halves as bytes, the next one to each.
inline Bytes pack(Shorts low, Shorts high) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)
  return reinterpret_cast<Bytes>(
      _mm512_packus_epi16(reinterpret_cast<__m512i>(low), reinterpret_cast<__m512i>(high)));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)
  return reinterpret_cast<Bytes>(
      _mm256_packus_epi16(reinterpret_cast<__m256i>(low), reinterpret_cast<__m256i>(high)));
#elif CNNFAST_VECTOR_BYTES == 16 && defined(__SSE2__)
  return reinterpret_cast<Bytes>(
      _mm_packus_epi16(reinterpret_cast<__m128i>(low), reinterpret_cast<__m128i>(high)));
#else
  return evens(reinterpret_cast<Bytes>(limited(low, 0, 255)),
               reinterpret_cast<Bytes>(limited(high, 0, 255)), std::make_index_sequence<kBytes>());
#endif
}

inline Bytes larger(Bytes a, Bytes b) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)
  return reinterpret_cast<Bytes>(
      _mm512_max_epu8(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#else
  return a > b ? a : b;
#endif
}

inline Bytes smaller(Bytes a, Bytes b) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)
  return reinterpret_cast<Bytes>(
      _mm512_min_epu8(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#else
  return a < b ? a : b;
#endif
}

inline Bytes splat_byte(float x) { return static_cast<std::uint8_t>(x) - Bytes{}; }

}  // namespace
