// Depthwise convolution: each channel alone. Neighbouring pixels share the loads of weights and,
// where their windows overlap, of inputs.
#pragma once

#include "epilogue.hpp"
#include "tuning.hpp"

namespace {

using cnnfast::DepthwiseTask;

template <int P>
CNNFAST_INLINE inline void finish_depthwise(Vec (&sum)[P][1], const DepthwiseTask& t, float* out,
                                            std::int64_t c, std::int64_t n) {
  const Vec bias = load_lanes(t.bias + c, n);
  repeat<P>([&](auto p) CNNFAST_INLINE { sum[p][0] += bias; });
  activate_tile(sum, t.activation);
  repeat<P>([&](auto p) CNNFAST_INLINE { store_lanes(out + p * t.out_pixel + c, sum[p][0], n); });
}

// Lanes [0, n) of the input for output channels from c on: a channel serves `multiplier` of them.
inline Vec load_repeated(const float* x, std::int64_t c, std::int64_t n, std::int64_t multiplier) {
  Vec v = {};
  for (std::int64_t i = 0; i < n; ++i) v[i] = x[(c + i) / multiplier];
  return v;
}

// P pixels with any window, whose first is at `x`; load(pointer to a pixel) gives the lanes.
template <int P, class Load>
inline void any_window(const DepthwiseTask& t, const float* x, float* out, std::int64_t c,
                       std::int64_t n, Load load_pixel) {
  Vec sum[P][1] = {};
  for (std::int32_t tap = 0; tap < t.tap_count; ++tap) {
    const Vec weight = load_lanes(t.weights + tap * t.channels + c, n);
    const float* in = x + t.taps[tap];
    repeat<P>([&](auto p) CNNFAST_INLINE { sum[p][0] += load_pixel(in + p * t.x_pixel) * weight; });
  }
  finish_depthwise(sum, t, out, c, n);
}

// A window of K x K neighbouring pixels, whole vectors: an input is loaded once for all the
// windows of a row that it is in.
template <int K, int S, int P>
void sliding_window(const DepthwiseTask& t, const float* x, float* out, std::int64_t c) {
  constexpr int kInputs = (P - 1) * S + K;
  const std::int64_t step = t.taps[1] - t.taps[0];
  Vec sum[P][1] = {};
  for (int y = 0; y < K; ++y) {
    const float* in = x + t.taps[y * K] + c;
    const float* w = t.weights + y * K * t.channels + c;
    Vec weight[K];
    repeat<K>([&](auto k) CNNFAST_INLINE { weight[k] = load(w + k * t.channels); });
    repeat<kInputs>([&](auto i) CNNFAST_INLINE {
      const Vec input = load(in);
      in += step;
      repeat<K>([&](auto k) CNNFAST_INLINE {
        constexpr int kOffset = i - k;  // of the window where input i meets weight k
        if constexpr (kOffset >= 0 && kOffset % S == 0 && kOffset / S < P) {
          sum[kOffset / S][0] += input * weight[k];
        }
      });
    });
  }
  finish_depthwise(sum, t, out, c, kLanes);
}

// f.template operator()<P>(x, out) where P is `pixels`.
template <class F, int P = kDepthwisePixels>
inline void call_with(int pixels, F f, const float* x, float* out) {
  if (pixels == P) {
    f.template operator()<P>(x, out);
  } else if constexpr (P > 1) {
    call_with<F, P - 1>(pixels, f, x, out);
  }
}

// Calls f for all pixels, in tiles of about the same size along a row.
template <class F>
inline void for_each_tile(const DepthwiseTask& t, F f) {
  for (std::int64_t y = 0; y < t.height; ++y) {
    const float* x = t.x + y * t.x_row;
    float* out = t.out + y * t.out_row;
    std::int64_t tiles = (t.width + kDepthwisePixels - 1) / kDepthwisePixels;
    for (std::int64_t left = t.width; tiles > 0; --tiles) {
      const std::int64_t pixels = (left + tiles - 1) / tiles;
      call_with(static_cast<int>(pixels), f, x, out);
      x += pixels * t.x_pixel;
      out += pixels * t.out_pixel;
      left -= pixels;
    }
  }
}

// Channels [first, last), whole vectors.
template <int K, int S>
inline void slide(const DepthwiseTask& t, std::int64_t first, std::int64_t last) {
  for_each_tile(t, [&]<int P>(const float* x, float* out) {
    for (std::int64_t c = first; c < last; c += kLanes) sliding_window<K, S, P>(t, x, out, c);
  });
}

inline void any_windows(const DepthwiseTask& t, std::int64_t c, std::int64_t n) {
  for_each_tile(t, [&]<int P>(const float* x, float* out) {
    if (t.multiplier != 1) {
      any_window<P>(t, x, out, c, n,
                    [&](const float* p) { return load_repeated(p, c, n, t.multiplier); });
    } else if (n == kLanes) {
      any_window<P>(t, x, out, c, n, [&](const float* p) { return load(p + c); });
    } else {
      any_window<P>(t, x, out, c, n, [&](const float* p) { return load_first(p + c, n); });
    }
  });
}

inline std::int64_t lesser(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

// A number for each size and stride, which are small.
constexpr std::int64_t sliding_shape(std::int64_t size, std::int64_t stride) {
  return size << 32 | stride;
}

// Channels [0, whole), whole vectors, of a window that slides by so many pixels; returns the
// channels done: none where the window has no kernel of its own.
inline std::int64_t slide_all(const DepthwiseTask& t, std::int64_t whole) {
  for (std::int64_t c = 0; c < whole; c += kDepthwiseChannels) {
    const std::int64_t last = lesser(c + kDepthwiseChannels, whole);
    switch (sliding_shape(t.sliding_size, t.sliding_stride)) {
      case sliding_shape(3, 1): slide<3, 1>(t, c, last); break;
      case sliding_shape(3, 2): slide<3, 2>(t, c, last); break;
      case sliding_shape(5, 1): slide<5, 1>(t, c, last); break;
      case sliding_shape(5, 2): slide<5, 2>(t, c, last); break;
      default: return 0;
    }
  }
  return whole;
}

void depthwise(const DepthwiseTask& t) {
  std::int64_t c = slide_all(t, t.channels / kLanes * kLanes);
  for (; c < t.channels; c += kLanes) any_windows(t, c, lesser(t.channels - c, kLanes));
}

}  // namespace
