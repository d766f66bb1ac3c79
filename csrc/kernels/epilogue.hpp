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
// residual(m) points to pixel m's first channel of the tile; not called where there is none.
template <int M, int N, class Residual>
inline void finish_tile(Vec (&tile)[M][N], const Epilogue& e, std::int64_t channel,
                        std::int64_t columns, Residual residual) {
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) {
    const Vec bias = load(e.bias + channel + n * kLanes);
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) tile[m][n] += bias;
  }
  if (e.residual != nullptr) {
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) {
      CNNFAST_UNROLL
      for (int n = 0; n < N; ++n) {
        tile[m][n] += load_lanes(residual(m) + n * kLanes, columns - n * kLanes);
      }
    }
  }
  activate_tile(tile, e.activation);
  if (e.scale == nullptr) return;
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) {
    const Vec scale = load(e.scale + channel + n * kLanes);
    const Vec shift = load(e.shift + channel + n * kLanes);
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) tile[m][n] = tile[m][n] * scale + shift;
  }
}

}  // namespace
