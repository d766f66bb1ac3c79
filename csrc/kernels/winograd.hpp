// Winograd convolution F(m x m, 3 x 3) for m = 2 and 4: m^2 outputs from (m + 2)^2 products where
// the definition takes 9 m^2. A tile of (m + 2)^2 pixels is transformed, multiplied by the
// transformed kernel one position at a time (each a matrix product over the channels), and
// transformed back.
//
// The transforms are Cook and Toom's for the points 0, a, -a, (b, -b,) infinity. F(4) takes
// a = sqrt(1/2) and b = sqrt(2) instead of 1 and 2: the powers of the points then stay closer to 1,
// and so do the rounding errors.
#pragma once

#include "conv_pool.hpp"

namespace {

using cnnfast::WinogradTask;

template <int M>
struct Winograd;

template <>
struct Winograd<2> {
  static constexpr int kSize = 4;

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
struct Winograd<4> {
  static constexpr int kSize = 6;
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
template <int M, class Load, class Store>
inline void transform_input(const float* x, const cnnfast::Strides& strides, float* out,
                            std::int64_t step, Load load_lanes, Store store_lanes) {
  constexpr int kSize = Winograd<M>::kSize;
  Vec half[kSize][kSize];
  for (int column = 0; column < kSize; ++column) {
    Vec in[kSize];
    Vec done[kSize];
    for (int row = 0; row < kSize; ++row) {
      in[row] = load_lanes(x + row * strides.row + column * strides.pixel);
    }
    Winograd<M>::input(in, done);
    for (int row = 0; row < kSize; ++row) half[row][column] = done[row];
  }
  for (int row = 0; row < kSize; ++row) {
    Vec done[kSize];
    Winograd<M>::input(half[row], done);
    for (int column = 0; column < kSize; ++column) {
      store_lanes(out + (row * kSize + column) * step, done[column]);
    }
  }
}

template <int M>
void winograd_input(const WinogradTask& t) {
  const std::int64_t whole = t.channels / kLanes * kLanes;
  const std::int64_t rest = t.channels - whole;
  for (std::int64_t i = 0; i < t.count; ++i) {
    const TilePlace place(t, t.first + i);
    const float* x = t.x + place.image * t.x_strides.image +
                     (place.y * t.x_strides.row + place.x * t.x_strides.pixel) * M;
    float* out = t.transformed + i * t.channels;
    for (std::int64_t c = 0; c < whole; c += kLanes) {
      transform_input<M>(x + c, t.x_strides, out + c, t.transformed_step, load, store);
    }
    if (rest > 0) {
      transform_input<M>(
          x + whole, t.x_strides, out + whole, t.transformed_step,
          [rest](const float* p) { return load_first(p, rest); },
          [rest](float* p, Vec v) { store_first(p, v, rest); });
    }
  }
}

// Products of one column block: [position][tile][vectors * lanes].
inline void winograd_multiply(const WinogradTask& t, int positions, int vectors) {
  const std::int64_t width = std::int64_t{vectors} * kLanes;
  const Run run = {0, t.channels};
  TileTask task;
  task.x_step = t.channels;
  task.runs = &run;
  task.run_count = 1;
  task.columns = static_cast<std::int32_t>(width);
  task.first = true;  // no epilogue yet
  task.last = false;
  for (int position = 0; position < positions; ++position) {
    const float* x = t.transformed + position * t.transformed_step;
    float* out = t.product + position * t.product_step;
    task.weights = t.weights + position * t.channels * width;
    task.ahead = task.weights + t.channels * width;
    const float* end = task.ahead + t.channels * width;
    const std::int64_t step = ahead_step(t.count, vectors);
    task.ahead_step = step;
    EvenTiles tiles(t.count, vectors);
    for (std::int64_t i = 0; i < t.count;) {
      const std::int64_t rows = tiles.next();
      for (std::int64_t m = 0; m < rows; ++m, ++i) {
        task.x[m] = x + i * t.channels;
        task.out[m] = out + i * width;
      }
      kTiles.run(task, rows, vectors);
      task.ahead += t.channels * step;
      if (task.ahead >= end) task.ahead_step = 0;
    }
  }
}

template <int M>
inline void transform_output(const float* x, std::int64_t step, Vec (&out)[M][M]) {
  constexpr int kSize = Winograd<M>::kSize;
  Vec half[M][kSize];
  for (int column = 0; column < kSize; ++column) {
    Vec in[kSize];
    Vec done[M];
    for (int row = 0; row < kSize; ++row) in[row] = load(x + (row * kSize + column) * step);
    Winograd<M>::output(in, done);
    for (int row = 0; row < M; ++row) half[row][column] = done[row];
  }
  for (int row = 0; row < M; ++row) Winograd<M>::output(half[row], out[row]);
}

// Where a tile's outputs go: one vector of channels of M x M pixels, cut off at the image's edge.
template <int M>
struct TileOutput {
  float* corner;
  const float* residual;
  std::int64_t rows;
  std::int64_t columns;

  TileOutput(const WinogradTask& t, const TilePlace& place)
      : rows(t.height - place.y * M < M ? t.height - place.y * M : M),
        columns(t.width - place.x * M < M ? t.width - place.x * M : M) {
    const std::int64_t step = t.pooled ? M / 2 : M;
    const auto offset = [&](const cnnfast::Strides& s) {
      return place.image * s.image + (place.y * s.row + place.x * s.pixel) * step;
    };
    corner = t.out + offset(t.out_strides);
    residual = t.epilogue.residual + offset(t.epilogue.residual_strides);
  }

  void finish(const WinogradTask& t, std::int64_t channel, std::int64_t y, Vec (&row)[M][1]) const {
    const cnnfast::Strides& strides = t.epilogue.residual_strides;
    // Pixels behind the edge are not stored; their residual is read from the last one.
    finish_tile(row, t.epilogue, channel, t.columns - channel, [&](int x) {
      const std::int64_t inside = x < columns ? x : columns - 1;
      return residual + y * strides.row + inside * strides.pixel + channel;
    });
  }

  void store(const WinogradTask& t, std::int64_t channel, const Vec (&tile)[M][M]) const {
    for (std::int64_t y = 0; y < rows; ++y) {
      Vec row[M][1];
      for (int x = 0; x < M; ++x) row[x][0] = tile[y][x];
      finish(t, channel, y, row);
      for (std::int64_t x = 0; x < columns; ++x) {
        store_lanes(corner + y * t.out_strides.row + x * t.out_strides.pixel + channel, row[x][0],
                    t.columns - channel);
      }
    }
  }

  void store_maxima(const WinogradTask& t, std::int64_t channel, const Vec (&tile)[M][M]) const {
    for (std::int64_t y = 0; y < rows; y += 2) {
      Vec upper[M][1];
      Vec lower[M][1];
      for (int x = 0; x < M; ++x) {
        upper[x][0] = tile[y][x];
        lower[x][0] = tile[y + 1][x];
      }
      finish(t, channel, y, upper);
      finish(t, channel, y + 1, lower);
      for (std::int64_t x = 0; x < columns; x += 2) {
        store_lanes(corner + y / 2 * t.out_strides.row + x / 2 * t.out_strides.pixel + channel,
                    maximum_of_four(upper[x][0], upper[x + 1][0], lower[x][0], lower[x + 1][0]),
                    t.columns - channel);
      }
    }
  }
};

// Multiplies one column block and writes its outputs.
template <int M>
void winograd_output(const WinogradTask& t) {
  const int vectors = (t.columns + kLanes - 1) / kLanes;
  const std::int64_t width = std::int64_t{vectors} * kLanes;
  winograd_multiply(t, Winograd<M>::kSize * Winograd<M>::kSize, vectors);
  for (std::int64_t i = 0; i < t.count; ++i) {
    const TileOutput<M> output(t, TilePlace(t, t.first + i));
    for (int v = 0; v < vectors; ++v) {
      const std::int64_t channel = std::int64_t{v} * kLanes;
      Vec tile[M][M];
      transform_output<M>(t.product + i * width + channel, t.product_step, tile);
      if (t.pooled) {
        output.store_maxima(t, channel, tile);
      } else {
        output.store(t, channel, tile);
      }
    }
  }
}

}  // namespace
