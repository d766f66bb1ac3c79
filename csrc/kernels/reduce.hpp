// Reductions and normalizations. Sums are made of partial sums of fixed length, so that they
// are accurate and their order never changes.
#pragma once

#include "binary.hpp"

namespace {

using cnnfast::NormalizationKind;
using cnnfast::ReductionKind;

constexpr std::int64_t kPartialSum = 128;

template <class F, class Load>
inline Vec fold(F f, Vec start, std::int64_t first, std::int64_t last, Load load_at) {
  for (std::int64_t i = first; i < last; ++i) start = f(start, load_at(i));
  return start;
}

// The reduction of load_at(0) … load_at(n - 1), lane by lane.
template <class Load>
inline Vec reduce_lanes(ReductionKind kind, std::int64_t n, Load load_at) {
  switch (kind) {
    case ReductionKind::max: return fold(larger, load_at(0), 1, n, load_at);
    case ReductionKind::min: return fold(smaller, load_at(0), 1, n, load_at);
    case ReductionKind::product:
      return fold([](Vec x, Vec y) { return x * y; }, splat(1.0F), 0, n, load_at);
    case ReductionKind::sum:
    case ReductionKind::mean: break;
  }
  Vec total = {};
  for (std::int64_t first = 0; first < n; first += kPartialSum) {
    const std::int64_t last = n - first < kPartialSum ? n : first + kPartialSum;
    total += fold([](Vec x, Vec y) { return x + y; }, Vec{}, first, last, load_at);
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
              ? reduce_lanes(kind, whole, [&](std::int64_t i) { return f(load(x + i * kLanes)); })
              : neutral(kind);
  const std::int64_t rest = n - whole * kLanes;
  if (rest > 0) {
    Vec tail = f(load_first(x + whole * kLanes, rest));
    const Vec filler = neutral(kind);
    for (std::int64_t i = rest; i < kLanes; ++i) tail[i] = filler[i];
    Vec both[2] = {v, tail};
    v = reduce_lanes(kind, 2, [&](std::int64_t i) { return both[i]; });
  }
  return join_lanes(kind, v);
}

void reduce(ReductionKind kind, const float* x, float* out, std::int64_t n, std::int64_t inner) {
  const float divisor = kind == ReductionKind::mean ? static_cast<float>(n) : 1.0F;
  if (inner == 1) {
    out[0] = reduce_row(kind, x, n, [](Vec v) { return v; }) / divisor;
    return;
  }
  std::int64_t j = 0;
  for (; j + kLanes <= inner; j += kLanes) {
    const Vec v = reduce_lanes(kind, n, [&](std::int64_t i) { return load(x + i * inner + j); });
    store(out + j, v / splat(divisor));
  }
  const std::int64_t rest = inner - j;
  if (rest == 0) return;
  const Vec v =
      reduce_lanes(kind, n, [&](std::int64_t i) { return load_first(x + i * inner + j, rest); });
  store_first(out + j, v / splat(divisor), rest);
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
