// What a number is stored as.
#pragma once

#include <cstdint>

namespace cnnfast {

// Packed weights are of any, activations and sums of float32.
enum class Element : std::int32_t { float32, float16, bfloat16 };
constexpr int kElements = 3;

// Bytes of a number. Always inlined, as those of ColumnBlocks.
[[gnu::always_inline]] constexpr std::int64_t bytes_of(Element element) {
  return element == Element::float32 ? 4 : 2;
}

}  // namespace cnnfast
