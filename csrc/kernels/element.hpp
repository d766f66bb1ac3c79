// What a number is stored as.
#pragma once

#include <cstdint>

namespace cnnfast {

// Packed weights are of any, activations and sums of float32.
enum class Element : std::int32_t { float32, float16, bfloat16 };
constexpr const char* kElementNames[] = {"float32", "float16", "bfloat16"};
constexpr std::int64_t kElementBytes[] = {4, 2, 2};
constexpr int kElements = static_cast<int>(sizeof kElementBytes / sizeof kElementBytes[0]);

// Always inlined, as what ColumnBlocks has.
[[gnu::always_inline]] constexpr std::int64_t bytes_of(Element element) {
  return kElementBytes[static_cast<int>(element)];
}

// f.operator()<E>() for the element that is E.
template <int I = 0, class F>
[[gnu::always_inline]] constexpr auto with_element(Element element, const F& f) {
  if constexpr (I + 1 < kElements) {
    if (element != static_cast<Element>(I)) return with_element<I + 1>(element, f);
  }
  return f.template operator()<static_cast<Element>(I)>();
}

}  // namespace cnnfast
