// Activations and per-channel scale and shift that no other operation could take in.
#pragma once

#include "epilogue.hpp"

namespace {

void activate(const float* x, float* out, std::int64_t n, Activation f) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, apply(load(x + i), f));
  if (i < n) store_first(out + i, apply(load_first(x + i, n - i), f), n - i);
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
