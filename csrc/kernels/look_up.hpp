// A byte for each of 256: a function of numbers in bytes.
#pragma once

#include "bytes.hpp"

namespace {

#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512BW__)

// As words of two entries: an instruction finds one of 64.
class ByteTable {
 public:
  explicit ByteTable(const std::uint8_t* table) {
    for (int i = 0; i < 4; ++i) words_[i] = _mm512_loadu_si512(table + i * 64);
  }

  Bytes operator()(Bytes x) const {
    const auto bytes = reinterpret_cast<__m512i>(x);
    const __m512i even = find(_mm512_and_si512(bytes, low_));
    const __m512i odd = find(_mm512_srli_epi16(bytes, 8));
    return reinterpret_cast<Bytes>(
        _mm512_or_si512(_mm512_and_si512(even, low_), _mm512_slli_epi16(odd, 8)));
  }

 private:
  // Of words below 256; the entry is the low byte of each.
  __m512i find(__m512i x) const {
    const __m512i word = _mm512_srli_epi16(x, 1);
    const __mmask32 second = _mm512_test_epi16_mask(x, _mm512_set1_epi16(128));
    const __m512i found =
        _mm512_mask_blend_epi16(second, _mm512_permutex2var_epi16(words_[0], word, words_[1]),
                                _mm512_permutex2var_epi16(words_[2], word, words_[3]));
    const __m512i bits_before = _mm512_slli_epi16(_mm512_and_si512(x, _mm512_set1_epi16(1)), 3);
    return _mm512_srlv_epi16(found, bits_before);
  }

  __m512i words_[4];
  __m512i low_ = _mm512_set1_epi16(255);
};

#elif CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)

// Sixteen tables of 16 entries, of which an instruction finds those of the low bits; the high bits
// choose among two, four, eight and sixteen.
class ByteTable {
 public:
  explicit ByteTable(const std::uint8_t* table) {
    for (int i = 0; i < 16; ++i) {
      tables_[i] = _mm256_broadcastsi128_si256(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + i * 16)));
    }
  }

  Bytes operator()(Bytes x) const {
    const auto index = reinterpret_cast<__m256i>(x);
    const __m256i low = _mm256_and_si256(index, _mm256_set1_epi8(15));
    const __m256i bits[] = {_mm256_slli_epi16(index, 3), _mm256_slli_epi16(index, 2),
                            _mm256_slli_epi16(index, 1), index};
    return reinterpret_cast<Bytes>(find<4>(low, bits, 0));
  }

 private:
  // Among 2^count tables from `first` on; the highest bit of each byte of bits[i] chooses.
  template <int count>
  CNNFAST_INLINE __m256i find(__m256i low, const __m256i (&bits)[4], int first) const {
    if constexpr (count == 0) {
      return _mm256_shuffle_epi8(tables_[first], low);
    } else {
      constexpr int kHalf = 1 << (count - 1);
      return _mm256_blendv_epi8(find<count - 1>(low, bits, first),
                                find<count - 1>(low, bits, first + kHalf), bits[count - 1]);
    }
  }

  __m256i tables_[16];
};

#else

class ByteTable {
 public:
  explicit ByteTable(const std::uint8_t* table) : table_(table) {}

  Bytes operator()(Bytes x) const {
    for (int i = 0; i < kBytes; ++i) x[i] = table_[x[i]];
    return x;
  }

 private:
  const std::uint8_t* table_;
};

#endif

// out[i] = table[x[i]], i < n.
void look_up(const std::uint8_t* x, const std::uint8_t* table, std::uint8_t* out, std::int64_t n) {
  const ByteTable find(table);
  std::int64_t at = 0;
  for (; at + kBytes <= n; at += kBytes) store(out + at, find(load(x + at)));
  if (at < n) store_first(out + at, find(load_first(x + at, n - at)), n - at);
}

}  // namespace
