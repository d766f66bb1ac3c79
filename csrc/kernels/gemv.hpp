// One row times a matrix: bound by reading the weights, so they are read once, in order, and
// not at all where the input is exactly zero (as most are behind a ReLU). Sums in the same
// order as gemm.hpp, so a batch of one gives the bits of a batch of many. Weights of 16 bits are
// half of the traffic; they are widened in registers.
#pragma once

#include "gemm.hpp"

namespace {

using cnnfast::GemvTask;

// Positions of the non-zero values of x[0, n) into `list`; returns how many.
inline std::int64_t list_nonzero(const float* x, std::int64_t n, std::int32_t* list) {
  std::int64_t count = 0;
  std::int64_t k = 0;
#if defined(__AVX512F__)
  __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (; k + 16 <= n; k += 16) {
    const __mmask16 keep =
        _mm512_cmp_ps_mask(_mm512_loadu_ps(x + k), _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm512_mask_compressstoreu_epi32(list + count, keep, index);
    count += __builtin_popcount(keep);
    index = _mm512_add_epi32(index, _mm512_set1_epi32(16));
  }
#endif
  for (; k < n; ++k) {
    list[count] = static_cast<std::int32_t>(k);
    count += x[k] != 0.0F ? 1 : 0;
  }
  return count;
}

// B blocks of N vectors side by side, so that enough sums are under way to hide their latency.
template <class Weights, int B, int N>
void gemv_blocks(const GemvTask& t, const typename Weights::Number* weights,
                 std::int64_t first_column) {
  const std::int64_t block = t.depth * N * kLanes;
  Vec total[B][N] = {};
  std::int32_t list[kChunkDepth];
  for (std::int64_t start = 0; start < t.depth; start += kChunkDepth) {
    const std::int64_t depth = t.depth - start < kChunkDepth ? t.depth - start : kChunkDepth;
    const float* x = t.x + start;
    const auto* w = weights + start * N * kLanes;
    Vec part[B][N] = {};
    const auto add_row = [&](std::int64_t k) {
      const Vec a = splat(x[k]);
      for (int b = 0; b < B; ++b) {
        for (int n = 0; n < N; ++n)
          part[b][n] += a * Weights::load(w + b * block + (k * N + n) * kLanes);
      }
    };
    const std::int64_t nonzero = t.skip_zeros ? list_nonzero(x, depth, list) : depth;
    if (nonzero == depth) {
      for (std::int64_t k = 0; k < depth; ++k) add_row(k);
    } else {
      for (std::int64_t i = 0; i < nonzero; ++i) add_row(list[i]);
    }
    for (int b = 0; b < B; ++b) {
      for (int n = 0; n < N; ++n) total[b][n] = start == 0 ? part[b][n] : total[b][n] + part[b][n];
    }
  }
  for (int b = 0; b < B; ++b) {
    const std::int64_t column = first_column + b * N * kLanes;
    const std::int64_t columns = t.columns - column;
    Vec tile[1][N];
    for (int n = 0; n < N; ++n) tile[0][n] = total[b][n];
    finish_tile(tile, t.epilogue, column, columns,
                [&](int) { return t.epilogue.residual.numbers + column; });
    for (int n = 0; n < N; ++n) {
      if (columns > n * kLanes) {
        store_lanes(t.out + column + n * kLanes, tile[0][n], columns - n * kLanes);
      }
    }
  }
}

template <class Weights>
void gemv_narrow(const GemvTask& t, const typename Weights::Number* weights, std::int64_t column,
                 int vectors) {
  if (vectors == 1) gemv_blocks<Weights, 1, 1>(t, weights, column);
  if constexpr (kTileVectors == 4) {
    if (vectors == 2) gemv_blocks<Weights, 1, 2>(t, weights, column);
    if (vectors == 3) gemv_blocks<Weights, 1, 3>(t, weights, column);
  }
}

template <class Weights>
void gemv(const GemvTask& t, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kWidth = kTileVectors * kLanes;
  constexpr int kSideBySide = kSumsUnderWay / kTileVectors;
  std::int64_t block = first;
  const cnnfast::ColumnBlocks blocks = {t.depth, t.columns, kLanes, kWidth};
  const auto weights = [&] {
    return static_cast<const typename Weights::Number*>(t.weights) + blocks.place(block);
  };
  const std::int64_t full = t.columns / kWidth < last ? t.columns / kWidth : last;
  for (; block + kSideBySide <= full; block += kSideBySide) {
    gemv_blocks<Weights, kSideBySide, kTileVectors>(t, weights(), block * kWidth);
  }
  if constexpr (kSideBySide > 2) {
    for (; block + 2 <= full; block += 2) {
      gemv_blocks<Weights, 2, kTileVectors>(t, weights(), block * kWidth);
    }
  }
  for (; block < full; ++block) gemv_blocks<Weights, 1, kTileVectors>(t, weights(), block * kWidth);
  for (; block < last; ++block) {
    const int vectors = static_cast<int>(blocks.width(block) / kLanes);
    if (vectors == kTileVectors) {
      gemv_blocks<Weights, 1, kTileVectors>(t, weights(), block * kWidth);
    } else {
      gemv_narrow<Weights>(t, weights(), block * kWidth, vectors);
    }
  }
}

}  // namespace
