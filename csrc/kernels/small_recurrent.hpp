// Recurrent layers of so few units that the products take less time than to enter a register tile.
// Sums are in the order of the tiles, so that the bits are the same.
#pragma once

#include <algorithm>

#include "column_blocks.hpp"
#include "epilogue.hpp"
#include "gemm.hpp"

namespace {

using cnnfast::GateMatrix;
using cnnfast::RecurrentKind;
using cnnfast::RecurrentTask;

inline bool is_small(const RecurrentTask& t) {
  return t.units <= kSmallUnits && t.sequences <= kFewSequences;
}

// f(j, lanes) for each vector of n numbers; of the last one, the lanes that there are.
template <class F>
inline void for_each_vector(std::int64_t n, F f) {
  std::int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) f(j, std::int64_t{kLanes});
  if (j < n) f(j, n - j);
}

// The states of a vector of units. Each stands once in an object, not inlined: which products the
// compiler joins with a sum depends on what is around them, and the bits must not.

// From the sums of the gates of an LSTM.
__attribute__((noinline)) Vec lstm_units(const RecurrentTask& t, Vec input, Vec forget,
                                         Vec candidate, Vec output, Vec& cell) {
  Vec open[3] = {input, forget, output};
  apply_all(open, 3, t.recurrent_activation);
  cell = open[1] * cell + open[0] * apply(candidate, t.activation);
  return open[2] * apply(cell, t.activation);
}

// From the gates of a GRU and the sum of its candidate, into which `reset` goes here or before.
template <bool kResetAfter>
__attribute__((noinline)) Vec gru_units(const RecurrentTask& t, Vec candidate, Vec reset, Vec input,
                                        Vec keep, Vec before) {
  if constexpr (kResetAfter) candidate *= reset;
  candidate = apply(candidate + input, t.activation);
  return keep * before + (1.0F - keep) * candidate;
}

inline bool is_left_out(const RecurrentTask& t, std::int64_t sequence, std::int64_t time) {
  return t.mask[sequence * t.more_sequence + time] == 0;
}

// What comes out of step i, which is left out.
inline void store_left_out(const RecurrentTask& t, std::int64_t i, const float* state, float* out) {
  const bool repeats = t.masked == cnnfast::MaskedSteps::output && i > 0;
  const float* from = repeats ? out - t.units : state;
  const bool zero = !repeats && t.masked != cnnfast::MaskedSteps::state;
  for (std::int64_t j = 0; j < t.units; ++j) out[j] = zero ? 0.0F : from[j];
}

// One sequence. What it keeps is padded: a vector that is stored in part, and read soon, is read
// late.
class SmallRecurrent {
 public:
  SmallRecurrent(const RecurrentTask& task, std::int64_t sequence)
      : t_(task),
        sequence_(sequence),
        x_(task.x + sequence * task.x_sequence),
        out_(task.out + sequence * task.out_sequence) {
    if (task.before == nullptr) return;
    const float* before = task.before + sequence * task.more_sequence;
    std::copy_n(before, task.units, state_);
    if (task.kind == RecurrentKind::lstm) std::copy_n(before + task.units, task.units, spare_);
  }

  void run() {
    const std::int64_t width = t_.gates.columns + t_.candidate.columns;
    for (std::int64_t i = 0; i < t_.time; ++i) {
      const std::int64_t at = t_.backwards ? t_.time - 1 - i : i;
      const float* x = x_ + at * width;
      if (t_.mask != nullptr && is_left_out(t_, sequence_, at)) {
        store_left_out(t_, i, state_, out_ + i * t_.units);
        continue;
      }
      switch (t_.kind) {
        case RecurrentKind::simple: simple_step(x); break;
        case RecurrentKind::lstm: lstm_step(x); break;
        case RecurrentKind::gru:
        case RecurrentKind::gru_reset_after: gru_step(x); break;
      }
      for_each_vector(t_.units, [&](std::int64_t j, std::int64_t lanes) {
        store_lanes(out_ + i * t_.units + j, load(state_ + j), lanes);
      });
    }
    if (!t_.keeps) return;
    float* const last = out_ + t_.time * t_.units;
    std::copy_n(state_, t_.units, last);
    if (t_.kind == RecurrentKind::lstm) std::copy_n(spare_, t_.units, last + t_.units);
  }

 private:
  static constexpr std::int64_t kUnits = kSmallUnits + kLanes;
  static constexpr int kMostGates = 4;

  void simple_step(const float* x) {
    multiply(t_.gates, state_, x, gates_);
    for_each_vector(t_.units, [&](std::int64_t j, std::int64_t) {
      store(state_ + j, apply(load(gates_ + j), t_.activation));
    });
  }

  void lstm_step(const float* x) {
    multiply(t_.gates, state_, x, gates_);
    for_each_vector(t_.units, [&](std::int64_t j, std::int64_t) {
      const auto gate = [&](int i) { return load(gates_ + i * t_.units + j); };
      Vec cell = load(spare_ + j);
      store(state_ + j, lstm_units(t_, gate(0), gate(1), gate(2), gate(3), cell));
      store(spare_ + j, cell);
    });
  }

  void gru_step(const float* x) {
    const bool after = t_.kind == RecurrentKind::gru_reset_after;
    const float* const reset = gates_ + t_.units;
    if (after) multiply(t_.candidate, state_, nullptr, candidate_);
    multiply(t_.gates, state_, x, gates_);
    for_each_vector(t_.gates.columns, [&](std::int64_t j, std::int64_t) {
      store(gates_ + j, apply(load(gates_ + j), t_.recurrent_activation));
    });
    if (!after) {
      for_each_vector(t_.units, [&](std::int64_t j, std::int64_t) {
        store(spare_ + j, load(state_ + j) * load(reset + j));
      });
      multiply(t_.candidate, spare_, nullptr, candidate_);
    }
    const auto units = after ? gru_units<true> : gru_units<false>;
    for_each_vector(t_.units, [&](std::int64_t j, std::int64_t lanes) {
      const Vec input = load_lanes(x + 2 * t_.units + j, lanes);
      store(state_ + j, units(t_, load(candidate_ + j), load(reset + j), input, load(gates_ + j),
                              load(state_ + j)));
    });
  }

  // to = state * matrix + bias + x, without x where that is null. All products come first: their
  // sums wait for themselves and overlap.
  void multiply(const GateMatrix& matrix, const float* state, const float* x, float* to) const {
    const cnnfast::ColumnBlocks blocks = {t_.units, matrix.columns, kLanes, kTileVectors * kLanes};
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      const float* weights = matrix.weights + blocks.place(block);
      const std::int64_t width = blocks.width(block);
      float* sums = to + blocks.first(block);
      if (width == kTileVectors * kLanes) {
        multiply_vectors<kTileVectors>(state, weights, width, sums);
      } else {
        for (std::int64_t n = 0; n < width; n += kLanes) {
          multiply_vectors<1>(state, weights + n, width, sums + n);
        }
      }
    }
    for_each_vector(matrix.columns, [&](std::int64_t j, std::int64_t lanes) {
      Vec sum = load(to + j) + load(matrix.bias + j);
      if (x != nullptr) sum += load_lanes(x + j, lanes);
      store(to + j, sum);
    });
  }

  // N vectors of a column block that is `width` wide.
  template <int N>
  void multiply_vectors(const float* state, const float* weights, std::int64_t width,
                        float* to) const {
    Vec sum[N] = {};
    for (std::int64_t k = 0; k < t_.units; ++k) {
      const Vec a = splat(state[k]);
      CNNFAST_UNROLL
      for (int n = 0; n < N; ++n) sum[n] += a * load(weights + k * width + n * kLanes);
    }
    CNNFAST_UNROLL
    for (int n = 0; n < N; ++n) store(to + n * kLanes, sum[n]);
  }

  const RecurrentTask& t_;
  std::int64_t sequence_;
  const float* x_;
  float* out_;
  float state_[kUnits] = {};
  float spare_[kUnits] = {};  // cells of an LSTM, what is left of a GRU's state
  float gates_[kMostGates * kSmallUnits + kUnits] = {};
  float candidate_[kUnits] = {};
};

}  // namespace
