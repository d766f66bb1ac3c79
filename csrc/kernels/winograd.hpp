// Winograd convolution F(m x m, r x r): m^2 outputs from (m + r - 1)^2 products where the
// definition takes r^2 m^2. A tile of (m + r - 1)^2 pixels is transformed, multiplied by the
// transformed kernel one position at a time (each a matrix product over the channels), and
// transformed back. A form for windows of one row or column does so along one axis.
//
// The transforms are Cook and Toom's for the points 0, a, -a, (b, -b,) infinity; that of the input
// depends on them alone. Tiles of 6 take a = sqrt(1/2) and b = sqrt(2) instead of 1 and 2: the
// powers of the points then stay closer to 1, and so do the rounding errors.
#pragma once

#include "gemm.hpp"

namespace {

using cnnfast::WinogradTask;

// Along one axis, for tiles of so many pixels.
template <int kSize>
struct Transform;

template <>
struct Transform<1> {
  static void input(const Vec (&x)[1], Vec (&y)[1]) { y[0] = x[0]; }
  static void output(const Vec (&x)[1], Vec (&y)[1]) { y[0] = x[0]; }
};

template <>
struct Transform<4> {
  static void input(const Vec (&x)[4], Vec (&y)[4]) {
    y[0] = x[2] - x[0];
    y[1] = x[2] + x[1];
    y[2] = x[2] - x[1];
    y[3] = x[3] - x[1];
  }

  static void output(const Vec (&x)[4], Vec (&y)[2]) {
    y[0] = x[0] + x[1] + x[2];
    y[1] = x[1] - x[2] + x[3];
  }
};

template <>
struct Transform<6> {
  static constexpr float kA = 0.707106781F;
  static constexpr float kB = 1.41421356F;

  static void input(const Vec (&x)[6], Vec (&y)[6]) {
    const Vec even_a = x[4] - splat(2.0F) * x[2];
    const Vec odd_a = splat(kA) * x[3] - splat(2 * kA) * x[1];
    const Vec even_b = x[4] - splat(0.5F) * x[2];
    const Vec odd_b = splat(kB) * x[3] - splat(0.5F * kB) * x[1];
    y[0] = x[0] - splat(2.5F) * x[2] + x[4];
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = x[1] - splat(2.5F) * x[3] + x[5];
  }

  static void output(const Vec (&x)[6], Vec (&y)[2]) {
    y[0] = x[0] + (x[1] + x[2]) + (x[3] + x[4]);
    y[1] = splat(kA) * (x[1] - x[2]) + splat(kB) * (x[3] - x[4]) + x[5];
  }

  static void output(const Vec (&x)[6], Vec (&y)[4]) {
    const Vec sum_a = x[1] + x[2];
    const Vec difference_a = x[1] - x[2];
    const Vec sum_b = x[3] + x[4];
    const Vec difference_b = x[3] - x[4];
    y[0] = x[0] + sum_a + sum_b;
    y[1] = splat(kA) * difference_a + splat(kB) * difference_b;
    y[2] = splat(0.5F) * sum_a + splat(2.0F) * sum_b;
    y[3] = splat(0.5F * kA) * difference_a + splat(2 * kB) * difference_b + x[5];
  }
};

// A tile of kRows x kColumns pixels, for kOutputRows x kOutputColumns outputs.
template <int kOutputsY, int kOutputsX, int kTapsY, int kTapsX>
struct Form {
  static constexpr int kOutputRows = kOutputsY;
  static constexpr int kOutputColumns = kOutputsX;
  static constexpr int kRows = kOutputsY + kTapsY - 1;
  static constexpr int kColumns = kOutputsX + kTapsX - 1;
};

struct TilePlace {
  std::int64_t image;
  std::int64_t y;  // in tiles
  std::int64_t x;

  TilePlace(const WinogradTask& t, std::int64_t tile)
      : image(tile / (t.tiles_y * t.tiles_x)),
        y(tile / t.tiles_x % t.tiles_y),
        x(tile % t.tiles_x) {}
};

// One tile, some channels: load(pointer) and store(pointer, vector) cut off behind the last.
template <class F, class Load, class Store>
inline void transform_input(const float* x, const cnnfast::Strides& strides, float* out,
                            std::int64_t step, Load load_lanes, Store store_lanes) {
  Vec half[F::kRows][F::kColumns];
  for (int column = 0; column < F::kColumns; ++column) {
    Vec in[F::kRows];
    Vec done[F::kRows];
    for (int row = 0; row < F::kRows; ++row) {
      in[row] = load_lanes(x + row * strides.row + column * strides.pixel);
    }
    Transform<F::kRows>::input(in, done);
    for (int row = 0; row < F::kRows; ++row) half[row][column] = done[row];
  }
  for (int row = 0; row < F::kRows; ++row) {
    Vec done[F::kColumns];
    Transform<F::kColumns>::input(half[row], done);
    for (int column = 0; column < F::kColumns; ++column) {
      store_lanes(out + (row * F::kColumns + column) * step, done[column]);
    }
  }
}

template <class F, class To>
void winograd_input(const WinogradTask& t) {
  const std::int64_t whole = t.channels / kLanes * kLanes;
  const std::int64_t rest = t.channels - whole;
  for (std::int64_t tile = t.first; tile < t.last; ++tile) {
    const TilePlace place(t, tile);
    const float* x = t.x + place.image * t.x_strides.image +
                     place.y * F::kOutputRows * t.x_strides.row +
                     place.x * F::kOutputColumns * t.x_strides.pixel;
    float* out = t.transformed + (tile - t.first) * words_of<To>(t.channels);
    for (std::int64_t c = 0; c < whole; c += kLanes) {
      transform_input<F>(x + c, t.x_strides, out + c / To::kTogether, t.transformed_step, load,
                         To::store);
    }
    if (rest > 0) {
      transform_input<F>(
          x + whole, t.x_strides, out + whole / To::kTogether, t.transformed_step,
          [rest](const float* p) { return load_first(p, rest); },
          [rest](float* p, Vec v) { To::store_first(p, v, rest); });
    }
  }
}

// Products of one column block: [position][tile][vectors * lanes].
inline void winograd_multiply(const WinogradTask& t, int positions, int vectors) {
  const std::int64_t width = std::int64_t{vectors} * kLanes;
  const std::int64_t count = t.last - t.first;
  const std::int64_t depth = words_of<Words>(t.channels);
  const Span span = {0, depth};
  TileTask task;
  task.x_step = depth;
  task.spans = &span;
  task.span_count = 1;
  task.columns = static_cast<std::int32_t>(width);
  task.first = true;  // no epilogue yet
  task.last = false;
  for (int position = 0; position < positions; ++position) {
    const float* x = t.transformed + position * t.transformed_step;
    float* out = t.product + position * t.product_step;
    task.weights = t.weights + position * depth * width;
    task.ahead = task.weights + depth * width;
    const float* end = task.ahead + depth * width;
    const std::int64_t step = ahead_step(count, vectors);
    task.ahead_step = step;
    EvenTiles tiles(count, vectors);
    for (std::int64_t i = 0; i < count;) {
      const std::int64_t rows = tiles.next();
      for (std::int64_t m = 0; m < rows; ++m, ++i) {
        task.x[m] = x + i * depth;
        task.out[m] = out + i * width;
      }
      kTiles.run(task, rows, vectors);
      task.ahead += depth * step;
      if (task.ahead >= end) task.ahead_step = 0;
    }
  }
}

template <class F>
inline void transform_output(const float* x, std::int64_t step,
                             Vec (&out)[F::kOutputRows][F::kOutputColumns]) {
  Vec half[F::kOutputRows][F::kColumns];
  for (int column = 0; column < F::kColumns; ++column) {
    Vec in[F::kRows];
    Vec done[F::kOutputRows];
    for (int row = 0; row < F::kRows; ++row)
      in[row] = load(x + (row * F::kColumns + column) * step);
    Transform<F::kRows>::output(in, done);
    for (int row = 0; row < F::kOutputRows; ++row) half[row][column] = done[row];
  }
  for (int row = 0; row < F::kOutputRows; ++row) {
    Transform<F::kColumns>::output(half[row], out[row]);
  }
}

// Where a tile's outputs go: one vector of channels of kHeight x kWidth pixels, cut off at the
// image's edge, of which kSide x kSide are stored as one.
template <int kHeight, int kWidth, int kSide>
struct TileOutput {
  static_assert(kHeight % kSide == 0 && kWidth % kSide == 0);
  using Row = Vec[kWidth][1];
  using Tile = Vec[kHeight][kWidth];

  float* corner;
  const float* residual;
  std::int64_t rows;
  std::int64_t columns;

  TileOutput(const WinogradTask& t, const TilePlace& place)
      : rows(inside(kSide * t.height - place.y * kHeight, kHeight)),
        columns(inside(kSide * t.width - place.x * kWidth, kWidth)) {
    const auto offset = [&](const cnnfast::Strides& s) {
      return place.image * s.image + place.y * (kHeight / kSide) * s.row +
             place.x * (kWidth / kSide) * s.pixel;
    };
    corner = t.out + offset(t.out_strides);
    residual = t.epilogue.residual.numbers + offset(t.epilogue.residual.strides);
  }

  static std::int64_t inside(std::int64_t left, std::int64_t size) {
    return left < size ? left : size;
  }

  void finish(const WinogradTask& t, std::int64_t channel, std::int64_t y, Row& row) const {
    const cnnfast::Strides& strides = t.epilogue.residual.strides;
    // Pixels behind the edge are not stored; their residual is read from the last one.
    finish_tile(row, t.epilogue, channel, t.columns - channel, [&](int x) {
      const std::int64_t column = x < columns ? x : columns - 1;
      return residual + y * strides.row + column * strides.pixel + channel;
    });
  }

  void store(const WinogradTask& t, std::int64_t channel, const Tile& tile) const {
    for (std::int64_t y = 0; y < rows; y += kSide) {
      Row row[kSide];
      CNNFAST_UNROLL
      for (int i = 0; i < kSide; ++i) {
        for (int x = 0; x < kWidth; ++x) row[i][x][0] = tile[y + i][x];
        finish(t, channel, y + i, row[i]);
      }
      for (std::int64_t x = 0; x < columns; x += kSide) {
        float* out =
            corner + y / kSide * t.out_strides.row + x / kSide * t.out_strides.pixel + channel;
        const auto sum = [&](int i, int j) { return row[i][x + j][0]; };
        store_lanes(out, pool_sums<kSide>(sum), t.columns - channel);
      }
    }
  }
};

// The outputs of a column block whose products are there.
template <class F, int kSide>
void store_tiles(const WinogradTask& t, int vectors) {
  const std::int64_t width = std::int64_t{vectors} * kLanes;
  for (std::int64_t i = 0; i < t.last - t.first; ++i) {
    const TileOutput<F::kOutputRows, F::kOutputColumns, kSide> output(t, TilePlace(t, t.first + i));
    for (int v = 0; v < vectors; ++v) {
      const std::int64_t channel = std::int64_t{v} * kLanes;
      Vec tile[F::kOutputRows][F::kOutputColumns];
      transform_output<F>(t.product + i * width + channel, t.product_step, tile);
      output.store(t, channel, tile);
    }
  }
}

// Multiplies one column block and writes its outputs.
template <class F>
void winograd_output(const WinogradTask& t) {
  const int vectors = (t.columns + kLanes - 1) / kLanes;
  winograd_multiply(t, F::kRows * F::kColumns, vectors);
  if constexpr (F::kOutputRows % 2 == 0 && F::kOutputColumns % 2 == 0) {
    if (t.epilogue.pooling.side == 2) return store_tiles<F, 2>(t, vectors);
  }
  store_tiles<F, 1>(t, vectors);
}

template <class To, int kOutputsY, int kOutputsX, int kTapsY, int kTapsX>
constexpr cnnfast::WinogradKernels kWinograd = {
    kOutputsY,
    kOutputsX,
    kTapsY,
    kTapsX,
    winograd_input<Form<kOutputsY, kOutputsX, kTapsY, kTapsX>, To>,
    winograd_output<Form<kOutputsY, kOutputsX, kTapsY, kTapsX>>,
};

// All forms, whose transformed inputs are of such words.
template <class To>
constexpr void list_forms(cnnfast::WinogradKernels (&forms)[cnnfast::kWinogradForms]) {
  forms[0] = kWinograd<To, 2, 2, 3, 3>;
  forms[1] = kWinograd<To, 4, 4, 3, 3>;
  forms[2] = kWinograd<To, 2, 2, 5, 5>;
  forms[3] = kWinograd<To, 1, 4, 1, 3>;
  forms[4] = kWinograd<To, 4, 1, 3, 1>;
  forms[5] = kWinograd<To, 1, 2, 1, 5>;
  forms[6] = kWinograd<To, 2, 1, 5, 1>;
}

}  // namespace
