// What the register tile multiplies: words, each a number of float32 or, in the objects for
// products of bfloat16 (CNNFAST_PAIRS), a pair of numbers in the place of one.
#pragma once

#include "simd.hpp"

namespace {

#ifdef CNNFAST_PAIRS

inline Vec splat_word(float pair) { return bits(IntVec{} + __builtin_bit_cast(int, pair)); }

inline Vec add_product(Vec sum, Vec a, Vec b) {
  return reinterpret_cast<Vec>(_mm512_dpbf16_ps(
      reinterpret_cast<__m512>(sum), reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b)));
}

// Numbers become pairs: the first in the lower half; behind an odd number of them stands a zero.
struct Words {
  static constexpr int kTogether = 2;

  static __m256i pairs(Vec v) {
    return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(reinterpret_cast<__m512>(v)));
  }
  static void store(float* to, Vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), pairs(v));
  }
  // Of the first n lanes; the others are zero.
  static void store_first(float* to, Vec v, std::int64_t n) {
    const auto words = static_cast<__mmask8>((1U << (n + 1) / 2) - 1);
    _mm256_mask_storeu_epi32(to, words, pairs(v));
  }
};

#else

inline Vec splat_word(float number) { return splat(number); }

inline Vec add_product(Vec sum, Vec a, Vec b) { return sum + a * b; }

struct Words {
  static constexpr int kTogether = 1;

  static void store(float* to, Vec v) { ::store(to, v); }
  static void store_first(float* to, Vec v, std::int64_t n) { ::store_first(to, v, n); }
};

// Numbers of float32 that bfloat16 has, rounded to even: what pairs hold, on machines that do not
// multiply them. NaN stays what it is.
struct RoundedWords {
  static constexpr int kTogether = 1;

  static Vec rounded(Vec v) {
    const IntVec half = 0x7fff + (bits(v) >> 16 & 1);
    return select(v == v, bits((bits(v) + half) & ~0xffff), v);
  }
  static void store(float* to, Vec v) { ::store(to, rounded(v)); }
  static void store_first(float* to, Vec v, std::int64_t n) { ::store_first(to, rounded(v), n); }
};

#endif

template <class To>
constexpr std::int64_t words_of(std::int64_t numbers) {
  return (numbers + To::kTogether - 1) / To::kTogether;
}

// Runs of n numbers, each to words of its own.
template <class To>
void to_words(const float* x, std::int64_t x_step, float* words, std::int64_t words_step,
              std::int64_t runs, std::int64_t n) {
  const std::int64_t whole = n / kLanes * kLanes;
  for (; runs > 0; --runs, x += x_step, words += words_step) {
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      To::store(words + i / To::kTogether, load(x + i));
    }
    if (whole < n) {
      To::store_first(words + whole / To::kTogether, load_first(x + whole, n - whole), n - whole);
    }
  }
}

}  // namespace
