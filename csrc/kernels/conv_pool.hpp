// Convolution and, before anything is stored, the maximum over 2 x 2 pixels of it.
#pragma once

#include "gemm.hpp"

namespace {

// Windows of 2 x 2 pixels at a time: two register tiles. Pixel p is [window][dy][dx] of them.
constexpr int kWindows = kTileRows / 2;

// The maximum of two pixels and the two below them, columns first as in pool.hpp: of equal zeros it
// takes the same.
inline Vec maximum_of_four(Vec a, Vec b, Vec c, Vec d) {
  return larger(larger(a, c), larger(b, d));
}

// The two tiles of some windows; their sums go to [pixel][width].
struct WindowTiles {
  TileTask of[2];

  WindowTiles(const Epilogue& epilogue, float* sums, std::int64_t width) {
    for (int p = 0; p < 2 * kTileRows; ++p) {
      of[p / kTileRows].out[p % kTileRows] = sums + p * width;
      of[p / kTileRows].residual[p % kTileRows] = nullptr;
    }
    for (TileTask& tile : of) {
      tile.x_step = 0;
      tile.epilogue = &epilogue;
      tile.columns = static_cast<std::int32_t>(width);
    }
  }

  // `corners`: each window's upper left pixel.
  void look_at(const float* const* corners, std::int64_t windows, const cnnfast::Strides& strides) {
    const std::int64_t offsets[4] = {0, strides.pixel, strides.row, strides.row + strides.pixel};
    for (int p = 0; p < 4 * windows; ++p) {
      of[p / kTileRows].x[p % kTileRows] = corners[p / 4] + offsets[p % 4];
    }
  }

  void run(const ConvTask& t, std::int64_t pixels, int vectors) {
    const auto* weights = static_cast<const float*>(t.weights);
    for (std::int32_t c = 0; c < t.chunk_count; ++c) {
      const Chunk& chunk = t.chunks[c];
      for (int i = 0; i * kTileRows < pixels; ++i) {
        const std::int64_t left = pixels - i * kTileRows;
        of[i].runs = t.runs + chunk.first;
        of[i].run_count = chunk.last - chunk.first;
        of[i].weights = weights;
        of[i].ahead = weights;
        of[i].ahead_step = 0;
        of[i].first = c == 0;
        of[i].last = c + 1 == t.chunk_count;
        kTiles.run(of[i], left < kTileRows ? left : kTileRows, vectors);
      }
      weights += chunk.depth * vectors * kLanes;
    }
  }
};

// `t` is the task of the pooled output, with weights in float32: its pixels [first, last) are
// windows.
void conv_pool(const ConvTask& t, std::int64_t first, std::int64_t last) {
  const int vectors = (t.columns + kLanes - 1) / kLanes;
  const std::int64_t width = std::int64_t{vectors} * kLanes;
  ConvTask windows = t;
  windows.x_strides.row *= 2;
  windows.x_strides.pixel *= 2;
  alignas(CNNFAST_VECTOR_BYTES) float sums[2 * kTileRows * kTileVectors * kLanes];
  WindowTiles tiles(t.epilogue, sums, width);
  TileTask place;
  PixelWalk walk(windows, first);
  for (std::int64_t p = first; p < last;) {
    const std::int64_t count = last - p < kWindows ? last - p : kWindows;
    p += count;
    walk.fill(place, count);
    tiles.look_at(place.x, count, t.x_strides);
    tiles.run(t, 4 * count, vectors);
    const float* four = sums;
    for (std::int64_t i = 0; i < count; ++i, four += 4 * width) {
      for (std::int64_t n = 0; n < width; n += kLanes) {
        store_lanes(place.out[i] + n,
                    maximum_of_four(load(four + n), load(four + width + n),
                                    load(four + 2 * width + n), load(four + 3 * width + n)),
                    t.columns - n);
      }
    }
  }
}

}  // namespace
