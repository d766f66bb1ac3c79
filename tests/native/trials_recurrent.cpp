// Trials of recurrent layers: few units and sequences, and more, which go another way.
#include "trials.hpp"

namespace cnnfast::trials {

namespace {

constexpr std::int64_t kTime = 5;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Layer {
  RecurrentKind kind;
  std::int64_t units;
  std::int64_t sequences;
  std::int64_t gates = kind == RecurrentKind::simple ? 1 : kind == RecurrentKind::lstm ? 4 : 3;
  std::int64_t width = gates * units;
  Numbers x = normal(sequences * kTime * width);
  Numbers kernel = normal(units * width, 1 / std::sqrt(static_cast<float>(units)));
  Numbers bias = normal(width);

  bool is_gru() const {
    return kind == RecurrentKind::gru || kind == RecurrentKind::gru_reset_after;
  }

  // Column `column` of a state times the kernel, and the bias.
  double product(const std::vector<double>& state, std::int64_t column) const {
    double sum = at(bias, column);
    for (std::int64_t i = 0; i < units; ++i) {
      sum += state[static_cast<std::size_t>(i)] * at(kernel, i * width + column);
    }
    return sum;
  }

  // A state after `before`, from the inputs that begin at `input`; an LSTM's `cell` goes on.
  std::vector<double> next(const std::vector<double>& before, std::vector<double>& cell,
                           std::int64_t input) const {
    const auto sum = [&](std::int64_t gate, std::int64_t unit) {
      const std::int64_t column = gate * units + unit;
      return product(before, column) + at(x, input + column);
    };
    std::vector<double> reset = before;  // of a GRU that resets the state
    for (std::int64_t j = 0; is_gru() && j < units; ++j) {
      reset[static_cast<std::size_t>(j)] *= sigmoid(sum(1, j));
    }
    std::vector<double> after;
    for (std::int64_t j = 0; j < units; ++j) {
      const auto unit = static_cast<std::size_t>(j);
      if (kind == RecurrentKind::simple) {
        after.push_back(std::tanh(sum(0, j)));
      } else if (kind == RecurrentKind::lstm) {
        cell[unit] = sigmoid(sum(1, j)) * cell[unit] + sigmoid(sum(0, j)) * std::tanh(sum(2, j));
        after.push_back(sigmoid(sum(3, j)) * std::tanh(cell[unit]));
      } else {
        const std::int64_t column = 2 * units + j;
        const double candidate = kind == RecurrentKind::gru
                                     ? product(reset, column)
                                     : sigmoid(sum(1, j)) * product(before, column);
        const double keep = sigmoid(sum(0, j));
        after.push_back(keep * before[unit] +
                        (1 - keep) * std::tanh(candidate + at(x, input + column)));
      }
    }
    return after;
  }

  std::vector<double> expected() const {
    std::vector<double> states;
    for (std::int64_t s = 0; s < sequences; ++s) {
      std::vector<double> state(static_cast<std::size_t>(units));
      std::vector<double> cell = state;
      for (std::int64_t i = 0; i < kTime; ++i) {
        state = next(state, cell, (s * kTime + i) * width);
        states.insert(states.end(), state.begin(), state.end());
      }
    }
    return states;
  }
};

// Columns [first, last) of the kernel and the bias, packed.
struct Part {
  std::int64_t columns;
  Numbers weights;
  Numbers bias;

  Part(const Kernels& k, const Layer& layer, std::int64_t first, std::int64_t last)
      : columns(last - first) {
    const ColumnBlocks blocks = blocks_of(k, layer.units, columns);
    Numbers matrix;
    for (std::int64_t row = 0; row < layer.units; ++row) {
      const auto from = layer.kernel.begin() + row * layer.width;
      matrix.insert(matrix.end(), from + first, from + last);
    }
    weights = packed(blocks, matrix);
    bias.assign(layer.bias.begin() + first, layer.bias.begin() + last);
    bias.resize(static_cast<std::size_t>(blocks.padded()));
  }

  GateMatrix matrix() const { return {weights.data(), bias.data(), columns}; }
};

Trial recurrent(const Kernels& k, RecurrentKind kind, std::int64_t units, std::int64_t sequences) {
  const Layer layer = {kind, units, sequences};
  const std::int64_t split = layer.width - (layer.is_gru() ? units : 0);
  const Part gates(k, layer, 0, split);
  const Part candidate(k, layer, split, layer.width);
  const auto run = [=, &k](float* out) {
    const Span spans[] = {{0, units}};
    const Chunk chunks[] = {{0, 1, units}};
    Numbers scratch(static_cast<std::size_t>((2 + layer.gates) * units * sequences));
    RecurrentTask task = {};
    task.kind = kind;
    task.activation = {ActivationKind::tanh, 0, 0};
    task.recurrent_activation = {ActivationKind::sigmoid, 0, 0};
    task.x = layer.x.data();
    task.x_sequence = kTime * layer.width;
    task.gates = gates.matrix();
    task.candidate = candidate.matrix();
    task.spans = spans;
    task.chunks = chunks;
    task.chunk_count = 1;
    task.out = out;
    task.out_sequence = kTime * units;
    task.scratch = scratch.data();
    task.sequences = sequences;
    task.time = kTime;
    task.units = units;
    k.recurrent(task);
  };
  return {2.0 * static_cast<double>(sequences * kTime * units * layer.width), run,
          layer.expected()};
}

}  // namespace

std::vector<Named> recurrent_trials() {
  constexpr std::int64_t kSmall[] = {7, 2};  // units and sequences
  constexpr std::int64_t kLarge[] = {45, 5};
  const std::pair<const char*, RecurrentKind> kinds[] = {
      {"simple", RecurrentKind::simple},
      {"lstm", RecurrentKind::lstm},
      {"gru", RecurrentKind::gru},
      {"gru_reset_after", RecurrentKind::gru_reset_after}};
  std::vector<Named> all;
  for (const auto& [name, kind] : kinds) {
    const auto of = [kind = kind](const std::int64_t (&size)[2]) {
      return [=, units = size[0], sequences = size[1]](const Kernels& k) {
        return recurrent(k, kind, units, sequences);
      };
    };
    all.push_back({std::string("recurrent_") + name, of(kLarge)});
    all.push_back({std::string("recurrent_") + name + "_small", of(kSmall)});
  }
  return all;
}

}  // namespace cnnfast::trials
