// What a number is stored as.
#pragma once

#include <cstdint>

namespace cnnfast {

// Weights of products in float32 are of the first three, their activations of the first. In 8 bits
// activations are of uint8, weights of int8, or of int16 where products of 16 bits are taken.
enum class Element : std::int32_t { float32, float16, bfloat16, uint8, int8, int16 };
constexpr const char* kElementNames[] = {"float32", "float16", "bfloat16",
                                         "uint8",   "int8",    "int16"};
constexpr std::int64_t kElementBytes[] = {4, 2, 2, 1, 1, 2};
constexpr int kWidenedElements = 3;  // that become float32 as they are read

// Always inlined, as what ColumnBlocks has.
[[gnu::always_inline]] constexpr std::int64_t bytes_of(Element element) {
  return kElementBytes[static_cast<int>(element)];
}

// f.operator()<E>() for the element of weights that is E.
template <int I = 0, class F>
[[gnu::always_inline]] constexpr auto with_element(Element element, const F& f) {
  if constexpr (I + 1 < kWidenedElements) {
    if (element != static_cast<Element>(I)) return with_element<I + 1>(element, f);
  }
  return f.template operator()<static_cast<Element>(I)>();
}

}  // namespace cnnfast
