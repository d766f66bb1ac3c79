// Depthwise convolution: each channel alone. Neighbouring pixels share the loads of weights and,
// where their windows overlap, of inputs.
#pragma once

#include "epilogue.hpp"

namespace {

using cnnfast::DepthwiseRow;

// Of 16 registers a 5 x 5 window takes 5 for a row of weights, 1 for an input and 8 for sums.
constexpr int kDepthwisePixels = 8;

template <int P>
CNNFAST_INLINE inline void finish_depthwise(Vec (&sum)[P][1], const DepthwiseRow& t,
                                            std::int64_t pixel, std::int64_t c, std::int64_t n) {
  const Vec bias = load_lanes(t.bias + c, n);
  repeat<P>([&](auto p) CNNFAST_INLINE { sum[p][0] += bias; });
  activate_tile(sum, t.activation);
  float* out = t.out + pixel * t.out_pixel + c;
  repeat<P>([&](auto p) CNNFAST_INLINE { store_lanes(out + p * t.out_pixel, sum[p][0], n); });
}

// Lanes [0, n) of the input for output channels from c on: a channel serves `multiplier` of them.
inline Vec load_repeated(const float* x, std::int64_t c, std::int64_t n, std::int64_t multiplier) {
  Vec v = {};
  for (std::int64_t i = 0; i < n; ++i) v[i] = x[(c + i) / multiplier];
  return v;
}

// Any window; load(pointer to a pixel) gives the lanes.
template <int P, class Load>
inline void any_window(const DepthwiseRow& t, std::int64_t pixel, std::int64_t c, std::int64_t n,
                       Load load_pixel) {
  Vec sum[P][1] = {};
  for (std::int32_t tap = 0; tap < t.tap_count; ++tap) {
    const Vec weight = load_lanes(t.weights + tap * t.channels + c, n);
    const float* x = t.x + pixel * t.x_pixel + t.taps[tap];
    repeat<P>([&](auto p) CNNFAST_INLINE { sum[p][0] += load_pixel(x + p * t.x_pixel) * weight; });
  }
  finish_depthwise(sum, t, pixel, c, n);
}

// A window of K x K neighbouring pixels, whole vectors: an input is loaded once for all the
// windows of a row that it is in.
template <int K, int S, int P>
void sliding_window(const DepthwiseRow& t, std::int64_t pixel, std::int64_t c) {
  constexpr int kInputs = (P - 1) * S + K;
  const std::int64_t step = t.taps[1] - t.taps[0];
  Vec sum[P][1] = {};
  for (int y = 0; y < K; ++y) {
    const float* x = t.x + pixel * t.x_pixel + t.taps[y * K] + c;
    const float* w = t.weights + y * K * t.channels + c;
    Vec weight[K];
    repeat<K>([&](auto k) CNNFAST_INLINE { weight[k] = load(w + k * t.channels); });
    repeat<kInputs>([&](auto i) CNNFAST_INLINE {
      const Vec in = load(x);
      x += step;
      repeat<K>([&](auto k) CNNFAST_INLINE {
        constexpr int kOffset = i - k;  // of the window where input i meets weight k
        if constexpr (kOffset >= 0 && kOffset % S == 0 && kOffset / S < P) {
          sum[kOffset / S][0] += in * weight[k];
        }
      });
    });
  }
  finish_depthwise(sum, t, pixel, c, kLanes);
}

// f.template operator()<P>(pixel) where P is `pixels`.
template <class F, int P = kDepthwisePixels>
inline void call_with(int pixels, F f, std::int64_t pixel) {
  if (pixels == P) {
    f.template operator()<P>(pixel);
  } else if constexpr (P > 1) {
    call_with<F, P - 1>(pixels, f, pixel);
  }
}

// Calls f for all pixels of a row, in tiles of about the same size.
template <class F>
inline void for_each_pixel(std::int64_t width, F f) {
  std::int64_t tiles = (width + kDepthwisePixels - 1) / kDepthwisePixels;
  for (std::int64_t pixel = 0; tiles > 0; --tiles) {
    const std::int64_t pixels = (width - pixel + tiles - 1) / tiles;
    call_with(static_cast<int>(pixels), f, pixel);
    pixel += pixels;
  }
}

template <int K, int S>
inline void sliding_row(const DepthwiseRow& t, std::int64_t c) {
  for_each_pixel(t.width, [&]<int P>(std::int64_t pixel) { sliding_window<K, S, P>(t, pixel, c); });
}

inline void any_row(const DepthwiseRow& t, std::int64_t c, std::int64_t n) {
  for_each_pixel(t.width, [&]<int P>(std::int64_t pixel) {
    if (t.multiplier != 1) {
      any_window<P>(t, pixel, c, n,
                    [&](const float* x) { return load_repeated(x, c, n, t.multiplier); });
    } else if (n == kLanes) {
      any_window<P>(t, pixel, c, n, [&](const float* x) { return load(x + c); });
    } else {
      any_window<P>(t, pixel, c, n, [&](const float* x) { return load_first(x + c, n); });
    }
  });
}

void depthwise(const DepthwiseRow& t) {
  const std::int32_t shape = 10 * t.sliding_size + t.sliding_stride;
  for (std::int64_t c = 0; c < t.channels; c += kLanes) {
    const std::int64_t n = t.channels - c < kLanes ? t.channels - c : kLanes;
    switch (n == kLanes ? shape : 0) {
      case 31: sliding_row<3, 1>(t, c); break;
      case 32: sliding_row<3, 2>(t, c); break;
      case 51: sliding_row<5, 1>(t, c); break;
      case 52: sliding_row<5, 2>(t, c); break;
      default: any_row(t, c, n);
    }
  }
}

}  // namespace
