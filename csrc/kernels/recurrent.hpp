// Simple RNN, LSTM and GRU over several sequences at once: the product of states and weights is one
// for all of them, so that the weights are read once. Gates stand in Keras' order: LSTM i, f, c, o;
// GRU z, r, h.
#pragma once

#include "gemv.hpp"
#include "small_recurrent.hpp"

namespace {

// A row for each sequence.
struct SequenceRows {
  float* first;
  std::int64_t step;

  float* row(std::int64_t sequence) const { return first + sequence * step; }
};

// The inputs of one time, a row for each sequence.
struct SequenceInputs {
  const float* first;
  std::int64_t step;

  const float* row(std::int64_t sequence) const { return first + sequence * step; }
};

// out = f(states * matrix + bias + x), without x where that is null.
inline void project(const RecurrentTask& t, const GateMatrix& matrix, const SequenceRows& states,
                    const SequenceInputs& x, Activation f, const SequenceRows& out) {
  constexpr std::int64_t kWidth = kTileVectors * kLanes;
  const auto evenly = [&](std::int64_t step) {
    return cnnfast::Strides{t.sequences * step, t.sequences * step, step};
  };
  const cnnfast::ColumnBlocks blocks = {t.units, matrix.columns, kLanes, kWidth};
  const Epilogue epilogue = {matrix.bias, {x.first, evenly(x.step)}, f, {nullptr, nullptr}};
  if (t.sequences == 1) {  // states are hardly ever zero
    gemv<Stored<Element::float32>>(
        {states.first, t.units, matrix.weights, epilogue, out.first, matrix.columns, false}, 0,
        blocks.count());
    return;
  }
  ConvTask task = {};
  task.x = states.first;
  task.x_strides = evenly(states.step);
  task.spans = t.spans;
  task.chunks = t.chunks;
  task.chunk_count = t.chunk_count;
  task.last_chunk = t.chunk_count;
  task.epilogue = epilogue;
  task.out_strides = evenly(out.step);
  task.width = t.sequences;
  task.height = 1;
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    const std::int64_t column = blocks.first(block);
    task.weights = matrix.weights + blocks.place(block);
    task.epilogue.bias = matrix.bias + column;
    if (x.first != nullptr) task.epilogue.residual.numbers = x.first + column;
    task.out = out.first + column;
    task.columns = static_cast<std::int32_t>(blocks.stored(block));
    conv_pixels(task, 0, t.sequences);
  }
}

inline void lstm_step(const RecurrentTask& t, const SequenceInputs& x, const SequenceRows& state,
                      const SequenceRows& gates, const SequenceRows& cells,
                      const SequenceRows& out) {
  const std::int64_t n = t.units;
  project(t, t.gates, state, x, {}, gates);
  for (std::int64_t s = 0; s < t.sequences; ++s) {
    const float* gate = gates.row(s);
    float* cell = cells.row(s);
    float* next = out.row(s);
    for_each_vector(n, [&](std::int64_t j, std::int64_t lanes) {
      const auto gate_at = [&](int i) { return load_lanes(gate + i * n + j, lanes); };
      Vec kept = load_lanes(cell + j, lanes);
      const Vec state_after = lstm_units(t, gate_at(0), gate_at(1), gate_at(2), gate_at(3), kept);
      store_lanes(cell + j, kept, lanes);
      store_lanes(next + j, state_after, lanes);
    });
  }
}

// reset_after multiplies the reset gate into the finished product, else into the state before.
inline void gru_step(const RecurrentTask& t, const SequenceInputs& x, const SequenceRows& state,
                     const SequenceRows& gates, const SequenceRows& spare,
                     const SequenceRows& out) {
  const std::int64_t n = t.units;
  const SequenceRows candidates = {gates.first + 2 * n, gates.step};
  const SequenceInputs none = {nullptr, 0};
  const bool after = t.kind == RecurrentKind::gru_reset_after;
  project(t, t.gates, state, x, t.recurrent_activation, gates);
  if (after) {
    project(t, t.candidate, state, none, {}, candidates);
  } else {
    for (std::int64_t s = 0; s < t.sequences; ++s) {
      const float* reset = gates.row(s) + n;
      for_each_vector(n, [&](std::int64_t j, std::int64_t lanes) {
        const Vec before = load_lanes(state.row(s) + j, lanes);
        store_lanes(spare.row(s) + j, before * load_lanes(reset + j, lanes), lanes);
      });
    }
    project(t, t.candidate, spare, none, {}, candidates);
  }
  const auto units = after ? gru_units<true> : gru_units<false>;
  for (std::int64_t s = 0; s < t.sequences; ++s) {
    const float* update = gates.row(s);
    const float* reset = update + n;
    const float* input = x.row(s) + 2 * n;
    for_each_vector(n, [&](std::int64_t j, std::int64_t lanes) {
      const auto at = [&](const float* row) { return load_lanes(row + j, lanes); };
      const Vec after_it =
          units(t, at(candidates.row(s)), at(reset), at(input), at(update), at(state.row(s)));
      store_lanes(out.row(s) + j, after_it, lanes);
    });
  }
}

// The states that the first step starts from.
inline void begin(const RecurrentTask& t, const SequenceRows& state, const SequenceRows& cells) {
  for (std::int64_t j = 0; j < 2 * t.units * t.sequences; ++j) state.first[j] = 0.0F;
  if (t.before == nullptr) return;
  for (std::int64_t s = 0; s < t.sequences; ++s) {
    const float* before = t.before + s * t.more_sequence;
    std::copy_n(before, t.units, state.row(s));
    if (t.kind == RecurrentKind::lstm) std::copy_n(before + t.units, t.units, cells.row(s));
  }
}

// The output and states after step i of all sequences, of which a mask leaves some out at `time`.
inline void choose(const RecurrentTask& t, std::int64_t i, std::int64_t time,
                   const SequenceRows& state, const SequenceRows& cells, const SequenceRows& after,
                   const SequenceRows& cells_before, const SequenceRows& out) {
  for (std::int64_t s = 0; s < t.sequences; ++s) {
    if (is_left_out(t, s, time)) {
      std::copy_n(cells_before.row(s), t.units, cells.row(s));
      store_left_out(t, i, state.row(s), out.row(s));
    } else {
      std::copy_n(after.row(s), t.units, state.row(s));
      std::copy_n(after.row(s), t.units, out.row(s));
    }
  }
}

inline void keep(const RecurrentTask& t, const SequenceRows& state, const SequenceRows& cells) {
  for (std::int64_t s = 0; s < t.sequences; ++s) {
    float* const last = t.out + s * t.out_sequence + t.time * t.units;
    std::copy_n(state.row(s), t.units, last);
    if (t.kind == RecurrentKind::lstm) std::copy_n(cells.row(s), t.units, last + t.units);
  }
}

void recurrent(const RecurrentTask& t) {
  if (is_small(t)) {
    for (std::int64_t s = 0; s < t.sequences; ++s) SmallRecurrent(t, s).run();
    return;
  }
  const std::int64_t n = t.units;
  const std::int64_t width = t.gates.columns + t.candidate.columns;
  const bool masked = t.mask != nullptr;
  SequenceRows state = {t.scratch, n};  // of the time before; the outputs themselves, later
  const SequenceRows other = {state.row(t.sequences), n};
  const SequenceRows gates = {other.row(t.sequences), width};
  const SequenceRows after = {gates.row(t.sequences), n};  // this and the next where masked alone
  const SequenceRows cells_before = {after.row(t.sequences), n};
  begin(t, state, other);
  for (std::int64_t i = 0; i < t.time; ++i) {
    const std::int64_t at = t.backwards ? t.time - 1 - i : i;
    const SequenceInputs x = {t.x + at * width, t.x_sequence};
    const SequenceRows given = {t.out + i * n, t.out_sequence};
    const SequenceRows out = masked ? after : given;
    if (masked) std::copy_n(other.first, n * t.sequences, cells_before.first);
    switch (t.kind) {
      case RecurrentKind::simple: project(t, t.gates, state, x, t.activation, out); break;
      case RecurrentKind::lstm: lstm_step(t, x, state, gates, other, out); break;
      case RecurrentKind::gru:
      case RecurrentKind::gru_reset_after: gru_step(t, x, state, gates, other, out); break;
    }
    if (masked) {
      choose(t, i, at, state, other, after, cells_before, given);
    } else {
      state = out;
    }
  }
  if (t.keeps) keep(t, state, other);
}

}  // namespace
