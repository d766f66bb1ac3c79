// Activations and per-channel scale and shift that no other operation could take in.
#pragma once

#include "activation.hpp"

namespace {

void activate(const float* x, float* out, std::int64_t n, Activation f) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, apply(load(x + i), f));
  if (i < n) store_first(out + i, apply(load_first(x + i, n - i), f), n - i);
}

void affine(const float* x, float* out, std::int64_t pixels, std::int64_t x_pixel,
            std::int64_t out_pixel, std::int64_t channels, const float* scale, const float* shift) {
  for (std::int64_t p = 0; p < pixels; ++p, x += x_pixel, out += out_pixel) {
    std::int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      store(out + c, load(x + c) * load(scale + c) + load(shift + c));
    }
    const std::int64_t rest = channels - c;
    if (rest > 0) {
      const Vec y = load_first(x + c, rest) * load_first(scale + c, rest);
      store_first(out + c, y + load_first(shift + c, rest), rest);
    }
  }
}

}  // namespace
