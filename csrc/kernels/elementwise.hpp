// Activations and per-channel scale and shift that no other operation could take in.
#pragma once

#include "epilogue.hpp"

namespace {

void activate(const float* x, float* out, std::int64_t n, Activation f) {
  constexpr int kAtOnce = 4;
  std::int64_t i = 0;
  for (; i + kAtOnce * kLanes <= n; i += kAtOnce * kLanes) {
    Vec tile[1][kAtOnce];
    for (int v = 0; v < kAtOnce; ++v) tile[0][v] = load(x + i + v * kLanes);
    activate_tile(tile, f);
    for (int v = 0; v < kAtOnce; ++v) store(out + i + v * kLanes, tile[0][v]);
  }
  for (; i < n; i += kLanes) store_lanes(out + i, apply(load_lanes(x + i, n - i), f), n - i);
}

void affine(const float* x, float* out, std::int64_t pixels, std::int64_t x_pixel,
            std::int64_t out_pixel, std::int64_t channels, const float* scale, const float* shift,
            Activation f) {
  for (std::int64_t p = 0; p < pixels; ++p, x += x_pixel, out += out_pixel) {
    for (std::int64_t c = 0; c < channels; c += kLanes) {
      const std::int64_t n = channels - c;
      Vec tile[1][1] = {
          {load_lanes(x + c, n) * load_lanes(scale + c, n) + load_lanes(shift + c, n)}};
      activate_tile(tile, f);
      store_lanes(out + c, tile[0][0], n);
    }
  }
}

}  // namespace
