// Operands of products in bfloat16 as words; see Bfloat16Kernels.
#pragma once

#include <cstdint>
#include <cstring>

#include "narrowing.hpp"

namespace cnnfast {

// Words of so many channels.
inline std::int64_t words_of(std::int64_t channels, std::int64_t together) {
  return (channels + together - 1) / together;
}

// Puts numbers, rounded, into place `part` of as many words.
inline void fill_words(const float* numbers, std::int64_t n, float* words, std::int64_t part,
                       std::int64_t together) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint16_t number = to_bfloat16(numbers[i]);
    if (together == 1) {
      words[i] = std::bit_cast<float>(std::uint32_t{number} << 16);
    } else {
      std::memcpy(reinterpret_cast<std::byte*>(words + i) + part * 2, &number, sizeof(number));
    }
  }
}

}  // namespace cnnfast
