// Exact sums of products of bytes with weights, four at a time.
#pragma once

#include "simd.hpp"

namespace {

#if (CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512VNNI__)) || \
    (CNNFAST_VECTOR_BYTES == 32 && defined(__AVXVNNI__))
constexpr bool kByteProducts = true;
#elif (CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)) || \
    (CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)) ||       \
    (CNNFAST_VECTOR_BYTES == 16 && defined(__SSE2__))
constexpr bool kByteProducts = false;
#else
constexpr bool kByteProducts = true;
#endif
// Vectors of weights that a quad of bytes is multiplied with, for each vector of sums.
constexpr int kParts = kByteProducts ? 1 : 2;
constexpr std::int64_t kWeightBytes = kByteProducts ? 1 : 2;

inline IntVec splat_quad(const std::uint8_t* p) {
  std::int32_t quad;
  __builtin_memcpy(&quad, p, sizeof quad);
  return quad - IntVec{};
}

// Four bytes of each pixel, as they are multiplied: together, or those of even and of odd places.
struct Quad {
  IntVec part[kParts];
};

CNNFAST_INLINE inline Quad quad_of(IntVec bytes) {
  if constexpr (kByteProducts) {
    return {{bytes}};
  } else {
    using Words = std::uint16_t __attribute__((vector_size(CNNFAST_VECTOR_BYTES)));
    const IntVec odd = reinterpret_cast<IntVec>(reinterpret_cast<Words>(bytes) >> 8);
    Quad quad;
    quad.part[0] = bytes & 0x00ff00ff;
    quad.part[kParts - 1] = odd;
    return quad;
  }
}

inline IntVec load_weights(const void* p, int vector) {
  return bits(load(static_cast<const float*>(p) + vector * kLanes));
}

// sum + the products of a part of four bytes with its weights.
CNNFAST_INLINE inline IntVec add_products_of(IntVec sum, IntVec bytes, IntVec weights) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512VNNI__)
  return reinterpret_cast<IntVec>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum),
                                                      reinterpret_cast<__m512i>(bytes),
                                                      reinterpret_cast<__m512i>(weights)));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVXVNNI__)
  return reinterpret_cast<IntVec>(_mm256_dpbusd_avx_epi32(reinterpret_cast<__m256i>(sum),
                                                          reinterpret_cast<__m256i>(bytes),
                                                          reinterpret_cast<__m256i>(weights)));
#elif CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)
  return sum + reinterpret_cast<IntVec>(_mm512_madd_epi16(reinterpret_cast<__m512i>(bytes),
                                                          reinterpret_cast<__m512i>(weights)));
#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)
  return sum + reinterpret_cast<IntVec>(_mm256_madd_epi16(reinterpret_cast<__m256i>(bytes),
                                                          reinterpret_cast<__m256i>(weights)));
#elif CNNFAST_VECTOR_BYTES == 16 && defined(__SSE2__)
  return sum + reinterpret_cast<IntVec>(_mm_madd_epi16(reinterpret_cast<__m128i>(bytes),
                                                       reinterpret_cast<__m128i>(weights)));
#else
  CNNFAST_UNROLL
  for (int i = 0; i < 4; ++i) {
    sum += ((bytes >> (8 * i)) & 0xff) * ((weights << (24 - 8 * i)) >> 24);
  }
  return sum;
#endif
}

}  // namespace
