// Convolution and, where its epilogue pools, the maximum over 2 x 2 pixels before anything is
// stored.
#pragma once

#include "gemm.hpp"

namespace {

constexpr int kWindowSide = 2;
constexpr int kWindowPixels = kWindowSide * kWindowSide;

// Windows at a time: two register tiles. Pixel p is [window][y][x] of them.
constexpr int kWindows = kTileRows / kWindowSide;

// The two tiles of some windows; their sums go to [pixel][width].
struct WindowTiles {
  TileTask of[kWindowSide];

  WindowTiles(const Epilogue& epilogue, float* sums, std::int64_t width) {
    for (int p = 0; p < kWindowSide * kTileRows; ++p) {
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
    const std::int64_t offsets[kWindowPixels] = {0, strides.pixel, strides.row,
                                                 strides.row + strides.pixel};
    for (int p = 0; p < kWindowPixels * windows; ++p) {
      of[p / kTileRows].x[p % kTileRows] = corners[p / kWindowPixels] + offsets[p % kWindowPixels];
    }
  }

  void run(const ConvTask& t, std::int64_t pixels, int vectors) {
    const auto* weights = static_cast<const float*>(t.weights);
    for (std::int32_t c = 0; c < t.chunk_count; ++c) {
      const Chunk& chunk = t.chunks[c];
      for (int i = 0; i * kTileRows < pixels; ++i) {
        const std::int64_t left = pixels - i * kTileRows;
        of[i].spans = t.spans + chunk.first;
        of[i].span_count = chunk.last - chunk.first;
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

// Pixels [first, last) are windows.
void conv_windows(const ConvTask& t, std::int64_t first, std::int64_t last) {
  const int vectors = (t.columns + kLanes - 1) / kLanes;
  const std::int64_t width = std::int64_t{vectors} * kLanes;
  ConvTask windows = t;
  windows.x_strides.row *= kWindowSide;
  windows.x_strides.pixel *= kWindowSide;
  alignas(CNNFAST_VECTOR_BYTES) float sums[kWindowSide * kTileRows * kTileVectors * kLanes];
  WindowTiles tiles(t.epilogue, sums, width);
  TileTask place;
  PixelWalk walk(windows, first);
  for (std::int64_t p = first; p < last;) {
    const std::int64_t count = last - p < kWindows ? last - p : kWindows;
    p += count;
    walk.fill(place, count);
    tiles.look_at(place.x, count, t.x_strides);
    tiles.run(t, kWindowPixels * count, vectors);
    const float* window = sums;
    for (std::int64_t i = 0; i < count; ++i, window += kWindowPixels * width) {
      for (std::int64_t n = 0; n < width; n += kLanes) {
        const auto sum = [&](int y, int x) {
          return load(window + (kWindowSide * y + x) * width + n);
        };
        store_lanes(place.out[i] + n, pool_sums<kWindowSide>(sum), t.columns - n);
      }
    }
  }
}

void conv(const ConvTask& t, std::int64_t first, std::int64_t last) {
  (t.epilogue.pooling.side == 1 ? conv_pixels : conv_windows)(t, first, last);
}

}  // namespace
