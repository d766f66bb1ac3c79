// Simple RNN, LSTM and GRU over one sequence. Gates stand in Keras' order: LSTM i, f, c, o; GRU
// z, r, h.
#pragma once

#include "activation.hpp"

namespace {

using cnnfast::RecurrentKind;
using cnnfast::RecurrentTask;

inline void activate_row(float* x, std::int64_t n, const Activation& f) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(x + i, apply(load(x + i), f));
  if (i < n) store_first(x + i, apply(load_first(x + i, n - i), f), n - i);
}

// out[j] = start[j] + sum_k state[k] * kernel[k][column + j], for `columns` columns of a row.
inline void project(const float* state, std::int64_t units, const float* kernel,
                    std::int64_t kernel_row, const float* start, float* out, std::int64_t columns) {
  std::int64_t j = 0;
  for (; j + kLanes <= columns; j += kLanes) {
    Vec total = load(start + j);
    for (std::int64_t k = 0; k < units; ++k) {
      total += splat(state[k]) * load(kernel + k * kernel_row + j);
    }
    store(out + j, total);
  }
  const std::int64_t rest = columns - j;
  if (rest == 0) return;
  Vec total = load_first(start + j, rest);
  for (std::int64_t k = 0; k < units; ++k) {
    total += splat(state[k]) * load_first(kernel + k * kernel_row + j, rest);
  }
  store_first(out + j, total, rest);
}

inline void simple_step(const RecurrentTask& t, const float* x, float* gates, float* state) {
  project(state, t.units, t.kernel, t.units, t.bias, gates, t.units);
  for (std::int64_t j = 0; j < t.units; ++j) gates[j] += x[j];
  activate_row(gates, t.units, t.activation);
  for (std::int64_t j = 0; j < t.units; ++j) state[j] = gates[j];
}

inline void lstm_step(const RecurrentTask& t, const float* x, float* gates, float* state,
                      float* cell) {
  const std::int64_t n = t.units;
  project(state, n, t.kernel, 4 * n, t.bias, gates, 4 * n);
  for (std::int64_t j = 0; j < 4 * n; ++j) gates[j] += x[j];
  activate_row(gates, 2 * n, t.recurrent_activation);
  activate_row(gates + 2 * n, n, t.activation);
  activate_row(gates + 3 * n, n, t.recurrent_activation);
  for (std::int64_t j = 0; j < n; ++j) {
    cell[j] = gates[n + j] * cell[j] + gates[j] * gates[2 * n + j];
    state[j] = cell[j];
  }
  activate_row(state, n, t.activation);
  for (std::int64_t j = 0; j < n; ++j) state[j] *= gates[3 * n + j];
}

// reset_after multiplies the reset gate into the finished product, else into the state before.
inline void gru_step(const RecurrentTask& t, const float* x, float* gates, float* state,
                     float* spare) {
  const std::int64_t n = t.units;
  const bool after = t.kind == RecurrentKind::gru_reset_after;
  project(state, n, t.kernel, 3 * n, t.bias, gates, after ? 3 * n : 2 * n);
  for (std::int64_t j = 0; j < 2 * n; ++j) gates[j] += x[j];
  activate_row(gates, 2 * n, t.recurrent_activation);
  float* candidate = gates + 2 * n;
  if (after) {
    for (std::int64_t j = 0; j < n; ++j) candidate[j] *= gates[n + j];
  } else {
    for (std::int64_t j = 0; j < n; ++j) spare[j] = state[j] * gates[n + j];
    project(spare, n, t.kernel + 2 * n, 3 * n, t.bias + 2 * n, candidate, n);
  }
  for (std::int64_t j = 0; j < n; ++j) candidate[j] += x[2 * n + j];
  activate_row(candidate, n, t.activation);
  for (std::int64_t j = 0; j < n; ++j) {
    state[j] = gates[j] * state[j] + (1.0F - gates[j]) * candidate[j];
  }
}

void recurrent(const RecurrentTask& t) {
  const std::int64_t gate_count = t.kind == RecurrentKind::simple ? 1
                                  : t.kind == RecurrentKind::lstm ? 4
                                                                  : 3;
  const std::int64_t width = gate_count * t.units;
  float* state = t.scratch;
  float* cell = state + t.units;
  float* gates = cell + t.units;
  for (std::int64_t j = 0; j < 2 * t.units; ++j) state[j] = 0.0F;
  for (std::int64_t i = 0; i < t.time; ++i) {
    const float* x = t.x + (t.backwards ? t.time - 1 - i : i) * width;
    switch (t.kind) {
      case RecurrentKind::simple: simple_step(t, x, gates, state); break;
      case RecurrentKind::lstm: lstm_step(t, x, gates, state, cell); break;
      case RecurrentKind::gru:
      case RecurrentKind::gru_reset_after: gru_step(t, x, gates, state, cell); break;
    }
    for (std::int64_t j = 0; j < t.units; ++j) t.out[i * t.units + j] = state[j];
  }
}

}  // namespace
