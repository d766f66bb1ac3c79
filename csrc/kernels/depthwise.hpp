// Depthwise convolution: each channel alone. A few pixels at once share the weights' loads.
#pragma once

#include "activation.hpp"

namespace {

using cnnfast::DepthwiseRow;

constexpr int kDepthwisePixels = 4;

// Loads lanes [0, n) of input channels for output channels from c on.
inline Vec load_channels(const DepthwiseRow& t, const float* x, std::int64_t c, std::int64_t n) {
  if (t.multiplier == 1) return n == kLanes ? load(x + c) : load_first(x + c, n);
  Vec v = {};
  for (std::int64_t i = 0; i < n; ++i) v[i] = x[(c + i) / t.multiplier];
  return v;
}

template <int P>
inline void depthwise_pixels(const DepthwiseRow& t, std::int64_t pixel, std::int64_t c,
                             std::int64_t n) {
  const bool whole = n == kLanes;
  Vec sum[1][P] = {};
  for (std::int32_t tap = 0; tap < t.tap_count; ++tap) {
    const float* w = t.weights + tap * t.channels + c;
    const Vec weight = whole ? load(w) : load_first(w, n);
    const float* x = t.x + pixel * t.x_pixel + t.taps[tap];
    for (int p = 0; p < P; ++p) sum[0][p] += load_channels(t, x + p * t.x_pixel, c, n) * weight;
  }
  const Vec bias = whole ? load(t.bias + c) : load_first(t.bias + c, n);
  for (int p = 0; p < P; ++p) sum[0][p] += bias;
  activate_tile(sum, t.activation);
  for (int p = 0; p < P; ++p) {
    float* out = t.out + (pixel + p) * t.out_pixel + c;
    if (whole) {
      store(out, sum[0][p]);
    } else {
      store_first(out, sum[0][p], n);
    }
  }
}

void depthwise(const DepthwiseRow& t) {
  for (std::int64_t c = 0; c < t.channels; c += kLanes) {
    const std::int64_t n = t.channels - c < kLanes ? t.channels - c : kLanes;
    std::int64_t pixel = 0;
    for (; pixel + kDepthwisePixels <= t.width; pixel += kDepthwisePixels) {
      depthwise_pixels<kDepthwisePixels>(t, pixel, c, n);
    }
    for (; pixel < t.width; ++pixel) depthwise_pixels<1>(t, pixel, c, n);
  }
}

}  // namespace
