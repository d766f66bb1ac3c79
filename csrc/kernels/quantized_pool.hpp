// Pooling of bytes over windows already clipped to the image, and means of columns. A maximum is
// first that of the rows of all windows beside each other, then of the columns of each; an average
// is rounded once, from the exact sum of its window.
#pragma once

#include "byte_rounding.hpp"
#include "tuning.hpp"

namespace {

using cnnfast::ByteRounding;
using cnnfast::QuantizedMeanTask;
using cnnfast::QuantizedPoolRow;

// The largest of N vectors: of `count` of them, `step` bytes from each other.
template <int N>
CNNFAST_INLINE inline void largest_vectors(const std::uint8_t* x, std::int64_t step,
                                           std::int64_t count, std::uint8_t* out) {
  Bytes most[N];
  repeat<N>([&](auto v) CNNFAST_INLINE { most[v] = load(x + v * kBytes); });
  for (std::int64_t i = 1; i < count; ++i) {
    x += step;
    repeat<N>([&](auto v) CNNFAST_INLINE { most[v] = larger(most[v], load(x + v * kBytes)); });
  }
  repeat<N>([&](auto v) CNNFAST_INLINE { store(out + v * kBytes, most[v]); });
}

// out[j] = the largest of x[i * step + j], i < count, j < n. Here as below the last vector of
// several has some numbers of the one before once more, as fewer than a vector take longer.
CNNFAST_INLINE inline void largest_bytes(const std::uint8_t* x, std::int64_t step,
                                         std::int64_t count, std::uint8_t* out, std::int64_t n) {
  constexpr int kVectors = 4;
  std::int64_t at = 0;
  for (; at + kVectors * kBytes <= n; at += kVectors * kBytes) {
    largest_vectors<kVectors>(x + at, step, count, out + at);
  }
  for (; at + kBytes <= n; at += kBytes) largest_vectors<1>(x + at, step, count, out + at);
  if (at == n) return;
  if (at > 0) return largest_vectors<1>(x + n - kBytes, step, count, out + n - kBytes);
  Bytes most = load_first(x, n);
  for (std::int64_t i = 1; i < count; ++i) most = larger(most, load_first(x + i * step, n));
  store_first(out, most, n);
}

// The same with the counts of common windows as constants.
inline void largest_of(const std::uint8_t* x, std::int64_t step, std::int64_t count,
                       std::uint8_t* out, std::int64_t n) {
  switch (count) {
    case 2: return largest_bytes(x, step, 2, out, n);
    case 3: return largest_bytes(x, step, 3, out, n);
    default: return largest_bytes(x, step, count, out, n);
  }
}

// The largest of the rows, of columns [first, last).
inline void largest_rows(const QuantizedPoolRow& t, std::int64_t first, std::int64_t last) {
  const bool together = t.x_pixel == t.channels;
  const std::int64_t pixels = together ? last - first : 1;
  for (std::int64_t x = first; x < last; x += pixels) {
    largest_of(t.x + x * t.x_pixel, t.x_row, t.rows, t.columns + x * t.channels,
               pixels * t.channels);
  }
}

void quantized_max_pool(const QuantizedPoolRow& t) {
  const std::int64_t strip = kPooledFloats * 4 / t.channels;
  const std::uint8_t* x = t.rows > 1 ? t.columns : t.x;
  const std::int64_t pixel = t.rows > 1 ? t.channels : t.x_pixel;
  std::int64_t done = 0;  // columns
  for (std::int64_t i = 0; i < t.width; ++i) {
    const cnnfast::Taps& taps = t.taps[i];
    const std::int64_t end = taps.first + (taps.count - 1) * t.dilation + 1;
    if (t.rows > 1 && done < end) {
      // Of dilated windows that begin in the padding a later one may read columns before these.
      if (t.dilation == 1 && done < taps.first) done = taps.first;
      std::int64_t next = done + strip < t.x_width ? done + strip : t.x_width;
      if (next < end) next = end;
      largest_rows(t, done, next);
      done = next;
    }
    largest_of(x + taps.first * pixel, t.dilation * pixel, taps.count, t.out + i * t.out_pixel,
               t.channels);
  }
}

// Bytes whose sum 16 bits hold.
constexpr std::int64_t kMostInShorts = 257;

// Sums of any number of bytes, of N vectors beside each other.
template <int N>
struct ByteSums {
  Shorts lately[N][2] = {};
  IntVec before[N][kQuarters] = {};

  template <class LoadVector>
  CNNFAST_INLINE void add(LoadVector load_vector) {
    repeat<N>([&](auto v) CNNFAST_INLINE {
      const Bytes x = load_vector(v);
      lately[v][0] += widen<0>(x);
      lately[v][1] += widen<1>(x);
    });
  }
  // Before more are added than 16 bits hold.
  void carry() {
    repeat<N * kQuarters>([&](auto i) CNNFAST_INLINE {
      constexpr int kQuarter = i % kQuarters;
      before[i / kQuarters][kQuarter] +=
          ints(interleave<kQuarter % 2>(lately[i / kQuarters][kQuarter / 2], Shorts{}));
    });
    repeat<N * 2>([&](auto i) CNNFAST_INLINE { lately[i / 2][i % 2] = Shorts{}; });
  }
  // Less `zeros`, as float32. Of those that were not carried it takes fewer instructions.
  template <int quarter>
  CNNFAST_INLINE Vec few(int v, float zeros) const {
    return floats_of_half<quarter>(lately[v][quarter / 2], zeros);
  }
  template <int quarter>
  CNNFAST_INLINE Vec carried(int v, std::int32_t zeros) const {
    return floats_of(before[v][quarter] - splat_int(zeros));
  }
};

// An average of the taps of a window, of channels [c, c + n); `factor` is its multiplier.
template <class Round>
CNNFAST_INLINE inline void average_taps(const QuantizedPoolRow& t, const cnnfast::Taps& taps,
                                        const Round& round, std::int64_t c, std::int64_t n,
                                        std::uint8_t* out) {
  const std::int64_t count = t.rows * taps.count;
  const float factor = t.rounding.multiplier / static_cast<float>(count);
  ByteSums<1> sums;
  std::int64_t added = 0;
  for (std::int64_t y = 0; y < t.rows; ++y) {
    const std::uint8_t* x = t.x + y * t.x_row + taps.first * t.x_pixel + c;
    for (std::int64_t i = 0; i < taps.count; ++i, x += t.dilation * t.x_pixel) {
      if (added == kMostInShorts) {
        sums.carry();
        added = 0;
      }
      sums.add([&](auto) CNNFAST_INLINE { return load_lanes(x, n); });
      ++added;
    }
  }
  if (count <= kMostInShorts) {
    const float zeros = static_cast<float>(count) * t.x_zero_point;
    return store_lanes(out + c, round([&](auto q) CNNFAST_INLINE {
                         return sums.template few<q>(0, zeros) * splat(factor);
                       }),
                       n);
  }
  sums.carry();
  const auto zeros = static_cast<std::int32_t>(count * static_cast<std::int64_t>(t.x_zero_point));
  store_lanes(out + c, round([&](auto q) CNNFAST_INLINE {
                return sums.template carried<q>(0, zeros) * splat(factor);
              }),
              n);
}

template <bool moderate>
inline void average_row(const QuantizedPoolRow& given) {
  const QuantizedPoolRow t = given;  // which nothing that is stored can change
  const CommonRounding<moderate> round(t.rounding);
  for (std::int64_t i = 0; i < t.width; ++i) {
    std::uint8_t* const out = t.out + i * t.out_pixel;
    std::int64_t c = 0;
    for (; c + kBytes <= t.channels; c += kBytes) {
      average_taps(t, t.taps[i], round, c, kBytes, out);
    }
    if (c == t.channels) continue;
    if (c > 0) {
      average_taps(t, t.taps[i], round, t.channels - kBytes, kBytes, out);
    } else {
      average_taps(t, t.taps[i], round, 0, t.channels, out);
    }
  }
}

void quantized_average_pool(const QuantizedPoolRow& t) {
  if (255 * __builtin_fabsf(t.rounding.multiplier) < kModerate) {
    average_row<true>(t);
  } else {
    average_row<false>(t);
  }
}

// N vectors of columns from `first` on, or fewer than one.
template <int N>
inline void mean_of_columns(const QuantizedMeanTask& t, std::int64_t first, std::int64_t n) {
  const std::uint8_t* x = t.x + first;
  ByteSums<N> sums;
  for (std::int64_t left = t.n; left > 0; left -= kMostInShorts) {
    const std::int64_t rows = left < kMostInShorts ? left : kMostInShorts;
    for (std::int64_t i = 0; i < rows; ++i, x += t.stride) {
      sums.add([&](auto v)
                   CNNFAST_INLINE { return N > 1 ? load(x + v * kBytes) : load_lanes(x, n); });
    }
    sums.carry();
  }
  const auto zeros = static_cast<std::int32_t>(t.n * t.x_zero_point);
  const CommonRounding<false> round(t.rounding);
  repeat<N>([&](auto v) CNNFAST_INLINE {
    const auto mean = [&](auto q) CNNFAST_INLINE {
      return sums.template carried<q>(v, zeros) * splat(t.rounding.multiplier);
    };
    const std::int64_t at = first + v * kBytes;
    if (t.to_bytes) {
      store_lanes(static_cast<std::uint8_t*>(t.out) + at, round(mean), n);
    } else {
      repeat<kQuarters>(
          [&](auto q) { store_quarter(static_cast<float*>(t.out) + at, mean(q), q, n); });
    }
  });
}

void quantized_mean(const QuantizedMeanTask& t) {
  constexpr int kVectors = 2;
  std::int64_t first = 0;
  for (; first + kVectors * kBytes <= t.columns; first += kVectors * kBytes) {
    mean_of_columns<kVectors>(t, first, kBytes);
  }
  if (t.columns < kBytes) return mean_of_columns<1>(t, 0, t.columns);
  for (; first < t.columns; first += kBytes) {
    const std::int64_t last = t.columns - kBytes;
    mean_of_columns<1>(t, first < last ? first : last, kBytes);
  }
}

}  // namespace
