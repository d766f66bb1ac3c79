// What happens to finished sums while they are in registers.
#pragma once

#include "activation.hpp"

namespace {

using cnnfast::Epilogue;

inline Vec load_lanes(const float* p, std::int64_t n) {
  return n >= kLanes ? load(p) : load_first(p, n);
}

inline void store_lanes(float* p, Vec v, std::int64_t n) {
  if (n >= kLanes) {
    store(p, v);
  } else {
    store_first(p, v, n);
  }
}

// A tile of M pixels times N vectors of channels from `channel` on, of which `columns` are real.
template <int M, int N>
inline void add_bias(Vec (&tile)[M][N], const float* from, std::int64_t channel) {
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) {
    const Vec bias = load(from + channel + n * kLanes);
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) tile[m][n] += bias;
  }
}

template <int M, int N, class Pixel>
inline void add_residual(Vec (&tile)[M][N], std::int64_t columns, Pixel residual) {
  CNNFAST_UNROLL
  for (int m = 0; m < M; ++m) {
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) {
      tile[m][n] += load_lanes(residual(m) + n * kLanes, columns - n * kLanes);
    }
  }
}

template <int M, int N>
inline void scale_channels(Vec (&tile)[M][N], const cnnfast::ChannelScale& by,
                           std::int64_t channel) {
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) {
    const Vec factor = load(by.factor + channel + n * kLanes);
    const Vec shift = load(by.shift + channel + n * kLanes);
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) tile[m][n] = tile[m][n] * factor + shift;
  }
}

// The last stage, of kSide x kSide sums at(y, x): columns first as in pool.hpp, of equal zeros it
// takes the same.
template <int kSide, class Sum>
inline Vec pool_sums(Sum at) {
  static_assert(kSide == 1 || kSide == 2);
  if constexpr (kSide == 1) {
    return at(0, 0);
  } else {
    return larger(larger(at(0, 0), at(1, 0)), larger(at(0, 1), at(1, 1)));
  }
}

// The stages before that in their order. residual(m) points to pixel m's first channel of the tile;
// not called where there is none.
template <int M, int N, class Pixel>
inline void finish_tile(Vec (&tile)[M][N], const Epilogue& e, std::int64_t channel,
                        std::int64_t columns, Pixel residual) {
  add_bias(tile, e.bias, channel);
  if (e.residual.numbers != nullptr) add_residual(tile, columns, residual);
  activate_tile(tile, e.activation);
  if (e.scale.factor != nullptr) scale_channels(tile, e.scale, channel);
}

}  // namespace
