// Reductions and normalizations. Sums are made of partial sums of fixed length, so that they
// are accurate and their order never changes.
#pragma once

#include "binary.hpp"

namespace {

using cnnfast::NormalizationKind;
using cnnfast::ReductionKind;

constexpr std::int64_t kPartialSum = 128;

// Neighbouring vectors that are reduced side by side: the sum of one does not wait for itself.
template <int N>
struct Vecs {
  Vec v[N];
};

template <int N, class F, class Load>
inline Vecs<N> fold(F f, Vecs<N> start, std::int64_t first, std::int64_t last, Load load_at) {
  for (std::int64_t i = first; i < last; ++i) {
    const Vecs<N> x = load_at(i);
    for (int n = 0; n < N; ++n) start.v[n] = f(start.v[n], x.v[n]);
  }
  return start;
}

// The reduction of load_at(0) … load_at(count - 1), lane by lane.
template <int N, class Load>
inline Vecs<N> reduce_lanes(ReductionKind kind, std::int64_t count, Load load_at) {
  const auto plus = [](Vec x, Vec y) { return x + y; };
  switch (kind) {
    case ReductionKind::max: return fold<N>(larger, load_at(0), 1, count, load_at);
    case ReductionKind::min: return fold<N>(smaller, load_at(0), 1, count, load_at);
    case ReductionKind::product: {
      const auto times = [](Vec x, Vec y) { return x * y; };
      return fold<N>(times, load_at(0), 1, count, load_at);
    }
    case ReductionKind::sum:
    case ReductionKind::mean: break;
  }
  Vecs<N> total = {};
  for (std::int64_t first = 0; first < count; first += kPartialSum) {
    const std::int64_t last = count - first < kPartialSum ? count : first + kPartialSum;
    const Vecs<N> part = fold<N>(plus, Vecs<N>{}, first, last, load_at);
    for (int n = 0; n < N; ++n) total.v[n] += part.v[n];
  }
  return total;
}

inline Vec neutral(ReductionKind kind) {
  switch (kind) {
    case ReductionKind::max: return splat(-__builtin_inff());
    case ReductionKind::min: return splat(__builtin_inff());
    case ReductionKind::product: return splat(1.0F);
    case ReductionKind::sum:
    case ReductionKind::mean: break;
  }
  return splat(0.0F);
}

// Lane by lane into one number, by halves.
inline float join_lanes(ReductionKind kind, Vec v) {
  float part[kLanes];
  store(part, v);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) {
      const float a = part[i];
      const float b = part[i + width];
      switch (kind) {
        case ReductionKind::max: part[i] = a >= b || a != a ? a : b; break;
        case ReductionKind::min: part[i] = a <= b || a != a ? a : b; break;
        case ReductionKind::product: part[i] = a * b; break;
        case ReductionKind::sum:
        case ReductionKind::mean: part[i] = a + b; break;
      }
    }
  }
  return part[0];
}

// A row of consecutive numbers, each first put through f.
template <class F>
inline float reduce_row(ReductionKind kind, const float* x, std::int64_t n, F f) {
  const std::int64_t whole = n / kLanes;
  Vec v = whole > 0
              ? reduce_lanes<1>(kind, whole,
                                [&](std::int64_t i) { return Vecs<1>{f(load(x + i * kLanes))}; })
                    .v[0]
              : neutral(kind);
  const std::int64_t rest = n - whole * kLanes;
  if (rest > 0) {
    Vec tail = f(load_first(x + whole * kLanes, rest));
    const Vec filler = neutral(kind);
    for (std::int64_t i = rest; i < kLanes; ++i) tail[i] = filler[i];
    const Vec both[2] = {v, tail};
    v = reduce_lanes<1>(kind, 2, [&](std::int64_t i) { return Vecs<1>{both[i]}; }).v[0];
  }
  return join_lanes(kind, v);
}

// N vectors of columns, of the last the first `lanes`.
template <int N>
inline void reduce_vectors(ReductionKind kind, const float* x, std::int64_t stride, float* out,
                           std::int64_t n, std::int64_t lanes, float divisor) {
  const Vecs<N> result = reduce_lanes<N>(kind, n, [&](std::int64_t i) {
    Vecs<N> row;
    for (int v = 0; v < N; ++v) {
      const float* from = x + i * stride + v * kLanes;
      row.v[v] = v + 1 < N || lanes == kLanes ? load(from) : load_first(from, lanes);
    }
    return row;
  });
  for (int v = 0; v < N; ++v) {
    const Vec mean = result.v[v] / splat(divisor);
    if (v + 1 < N || lanes == kLanes) {
      store(out + v * kLanes, mean);
    } else {
      store_first(out + v * kLanes, mean, lanes);
    }
  }
}

void reduce(ReductionKind kind, const float* x, std::int64_t stride, float* out, std::int64_t n,
            std::int64_t columns, float divisor) {
  if (stride == 1) {
    out[0] = reduce_row(kind, x, n, [](Vec v) { return v; }) / divisor;
    return;
  }
  constexpr int kTogether = 4;
  std::int64_t j = 0;
  for (; j + kTogether * kLanes <= columns; j += kTogether * kLanes) {
    reduce_vectors<kTogether>(kind, x + j, stride, out + j, n, kLanes, divisor);
  }
  for (; j + 2 * kLanes <= columns; j += 2 * kLanes) {
    reduce_vectors<2>(kind, x + j, stride, out + j, n, kLanes, divisor);
  }
  for (; j < columns; j += kLanes) {
    const std::int64_t lanes = columns - j < kLanes ? columns - j : kLanes;
    reduce_vectors<1>(kind, x + j, stride, out + j, n, lanes, divisor);
  }
}

inline float mean_of(const float* x, std::int64_t n) {
  return reduce_row(ReductionKind::sum, x, n, [](Vec v) { return v; }) / static_cast<float>(n);
}

inline float sum_of_squares(const float* x, std::int64_t n) {
  return reduce_row(ReductionKind::sum, x, n, [](Vec v) { return v * v; });
}

// The mean of (x - mean)^2; the lanes behind a row's end are cut off after f, not before.
inline float variance_of(const float* x, std::int64_t n, float mean) {
  const auto squared = [mean](Vec v) { return (v - splat(mean)) * (v - splat(mean)); };
  return reduce_row(ReductionKind::sum, x, n, squared) / static_cast<float>(n);
}

void normalize(NormalizationKind kind, const float* x, float* out, std::int64_t rows,
               std::int64_t n, float epsilon) {
  for (std::int64_t row = 0; row < rows; ++row, x += n, out += n) {
    const bool centred = kind == NormalizationKind::standard || kind == NormalizationKind::variance;
    const float mean = centred ? mean_of(x, n) : 0.0F;
    float scale = 0;
    if (centred) {
      scale = variance_of(x, n, mean) + epsilon;
    } else if (kind == NormalizationKind::rms) {
      scale = sum_of_squares(x, n) / static_cast<float>(n) + epsilon;
    } else {
      const float squares = sum_of_squares(x, n);
      scale = squares < epsilon ? epsilon : squares;
    }
    const Vec shift = splat(kind == NormalizationKind::standard ? mean : 0.0F);
    const Vec factor = splat(1.0F / __builtin_sqrtf(scale));
    std::int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(out + i, (load(x + i) - shift) * factor);
    if (i < n) store_first(out + i, (load_first(x + i, n - i) - shift) * factor, n - i);
  }
}

void weighted_sum(const float* x, std::int64_t x_row, const std::int32_t* indices,
                  const float* weights, std::int64_t taps, float* out, std::int64_t n) {
  const auto sum_at = [&](std::int64_t j, auto load_at) {
    Vec total = {};
    for (std::int64_t t = 0; t < taps; ++t) {
      total += splat(weights[t]) * load_at(x + indices[t] * x_row + j);
    }
    return total;
  };
  std::int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) store(out + j, sum_at(j, load));
  const std::int64_t rest = n - j;
  if (rest == 0) return;
  store_first(out + j, sum_at(j, [rest](const float* p) { return load_first(p, rest); }), rest);
}

}  // namespace
