// From float32 to bytes and back.
#pragma once

#include "requantize.hpp"

namespace {

void quantize(const float* x, std::uint8_t* out, std::int64_t n, float factor, float zero_point) {
  const Vec lower = splat(-zero_point);
  const Vec upper = splat(255.0F - zero_point);
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t left = n - i;
    const Vec v = left >= kLanes ? load(x + i) : load_first(x + i, left);
    store_bytes(out + i, nearest_bytes(within(v * splat(factor), lower, upper), zero_point), left);
  }
}

void dequantize(const std::uint8_t* x, float* out, std::int64_t n, float scale,
                std::int32_t zero_point) {
  for (std::int64_t i = 0; i < n; i += kLanes) {
    const std::int64_t left = n - i;
    store_some(out + i, floats_of(load_bytes(x + i, left) - zero_point) * splat(scale), left);
  }
}

}  // namespace
