// What the machine can do at best: arithmetic without memory, and reading without arithmetic.
#pragma once

#include "simd.hpp"

namespace {

// Independent multiply-adds, as many as hide their latency: the machine's peak.
double fma_chain(std::int64_t iterations) {
  constexpr int kChains = 12;
  Vec chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = splat(static_cast<float>(i));
  const Vec factor = splat(0.999F);
  const Vec term = splat(0.001F);
  for (std::int64_t n = 0; n < iterations; ++n) {
    for (int i = 0; i < kChains; ++i) chain[i] = chain[i] * factor + term;
  }
  Vec total = splat(0.0F);
  for (int i = 0; i < kChains; ++i) total += chain[i];
  volatile float sink = sum(total);
  (void)sink;
  return 2.0 * kLanes * kChains * static_cast<double>(iterations);
}

// Loads `n` floats, a multiple of 8 vectors, and adds them.
float read_all(const float* x, std::int64_t n) {
  constexpr int kChains = 8;
  Vec chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = splat(0.0F);
  for (const float* end = x + n; x < end; x += kChains * kLanes) {
    for (int i = 0; i < kChains; ++i) chain[i] += load(x + i * kLanes);
  }
  Vec total = splat(0.0F);
  for (int i = 0; i < kChains; ++i) total += chain[i];
  return sum(total);
}

}  // namespace
