// Depthwise convolution of bytes: each channel alone, exact sums of 32 bits. Bytes of several taps
// are interleaved, so that one instruction multiplies them and adds them up: four taps where there
// is one for bytes (VNNI), else two as numbers of 16 bits. Interleaved rows serve all windows that
// a pixel is in, along the row and in two rows of the output.
#pragma once

#include "byte_products.hpp"
#include "byte_rounding.hpp"
#include "tuning.hpp"

namespace {

using cnnfast::QuantizedDepthwiseTask;

constexpr int kTapsTogether = kByteProducts ? 4 : 2;

// As many sums as fill half of the registers.
constexpr int kSlidingPixels = CNNFAST_VECTOR_BYTES == 64 ? 4 : 2;

// Done for all rows together: weights of at most so many bytes, which stay in the L1.
constexpr std::int64_t kDepthwiseWeightBytes = 12 * 1024;

// Adds the products of the taps of a group, for a quarter of the channels.
CNNFAST_INLINE inline IntVec add_taps(IntVec sum, IntVec taps, IntVec weights) {
  sum = add_products_of(sum, taps, weights);
  // Else GCC adds the products of all groups in another order, and keeps them in memory until then.
#if (CNNFAST_VECTOR_BYTES == 64 && defined(__AVX512F__)) || \
    (CNNFAST_VECTOR_BYTES == 32 && defined(__AVX2__)) ||    \
    (CNNFAST_VECTOR_BYTES == 16 && defined(__SSE2__))
  asm("" : "+v"(sum));
#elif defined(__aarch64__)
  asm("" : "+w"(sum));
#endif
  return sum;
}

// Both quarters of a half of the bytes of a group's taps.
struct TapGroup {
  IntVec quarter[2];
};

template <int half>
CNNFAST_INLINE inline TapGroup interleave_taps(const Bytes (&taps)[kTapsTogether]) {
  const Bytes first = interleave<half>(taps[0], taps[1]);
  if constexpr (kTapsTogether == 2) {
    return {{ints(widen<0>(first)), ints(widen<1>(first))}};
  } else {
    const Shorts low = shorts(first);
    const Shorts high = shorts(interleave<half>(taps[2], taps[3]));
    return {{ints(interleave<0>(low, high)), ints(interleave<1>(low, high))}};
  }
}

// A vector of channels, and what belongs to it.
struct DepthwiseVector {
  std::int64_t first;  // channel
  std::int64_t count;
  std::int64_t at;  // in the arrays by channel
  const std::int32_t* weights;
};

// Vector `index`. The last one begins where it is full, if there are so many channels.
inline DepthwiseVector vector_of(const QuantizedDepthwiseTask& t, std::int64_t index,
                                 std::int64_t groups) {
  DepthwiseVector v = {index * kBytes, kBytes, index * kBytes, nullptr};
  if (v.first + kBytes > t.channels) {
    v.first = t.channels < kBytes ? 0 : t.channels - kBytes;
    v.count = t.channels - v.first;
  }
  v.weights = static_cast<const std::int32_t*>(t.weights) + index * groups * kBytes;
  return v;
}

// A window of K x K neighbouring pixels: P pixels of the output in each of R rows. Windows are S
// pixels apart, and have none in common where S is K.
template <int K, int S, int R, int P>
[[gnu::noinline]] void sliding_bytes(const QuantizedDepthwiseTask& t, const DepthwiseVector& v,
                                     const std::uint8_t* x, std::int64_t out) {
  constexpr bool kApart = S == K;
  constexpr int kInputs = kApart ? P * K : (P - 1) * S + K;
  constexpr int kRows = K + R - 1;
  constexpr int kGroups = (kRows + kTapsTogether - 1) / kTapsTogether;
  const std::int64_t column = t.taps[1] - t.taps[0];
  const std::int64_t row = t.taps[K] - t.taps[0];
  x += v.first;
  Shorts finished[2][R][P];
  repeat<2>([&](auto half) CNNFAST_INLINE {
    IntVec sum[R][P][2];
    repeat<R * P * 2>([&](auto i) CNNFAST_INLINE {
      sum[i / 2 / P][i / 2 % P][i % 2] = load_ints(t.bias + v.at + (half * 2 + i % 2) * kLanes);
    });
    repeat<kGroups>([&](auto g) CNNFAST_INLINE {
      const std::uint8_t* const top = x + g * kTapsTogether * row;
      const std::int32_t* const weights = v.weights + g * K * kBytes + half * 2 * kLanes;
      repeat<kInputs>([&](auto i) CNNFAST_INLINE {
        const std::uint8_t* const in =
            top + (kApart ? i / K * t.x_pixel + i % K * column : i * column);
        Bytes taps[kTapsTogether] = {};
        repeat<kTapsTogether>([&](auto y) CNNFAST_INLINE {
          if constexpr (g * kTapsTogether + y < kRows) taps[y] = load(in + y * row);
        });
        const TapGroup group = interleave_taps<half>(taps);
        repeat<K>([&](auto k) CNNFAST_INLINE {
          // Of the window where input i meets weight k.
          constexpr int kOffset = kApart ? (i % K == k ? i / K * S : -1) : i - k;
          if constexpr (kOffset >= 0 && kOffset % S == 0 && kOffset / S < P) {
            repeat<R * 2>([&](auto rq) CNNFAST_INLINE {
              IntVec& to = sum[rq / 2][kOffset / S][rq % 2];
              const std::int32_t* const w =
                  weights + (rq / 2 * kGroups * K + k) * kBytes + rq % 2 * kLanes;
              to = add_taps(to, group.quarter[rq % 2], load_ints(w));
            });
          }
        });
      });
    });
    repeat<R * P>([&](auto i) CNNFAST_INLINE {
      Vec r[2];
      repeat<2>([&](auto q) CNNFAST_INLINE {
        r[q] = floats_of(sum[i / P][i % P][q]) *
               load(t.rounding.multiplier + v.at + (half * 2 + q) * kLanes);
      });
      finished[half][i / P][i % P] = nearest_integers(r[0], r[1], t.rounding.zero_point);
    });
  });
  const Bytes lowest = load(t.lowest + v.first);
  const Bytes highest = load(t.highest + v.first);
  auto* const to = static_cast<std::uint8_t*>(t.out) + out + v.first;
  repeat<R * P>([&](auto i) CNNFAST_INLINE {
    const Bytes bytes = pack(finished[0][i / P][i % P], finished[1][i / P][i % P]);
    store(to + i / P * t.out_row + i % P * t.out_pixel, smaller(larger(bytes, lowest), highest));
  });
}

// f.template operator()<P>() where P is `pixels`, which is one or all that a tile has.
template <class F>
inline void call_with_pixels(std::int64_t pixels, const F& f) {
  if (pixels == kSlidingPixels) return f.template operator()<kSlidingPixels>();
  f.template operator()<1>();
}

// Pixels [first, first + pixels) of a row.
struct SlidingTile {
  std::int64_t first;
  std::int64_t pixels;
};

// The next one of a row of `width`, from `first` on. Of several that are left and fewer than a
// tile, it is the last whole one, with pixels before them once more.
inline SlidingTile next_tile(std::int64_t first, std::int64_t width) {
  const std::int64_t left = width - first;
  if (left >= kSlidingPixels) return {first, kSlidingPixels};
  if (left > 1 && width >= kSlidingPixels) return {width - kSlidingPixels, kSlidingPixels};
  return {first, 1};
}

// Rows from `y` on of the output, R of them, for vectors [first, last) of channels.
template <int K, int S, int R>
inline void slide_rows(const QuantizedDepthwiseTask& t, std::int64_t y, std::int64_t first,
                       std::int64_t last, std::int64_t groups) {
  for (std::int64_t done = 0; done < t.width;) {
    const SlidingTile tile = next_tile(done, t.width);
    const std::uint8_t* const x = t.x + y * t.x_row + tile.first * t.x_pixel;
    const std::int64_t out = y * t.out_row + tile.first * t.out_pixel;
    call_with_pixels(tile.pixels, [&]<int P>() {
      for (std::int64_t i = first; i < last; ++i) {
        sliding_bytes<K, S, R, P>(t, vector_of(t, i, groups), x, out);
      }
    });
    done = tile.first + tile.pixels;
  }
}

template <int K, int S>
inline void slide_bytes(const QuantizedDepthwiseTask& t) {
  constexpr int kColumn = kTapsTogether;  // taps of a group
  const std::int64_t groups =
      t.sliding_rows * ((K + t.sliding_rows - 1 + kColumn - 1) / kColumn) * K;
  const std::int64_t vectors = (t.channels + kBytes - 1) / kBytes;
  const std::int64_t fitting = kDepthwiseWeightBytes / (groups * kBytes * 4);
  const std::int64_t step = fitting > 1 ? fitting : 1;
  for (std::int64_t first = 0; first < vectors; first += step) {
    const std::int64_t last = first + step < vectors ? first + step : vectors;
    std::int64_t y = 0;
    if (t.sliding_rows == 2) {
      for (; y + 2 <= t.height; y += 2) slide_rows<K, S, 2>(t, y, first, last, groups);
    }
    for (; y < t.height; ++y) slide_rows<K, S, 1>(t, y, first, last, groups);
  }
}

// A pixel with any window; load_tap(pointer to a pixel) gives the bytes of the vector.
template <class LoadTap>
inline void any_window(const QuantizedDepthwiseTask& t, const DepthwiseVector& v,
                       const std::uint8_t* x, std::int64_t out, LoadTap load_tap) {
  IntVec sum[2][2];
  repeat<4>([&](auto q)
                CNNFAST_INLINE { sum[q / 2][q % 2] = load_ints(t.bias + v.at + q * kLanes); });
  const std::int32_t* w = v.weights;
  for (std::int32_t tap = 0; tap < t.tap_count; tap += kTapsTogether, w += kBytes) {
    Bytes taps[kTapsTogether] = {};
    for (int i = 0; i < kTapsTogether; ++i) {
      if (tap + i < t.tap_count) taps[i] = load_tap(x + t.taps[tap + i]);
    }
    repeat<2>([&](auto half) CNNFAST_INLINE {
      const TapGroup group = interleave_taps<half>(taps);
      repeat<2>([&](auto q) CNNFAST_INLINE {
        sum[half][q] =
            add_taps(sum[half][q], group.quarter[q], load_ints(w + (half * 2 + q) * kLanes));
      });
    });
  }
  const auto bounded = [&](auto q) CNNFAST_INLINE {
    return bounded_channels(floats_of(sum[q / 2][q % 2]), t.rounding, v.at, q);
  };
  if (t.rounding.to_bytes) {
    const Bytes bytes = nearest_bytes_of(t.rounding.zero_point, bounded);
    return store_lanes(static_cast<std::uint8_t*>(t.out) + out + v.first, bytes, v.count);
  }
  auto* const to = static_cast<float*>(t.out) + out + v.first;
  repeat<kQuarters>([&](auto q) { store_quarter(to, bounded(q), q, v.count); });
}

// Of the channels that a vector of outputs reads, each as often as it has outputs.
inline Bytes load_repeated(const std::uint8_t* x, const DepthwiseVector& v,
                           std::int64_t multiplier) {
  Bytes bytes = {};
  for (std::int64_t i = 0; i < v.count; ++i) bytes[i] = x[(v.first + i) / multiplier];
  return bytes;
}

inline void any_windows(const QuantizedDepthwiseTask& t) {
  const std::int64_t groups = (t.tap_count + kTapsTogether - 1) / kTapsTogether;
  for (std::int64_t index = 0; index * kBytes < t.channels; ++index) {
    const DepthwiseVector v = vector_of(t, index, groups);
    for (std::int64_t pixel = 0; pixel < t.height * t.width; ++pixel) {
      const std::uint8_t* x = t.x + pixel / t.width * t.x_row + pixel % t.width * t.x_pixel;
      const std::int64_t out = pixel / t.width * t.out_row + pixel % t.width * t.out_pixel;
      if (t.multiplier != 1) {
        any_window(t, v, x, out,
                   [&](const std::uint8_t* p) { return load_repeated(p, v, t.multiplier); });
      } else {
        any_window(t, v, x, out,
                   [&](const std::uint8_t* p) { return load_lanes(p + v.first, v.count); });
      }
    }
  }
}

// A number for each size and stride, which are small.
constexpr int sliding_form(int size, int stride) { return size * 16 + stride; }

void quantized_depthwise(const QuantizedDepthwiseTask& t) {
  switch (sliding_form(t.sliding_size, t.sliding_stride)) {
    case sliding_form(3, 1): return slide_bytes<3, 1>(t);
    case sliding_form(3, 2): return slide_bytes<3, 2>(t);
    case sliding_form(3, 3): return slide_bytes<3, 3>(t);
    case sliding_form(5, 1): return slide_bytes<5, 1>(t);
    case sliding_form(5, 2): return slide_bytes<5, 2>(t);
    default: return any_windows(t);
  }
}

}  // namespace
