// Convolution as an indirect matrix product. A register tile of kTileRows pixels times up to
// kTileVectors vectors of output channels reads its pixels straight from the image: a window
// is a few spans of consecutive floats (a kernel row of all channels, in the common case), at
// the same offsets for every pixel, because the image has a border of zeros where the window
// would leave it.
#pragma once

#include "column_blocks.hpp"
#include "epilogue.hpp"
#include "tuning.hpp"
#include "weights.hpp"
#include "words.hpp"

namespace {

using cnnfast::Chunk;
using cnnfast::ConvTask;
using cnnfast::Span;

struct TileTask {
  const float* x[kMostRows];
  std::int64_t x_step;  // from each pixel of `x` to the next, 0 where they are not evenly spaced
  float* out[kMostRows];
  const float* residual[kMostRows];
  const Span* spans;
  std::int32_t span_count;
  const float* weights;
  const float* ahead;       // weights to fetch into the L2 meanwhile,
  std::int64_t ahead_step;  // so many floats for each product
  const Epilogue* epilogue;
  std::int32_t columns;
  bool first;  // chunk of the sum
  bool last;
  bool joined = false;
};

// sum + a * b in the lanes where b is not -0: that stands for no product, and 0 times NaN would be
// one.
inline Vec add_where_reached(Vec sum, Vec a, Vec b) {
#if CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512F__)
  const __m512i none = _mm512_set1_epi32(INT32_MIN);  // the bits of -0
  const __mmask16 reached = _mm512_cmpneq_epi32_mask(reinterpret_cast<__m512i>(b), none);
  return reinterpret_cast<Vec>(_mm512_mask3_fmadd_ps(reinterpret_cast<__m512>(a),
                                                     reinterpret_cast<__m512>(b),
                                                     reinterpret_cast<__m512>(sum), reached));
#else
  return select(bits(b) != bits(splat(-0.0F)), sum + a * b, sum);
#endif
}

// Adds the products of one word of each pixel, input(m), and a row of weights.
template <bool kJoined, int M, int N, class Input>
CNNFAST_INLINE inline void add_products(Vec (&sum)[M][N], const float* w, Input input) {
  Vec b[N];
  CNNFAST_UNROLL
  for (int n = 0; n < N; ++n) b[n] = load(w + n * kLanes);
  repeat<M>([&](auto m) CNNFAST_INLINE {
    const Vec a = splat_word(input(m));
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) {
      sum[m][n] = kJoined ? add_where_reached(sum[m][n], a, b[n]) : add_product(sum[m][n], a, b[n]);
    }
  });
}

template <bool kJoined, int M, int N>
inline void accumulate(Vec (&sum)[M][N], const TileTask& t) {
  const float* w = t.weights;
  const float* ahead = t.ahead;
  for (std::int32_t r = 0; r < t.span_count; ++r) {
    const float* x[M];
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) x[m] = t.x[m] + t.spans[r].offset;
    const std::int64_t length = t.spans[r].length;
    CNNFAST_UNROLL_FOUR
    for (std::int64_t k = 0; k < length; ++k) {
      add_products<kJoined>(sum, w, [&](int m) CNNFAST_INLINE { return x[m][k]; });
      w += N * kLanes;
      __builtin_prefetch(ahead, 0, 2);
      ahead += t.ahead_step;
    }
  }
}

// The same for evenly spaced pixels, a pointer for some together: where each has one, fetching
// those that are not in a register takes longer than the products of a single vector.
template <bool kJoined, int M>
inline void accumulate_even(Vec (&sum)[M][1], const TileTask& t) {
  constexpr int kTogether = 3;
  constexpr int kPointers = (M + kTogether - 1) / kTogether;
  const std::int64_t step = t.x_step;
  const float* w = t.weights;
  const float* ahead = t.ahead;
  for (std::int32_t r = 0; r < t.span_count; ++r) {
    const float* x[kPointers];
    CNNFAST_UNROLL
    for (int i = 0; i < kPointers; ++i) x[i] = t.x[0] + t.spans[r].offset + kTogether * i * step;
    const std::int64_t length = t.spans[r].length;
    for (std::int64_t k = 0; k < length; ++k) {
      add_products<kJoined>(
          sum, w, [&](int m) CNNFAST_INLINE { return x[m / kTogether][m % kTogether * step + k]; });
      w += kLanes;
      __builtin_prefetch(ahead, 0, 2);
      ahead += t.ahead_step;
    }
  }
}

// Stores the tile's columns; behind the first chunk the output holds the total so far. `kWhole`:
// every vector's lanes are columns.
template <bool kWhole, int M, int N>
inline void finish(Vec (&sum)[M][N], const TileTask& t) {
  const auto lanes = [&](int n) { return kWhole ? kLanes : t.columns - n * kLanes; };
  if (!t.first) {
    CNNFAST_UNROLL
    for (int m = 0; m < M; ++m) {
      CNNFAST_UNROLL
      for (int n = 0; n < N; ++n)
        sum[m][n] = load_lanes(t.out[m] + n * kLanes, lanes(n)) + sum[m][n];
    }
  }
  if (t.last) {
    finish_tile(sum, *t.epilogue, 0, kWhole ? N * kLanes : t.columns,
                [&](int m) { return t.residual[m]; });
  }
  CNNFAST_UNROLL
  for (int m = 0; m < M; ++m) {
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) store_lanes(t.out[m] + n * kLanes, sum[m][n], lanes(n));
  }
}

template <bool kEven, bool kJoined, int M, int N>
void tile(const TileTask& t) {
  Vec sum[M][N];
  CNNFAST_UNROLL
  for (int m = 0; m < M; ++m) {
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) sum[m][n] = Vec{};
  }
  if constexpr (kEven) {
    accumulate_even<kJoined>(sum, t);
  } else {
    accumulate<kJoined>(sum, t);
  }
  if (t.columns == N * kLanes) {
    finish<true>(sum, t);
  } else {
    finish<false>(sum, t);
  }
}

constexpr bool by_even_rows(int vectors) { return kEvenRows > 0 && vectors == 1; }
constexpr std::int64_t most_rows(int vectors) {
  return by_even_rows(vectors) ? kEvenRows : kTileRows;
}

using Tile = void (*)(const TileTask&);

struct Tiles {
  Tile of[kTileRows + 1][kTileVectors + 1];  // by rows and vectors, both from 1
  Tile even[kMostRows + 1];                  // of one vector, evenly spaced
  Tile joined[kMostRows + 1];                // the same, for joined pixels

  void run(const TileTask& t, std::int64_t rows, int vectors) const {
    if (t.joined) {
      joined[rows](t);
    } else {
      (by_even_rows(vectors) && t.x_step != 0 ? even[rows] : of[rows][vectors])(t);
    }
  }
};

template <int M, int N>
constexpr void fill(Tiles& tiles) {
  tiles.of[M][N] = tile<false, false, M, N>;
  if constexpr (N > 1) {
    fill<M, N - 1>(tiles);
  } else if constexpr (M > 1) {
    fill<M - 1, kTileVectors>(tiles);
  }
}

template <int M>
constexpr void fill_single(Tiles& tiles) {
  if constexpr (kEvenRows > 0) tiles.even[M] = tile<true, false, M, 1>;
  if constexpr (Words::kTogether == 1) tiles.joined[M] = tile<(kEvenRows > 0), true, M, 1>;
  if constexpr (M > 1) fill_single<M - 1>(tiles);
}

constexpr Tiles kTiles = [] {
  Tiles tiles = {};
  fill<kTileRows, kTileVectors>(tiles);
  fill_single<kMostRows>(tiles);
  return tiles;
}();

// Rows of one tile after the other, at most so many: as few tiles as can be, of about the same
// size, for a tile of few rows spends its time loading weights.
class EvenTiles {
 public:
  EvenTiles(std::int64_t rows, int vectors) {
    const std::int64_t most = most_rows(vectors);
    const std::int64_t tiles = (rows + most - 1) / most;
    rows_ = rows / tiles;
    longer_ = rows % tiles;
  }

  std::int64_t next() { return rows_ + (longer_-- > 0 ? 1 : 0); }

 private:
  std::int64_t rows_;
  std::int64_t longer_;  // tiles that have one row more
};

// Floats to fetch ahead for each product, so that weights of so many vectors come in the time of
// all tiles and not of the first ones alone.
inline std::int64_t ahead_step(std::int64_t rows, int vectors) {
  const std::int64_t tiles = (rows + most_rows(vectors) - 1) / most_rows(vectors);
  const std::int64_t step = (vectors * kLanes + tiles - 1) / tiles;
  return step < kLineFloats ? step : kLineFloats;
}

// Walks pixels in order: where each one's window, output and residual are.
class PixelWalk {
 public:
  PixelWalk(const ConvTask& t, std::int64_t pixel)
      : task_(t),
        column_(pixel % t.width),
        row_(pixel / t.width % t.height),
        image_(pixel / t.width / t.height),
        even_(is_even(t.x_strides)),
        all_even_(
            even_ && is_even(t.out_strides) &&
            (t.epilogue.residual.numbers == nullptr || is_even(t.epilogue.residual.strides))) {
    find();
  }

  // Pixels to divide into tiles together, of `left`: those that are evenly spaced, where it pays.
  std::int64_t stretch(std::int64_t left, int vectors) const {
    const std::int64_t in_row = task_.width - column_;
    return !by_even_rows(vectors) || even_ || left < in_row ? left : in_row;
  }

  // The next `rows` pixels.
  void fill(TileTask& tile, std::int64_t rows) {
    const bool in_row = column_ + rows <= task_.width;
    tile.x_step = even_ || in_row ? task_.x_strides.pixel : 0;
    if (in_row || all_even_) {
      fill_evenly(tile);
      advance(rows);
      return;
    }
    for (std::int64_t m = 0; m < rows; ++m) {
      tile.x[m] = x_;
      tile.out[m] = out_;
      tile.residual[m] = residual_;
      advance(1);
    }
  }

 private:
  // From row to row and image to image.
  bool is_even(const cnnfast::Strides& s) const {
    return s.row == task_.width * s.pixel && s.image == task_.height * s.row;
  }

  // As many as there may be: a loop of a constant count becomes a few vectors.
  void fill_evenly(TileTask& tile) const {
    for (std::int64_t m = 0; m < kMostRows; ++m) tile.x[m] = x_ + m * task_.x_strides.pixel;
    for (std::int64_t m = 0; m < kMostRows; ++m) tile.out[m] = out_ + m * task_.out_strides.pixel;
    if (task_.epilogue.residual.numbers == nullptr) return;
    const std::int64_t step = task_.epilogue.residual.strides.pixel;
    for (std::int64_t m = 0; m < kMostRows; ++m) tile.residual[m] = residual_ + m * step;
  }

  void advance(std::int64_t pixels) {
    x_ += pixels * task_.x_strides.pixel;
    out_ += pixels * task_.out_strides.pixel;
    residual_ += pixels * task_.epilogue.residual.strides.pixel;
    column_ += pixels;
    if (column_ == task_.width && !all_even_) next_row();
  }

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
    out_ = task_.out + offset(task_.out_strides);
    residual_ = task_.epilogue.residual.numbers + offset(task_.epilogue.residual.strides);
  }

  const ConvTask& task_;
  std::int64_t column_;
  std::int64_t row_;
  std::int64_t image_;
  bool even_;      // the inputs' pixels
  bool all_even_;  // those of outputs and residuals, too
  const float* x_ = nullptr;
  float* out_ = nullptr;
  const float* residual_ = nullptr;
};

// Where number `at` of the column block's weights stands.
inline const float* stored_weights(const ConvTask& t, std::int64_t at) {
  return reinterpret_cast<const float*>(static_cast<const char*>(t.weights) +
                                        at * bytes_of(t.element));
}

// Weights [at, at + n) of the column block in float32: where they are, or widened for all pixels of
// the call.
inline const float* float_weights(const ConvTask& t, std::int64_t at, std::int64_t n) {
  if (t.element == Element::float32) return stored_weights(t, at);
  cnnfast::with_element(t.element, [&]<Element E>() {
    using Weights = Stored<E>;
    widen<Weights>(static_cast<const typename Weights::Number*>(t.weights) + at, t.widened, n);
  });
  return t.widened;
}

// Each pixel is stored.
void conv_pixels(const ConvTask& t, std::int64_t first, std::int64_t last) {
  const int vectors = (t.columns + kLanes - 1) / kLanes;
  TileTask tile_task;
  tile_task.epilogue = &t.epilogue;
  tile_task.columns = t.columns;
  tile_task.joined = t.joined;
  std::int64_t at = 0;
  for (std::int32_t c = t.first_chunk; c < t.last_chunk; ++c) {
    const Chunk& chunk = t.chunks[c];
    const std::int64_t numbers = chunk.depth * vectors * kLanes;
    tile_task.weights = float_weights(t, at, numbers);
    tile_task.spans = t.spans + chunk.first;
    tile_task.span_count = chunk.last - chunk.first;
    tile_task.first = c == 0;
    tile_task.last = c + 1 == t.chunk_count;
    // The next chunk's weights, or the next column block's, come while this one's are in use.
    tile_task.ahead = stored_weights(t, at + numbers);
    const float* end = stored_weights(t, at + 2 * numbers);
    const std::int64_t step = ahead_step(last - first, vectors);
    tile_task.ahead_step = step;
    PixelWalk walk(t, first);
    for (std::int64_t p = first; p < last;) {
      const std::int64_t stretch = walk.stretch(last - p, vectors);
      p += stretch;
      EvenTiles tiles(stretch, vectors);
      for (std::int64_t left = stretch; left > 0;) {
        const std::int64_t rows = tiles.next();
        left -= rows;
        walk.fill(tile_task, rows);
        kTiles.run(tile_task, rows, vectors);
        tile_task.ahead += chunk.depth * step;
        if (tile_task.ahead >= end) tile_task.ahead_step = 0;
      }
    }
    at += numbers;
  }
}

}  // namespace
