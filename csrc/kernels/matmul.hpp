// Around the register tiles, for a product of two matrices that are both computed: the second one
// packed as weights are, or read as it is where the first has few rows.
#pragma once

#include "gemm.hpp"

namespace {

using cnnfast::MatrixRows;

void pack_columns(const MatrixRows& b, std::int64_t depth, float* to) {
  const cnnfast::ColumnBlocks blocks = {depth, b.columns, kLanes, kTileVectors * kLanes};
  for (std::int64_t start = b.first; start < b.last; start += kPackedRows) {
    const std::int64_t end = b.last - start < kPackedRows ? b.last : start + kPackedRows;
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      const std::int64_t stored = blocks.stored(block);
      const std::int64_t width = blocks.width(block);
      float* out = to + blocks.place(block, start);
      for (std::int64_t row = start; row < end; ++row, out += width) {
        const float* from = b.numbers + row * b.columns + blocks.first(block);
        for (std::int64_t n = 0; n < width; n += kLanes) {
          store(out + n, load_lanes(from + n, stored - n));
        }
      }
    }
  }
}

// N vectors of columns from `column` on, of the last one only what there is.
template <int N>
inline void multiply_columns(const float* x, const MatrixRows& b, std::int64_t column, float* out) {
  const std::int64_t left = b.columns - column;
  Vec total[N] = {};
  for (std::int64_t start = b.first; start < b.last; start += kChunkDepth) {
    const std::int64_t end = b.last - start < kChunkDepth ? b.last : start + kChunkDepth;
    Vec part[N] = {};
    for (std::int64_t k = start; k < end; ++k) {
      const float* row = b.numbers + k * b.columns + column;
      for (int n = 0; n < N; ++n) {
        part[n] += splat(x[k]) * load_lanes(row + n * kLanes, left - n * kLanes);
      }
    }
    for (int n = 0; n < N; ++n) total[n] = start == b.first ? part[n] : total[n] + part[n];
  }
  for (int n = 0; n < N; ++n) store_lanes(out + column + n * kLanes, total[n], left - n * kLanes);
}

void multiply_row(const float* x, const MatrixRows& b, float* out) {
  constexpr std::int64_t kTogether = kSumsUnderWay * kLanes;
  std::int64_t column = 0;
  for (; column + kTogether <= b.columns; column += kTogether) {
    multiply_columns<kSumsUnderWay>(x, b, column, out);
  }
  for (; column < b.columns; column += kLanes) multiply_columns<1>(x, b, column, out);
}

}  // namespace
