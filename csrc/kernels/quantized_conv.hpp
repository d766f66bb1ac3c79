// Convolution of bytes as an indirect matrix product; see gemm.hpp. Sums are exact, so they are one
// sum without chunks, and a single row of pixels may be summed in any order.
#pragma once

#include "byte_products.hpp"
#include "requantize.hpp"
#include "tuning.hpp"

namespace {

using cnnfast::QuantizedConvTask;

struct ByteTile {
  const std::uint8_t* x[kTileRows];
  void* out[kTileRows];
  const std::uint8_t* residual[kTileRows];
};

template <int N>
constexpr std::int64_t kQuadBytes = std::int64_t{N} * kParts * CNNFAST_VECTOR_BYTES;

template <int M, int N>
CNNFAST_INLINE inline void add_quad(IntVec (&sum)[M][N], const std::uint8_t* const (&x)[M],
                                    std::int64_t k, const char* w) {
  IntVec b[kParts][N];
  repeat<kParts>([&](auto part) CNNFAST_INLINE {
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) b[part][n] = load_weights(w, part * N + n);
  });
  repeat<M>([&](auto m) CNNFAST_INLINE {
    const Quad a = quad_of(splat_quad(x[m] + k));
    repeat<kParts>([&](auto part) CNNFAST_INLINE {
      CNNFAST_UNROLL
      for (int n = 0; n < N; ++n) {
        sum[m][n] = add_products_of(sum[m][n], a.part[part], b[part][n]);
      }
    });
  });
}

// A few quads at a time into sums of their own, so that one row does not wait for itself.
template <int M, int N>
constexpr int kSumsOfRow = M * N <= 2   ? 4
                           : M * N <= 4 ? 2
                                        : 1;

template <int M, int N>
CNNFAST_INLINE inline void sum_spans(IntVec (&sum)[M][N], const QuantizedConvTask& t,
                                     const ByteTile& tile) {
  constexpr int kTogether = kSumsOfRow<M, N>;
  IntVec more[kTogether][M][N] = {};
  const auto* w = static_cast<const char*>(t.weights);
  for (std::int32_t s = 0; s < t.span_count; ++s) {
    const std::uint8_t* x[M];
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) x[m] = tile.x[m] + t.spans[s].offset;
    const std::int64_t length = t.spans[s].length;
    std::int64_t k = 0;
    if constexpr (kTogether > 1) {
      for (; k + 4 * kTogether <= length; k += 4 * kTogether) {
        repeat<kTogether>([&](auto i) CNNFAST_INLINE {
          add_quad(more[i], x, k + 4 * i, w);
          w += kQuadBytes<N>;
        });
      }
    }
    for (; k < length; k += 4, w += kQuadBytes<N>) add_quad(sum, x, k, w);
  }
  if constexpr (kTogether > 1) {
    for (int i = 0; i < kTogether; ++i) {
      for (int m = 0; m < M; ++m) {
        for (int n = 0; n < N; ++n) sum[m][n] += more[i][m][n];
      }
    }
  }
}

// What is done with finished sums, known before the loop over them.
struct ByteFinish {
  bool whole;     // every vector's lanes are columns
  bool residual;  // asked for each row where float32 is stored
  bool to_bytes;
};

template <ByteFinish kHow, int N>
CNNFAST_INLINE inline void finish_row(const IntVec (&sum)[N], const QuantizedConvTask& t, void* out,
                                      const std::uint8_t* residual) {
  const cnnfast::ChannelRounding& by = t.rounding;
  Vec r[N];
  repeat<N>([&](auto n) CNNFAST_INLINE {
    const std::int64_t at = std::int64_t{n} * kLanes;
    r[n] = floats_of(sum[n]) * load(by.multiplier + at);
    if (kHow.residual || (!kHow.to_bytes && t.residual.numbers != nullptr)) {
      const std::uint8_t* from = residual + at;
      const IntVec bytes = load_bytes(from, kHow.whole ? kLanes : t.columns - at);
      r[n] += floats_of(bytes - t.residual.zero_point) * splat(t.residual.multiplier);
    }
    r[n] = within(r[n], load(by.lower + at), load(by.upper + at));
  });
  if constexpr (kHow.to_bytes) {
    IntVec integer[N];
    repeat<N>([&](auto n) CNNFAST_INLINE { integer[n] = nearest(r[n], by.zero_point); });
    store_lowest_bytes(static_cast<std::uint8_t*>(out), integer,
                       kHow.whole ? N * kLanes : t.columns);
  } else {
    repeat<N>([&](auto n) CNNFAST_INLINE {
      const std::int64_t at = std::int64_t{n} * kLanes;
      store_some(static_cast<float*>(out) + at, r[n], kHow.whole ? kLanes : t.columns - at);
    });
  }
}

// So many rows of sums, one behind the other. Not part of the tiles, which are many.
template <ByteFinish kHow, int N>
[[gnu::noinline]] void finish_rows(const IntVec (*sum)[N], int rows, const QuantizedConvTask& t,
                                   const ByteTile& tile) {
  for (int m = 0; m < rows; ++m) finish_row<kHow>(sum[m], t, tile.out[m], tile.residual[m]);
}

template <int N>
void finish_sums(const IntVec (*sum)[N], int rows, const QuantizedConvTask& t,
                 const ByteTile& tile) {
  const bool whole = t.columns == N * kLanes;
  if (!t.rounding.to_bytes) {
    if (whole) return finish_rows<ByteFinish{true, false, false}>(sum, rows, t, tile);
    return finish_rows<ByteFinish{false, false, false}>(sum, rows, t, tile);
  }
  if (t.residual.numbers == nullptr) {
    if (whole) return finish_rows<ByteFinish{true, false, true}>(sum, rows, t, tile);
    return finish_rows<ByteFinish{false, false, true}>(sum, rows, t, tile);
  }
  if (whole) return finish_rows<ByteFinish{true, true, true}>(sum, rows, t, tile);
  return finish_rows<ByteFinish{false, true, true}>(sum, rows, t, tile);
}

template <int M, int N>
void byte_tile(const QuantizedConvTask& t, const ByteTile& tile) {
  IntVec sum[M][N];
  CNNFAST_UNROLL
  for (int m = 0; m < M; ++m) {
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) sum[m][n] = load_ints(t.offset + n * kLanes);
  }
  sum_spans(sum, t, tile);
  IntVec finished[M][N];
  CNNFAST_UNROLL
  for (int m = 0; m < M; ++m) {
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) finished[m][n] = sum[m][n];
  }
  finish_sums<N>(finished, M, t, tile);
}

using ByteTileKernel = void (*)(const QuantizedConvTask&, const ByteTile&);

struct ByteTiles {
  ByteTileKernel of[kTileRows + 1][kTileVectors + 1];  // by rows and vectors, both from 1
};

template <int M, int N>
constexpr void fill(ByteTiles& tiles) {
  tiles.of[M][N] = byte_tile<M, N>;
  if constexpr (N > 1) {
    fill<M, N - 1>(tiles);
  } else if constexpr (M > 1) {
    fill<M - 1, kTileVectors>(tiles);
  }
}

constexpr ByteTiles kByteTiles = [] {
  ByteTiles tiles = {};
  fill<kTileRows, kTileVectors>(tiles);
  return tiles;
}();

// Walks pixels in order: where each one's window, output and residual are.
class BytePixels {
 public:
  BytePixels(const QuantizedConvTask& t, std::int64_t pixel)
      : task_(t),
        number_bytes_(t.rounding.to_bytes ? 1 : static_cast<std::int64_t>(sizeof(float))),
        column_(pixel % t.width),
        row_(pixel / t.width % t.height),
        image_(pixel / t.width / t.height) {
    find();
  }

  // The next `rows` pixels.
  void fill(ByteTile& tile, std::int64_t rows) {
    for (std::int64_t m = 0; m < rows; ++m) {
      tile.x[m] = x_;
      tile.out[m] = out_;
      tile.residual[m] = residual_;
      x_ += task_.x_strides.pixel;
      out_ += task_.out_strides.pixel * number_bytes_;
      residual_ += task_.residual.strides.pixel;
      if (++column_ == task_.width) next_row();
    }
  }

 private:
  void next_row() {
    column_ = 0;
    if (++row_ == task_.height) {
      row_ = 0;
      ++image_;
    }
    find();
  }

  void find() {
    const auto offset = [&](const cnnfast::Strides& s) {
      return image_ * s.image + row_ * s.row + column_ * s.pixel;
    };
    x_ = task_.x + offset(task_.x_strides);
    out_ = static_cast<char*>(task_.out) + offset(task_.out_strides) * number_bytes_;
    residual_ = task_.residual.numbers + offset(task_.residual.strides);
  }

  const QuantizedConvTask& task_;
  std::int64_t number_bytes_;
  std::int64_t column_;
  std::int64_t row_;
  std::int64_t image_;
  const std::uint8_t* x_ = nullptr;
  char* out_ = nullptr;
  const std::uint8_t* residual_ = nullptr;
};

// Tiles of about the same size, as few as there can be.
void quantized_conv(const QuantizedConvTask& t, std::int64_t first, std::int64_t last) {
  const int vectors = (t.columns + kLanes - 1) / kLanes;
  BytePixels pixels(t, first);
  ByteTile tile;
  const std::int64_t tiles = (last - first + kTileRows - 1) / kTileRows;
  const std::int64_t rows = (last - first) / tiles;
  std::int64_t longer = (last - first) % tiles;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const std::int64_t count = rows + (longer-- > 0 ? 1 : 0);
    pixels.fill(tile, count);
    kByteTiles.of[count][vectors](t, tile);
  }
}

}  // namespace
