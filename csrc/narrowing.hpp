// Float32 to what is stored, rounded to the nearest and to even.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/table.hpp"

namespace cnnfast {

// The `discarded` low bits of `bits` rounded away; a carry goes up into the exponent, as it should.
inline std::uint32_t rounded(std::uint32_t bits, int discarded) {
  const std::uint32_t odd = bits >> discarded & 1;
  return (bits + (1U << (discarded - 1)) - 1 + odd) >> discarded;
}

inline std::uint16_t to_bfloat16(float x) {
  return static_cast<std::uint16_t>(rounded(std::bit_cast<std::uint32_t>(x), 16));
}

inline std::uint16_t to_float16(float x) {
  const float magnitude = std::abs(x);
  const auto sign = static_cast<std::uint32_t>(std::signbit(x)) << 15;
  // Below 2^-14 a half counts multiples of 2^-24.
  const std::uint32_t half =
      magnitude < 0x1p-14F ? static_cast<std::uint32_t>(std::nearbyint(magnitude * 0x1p24F))
                           : rounded(std::bit_cast<std::uint32_t>(magnitude) - (112U << 23), 13);
  return static_cast<std::uint16_t>(sign | half);
}

// How numbers of an element are made, and the least that would not stay finite.
template <Element E>
struct Narrowing;

template <>
struct Narrowing<Element::float32> {
  using Number = float;
  static constexpr float kLimit = INFINITY;
  static float narrow(float x) { return x; }
};

// Half of the last place above the largest number is the first to round to infinity.
template <>
struct Narrowing<Element::float16> {
  using Number = std::uint16_t;
  static constexpr float kLimit = 65520.0F;
  static Number narrow(float x) { return to_float16(x); }
};

template <>
struct Narrowing<Element::bfloat16> {
  using Number = std::uint16_t;
  static constexpr float kLimit = 0x1.FFp127F;
  static Number narrow(float x) { return to_bfloat16(x); }
};

// Whether every number stays finite; infinities and NaN do not count as numbers.
inline bool fits(Element element, const float* numbers, std::int64_t n) {
  const float limit = with_element(element, []<Element E>() { return Narrowing<E>::kLimit; });
  return std::all_of(numbers, numbers + n, [limit](float x) { return std::abs(x) < limit; });
}

}  // namespace cnnfast
