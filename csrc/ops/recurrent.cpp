#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "product.hpp"

namespace cnnfast {

namespace {

std::int64_t gates_of(RecurrentKind kind) {
  switch (kind) {
    case RecurrentKind::simple: return 1;
    case RecurrentKind::lstm: return 4;
    case RecurrentKind::gru:
    case RecurrentKind::gru_reset_after: return 3;
  }
  return 1;
}

std::int64_t states_of(RecurrentKind kind) { return kind == RecurrentKind::lstm ? 2 : 1; }

bool is_gru(RecurrentKind kind) {
  return kind == RecurrentKind::gru || kind == RecurrentKind::gru_reset_after;
}

// What of the recurrent kernel reads the state: all gates, but for GRU the candidate.
struct Columns {
  std::int64_t gates;
  std::int64_t candidate;  // which reads another state than the gates, or later

  Columns(RecurrentKind kind, std::int64_t units)
      : gates(gates_of(kind) * units), candidate(is_gru(kind) ? units : 0) {
    gates -= candidate;
  }
};

// The columns from `start` on.
std::shared_ptr<const Packed> pack(const SharedKernel& kernel, std::int64_t units,
                                   std::int64_t start, std::int64_t columns) {
  const auto packed = [&](const KernelRows& rows) {
    Packed made(column_blocks(units, columns), 1, Element::float32);
    rows.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
      made.fill<float>(0, first, last, numbers + start, rows.width(), [](float x) { return x; });
    });
    return made;
  };
  return kernel.packed(Packing::recurrent, {units, start, columns}, packed);
}

struct RecurrentWeights {
  std::shared_ptr<const Packed> gates;
  std::shared_ptr<const Packed> candidate;  // of no columns where there is none
  std::vector<float> bias;                  // each part's columns up to whole vectors

  RecurrentWeights(const SharedKernel& kernel, const float* numbers, std::int64_t units,
                   const Columns& columns)
      : gates(pack(kernel, units, 0, columns.gates)),
        candidate(pack(kernel, units, columns.gates, columns.candidate)),
        bias(static_cast<std::size_t>(padded() + candidate->blocks().padded())) {
    if (numbers == nullptr) return;
    std::copy_n(numbers, columns.gates, bias.data());
    std::copy_n(numbers + columns.gates, columns.candidate, bias.data() + padded());
  }

  std::int64_t padded() const { return gates->blocks().padded(); }
};

// A unit is one sequence: time runs in order. Many share the reading of the weights.
class Recurrent final : public DenseStep {
 public:
  Recurrent(std::int64_t time, std::int64_t units, RecurrentKind kind, RecurrentWeights weights,
            Activation activation, Activation recurrent_activation, const RecurrentWays& ways)
      : DenseStep({.name = "recurrent",
                   .batched = true,
                   .grain = kernels().tuning.tile_rows,
                   .scratch = float_bytes(kernels().tuning.sequences_together *
                                          (scratch_states(ways) + gates_of(kind)) * units),
                   .packed = {weights.gates, weights.candidate},
                   .own_bytes = static_cast<std::int64_t>(weights.bias.size() * sizeof(float))}),
        time_(time),
        units_(units),
        kind_(kind),
        activation_(activation),
        recurrent_activation_(recurrent_activation),
        ways_(ways),
        columns_(kind, units),
        depth_(units, kernels().tuning.chunk_depth),
        weights_(std::move(weights)) {}

  std::int64_t units(std::int64_t images) const override { return images; }

  void run(const Work& w) const override {
    RecurrentTask task = {};
    task.kind = kind_;
    task.activation = activation_;
    task.recurrent_activation = recurrent_activation_;
    task.gates = {weights_.gates->floats(), weights_.bias.data(), columns_.gates};
    task.candidate = {weights_.candidate->floats(), weights_.bias.data() + weights_.padded(),
                      columns_.candidate};
    task.spans = depth_.spans.data();
    task.chunks = depth_.chunks.data();
    task.chunk_count = static_cast<std::int32_t>(depth_.chunks.size());
    task.x_sequence = w.in[0].image;
    task.more_sequence = w.in[1].image;
    task.masked = ways_.masked;
    task.keeps = ways_.keeps;
    task.out_sequence = w.out.image;
    task.scratch = w.scratch_floats();
    task.time = time_;
    task.units = units_;
    task.backwards = ways_.backwards;
    const std::int64_t all = w.last - w.first;
    const std::int64_t together = kernels().tuning.sequences_together;
    const std::int64_t turns = (all + together - 1) / together;
    for (std::int64_t turn = 0; turn < turns; ++turn) {
      const std::int64_t first = w.first + all * turn / turns;
      task.sequences = w.first + all * (turn + 1) / turns - first;
      task.x = w.in[0].floats(first);
      if (ways_.continues) task.before = w.in[1].floats(first);
      if (ways_.masked != MaskedSteps::none) {
        task.mask = w.in[1].floats(first) + (ways_.continues ? states_of(kind_) * units_ : 0);
      }
      task.out = w.out.floats(first);
      kernels().recurrent(task);
    }
  }

  Cost cost() const override {
    const auto weights = static_cast<double>(units_ * (columns_.gates + columns_.candidate));
    const double products = 2 * weights * static_cast<double>(time_);
    const auto gates = static_cast<double>(time_ * gates_of(kind_) * units_);
    const double functions = gates * flops_of(recurrent_activation_.kind);
    return {.flops = products,
            .own_flops = products + functions,
            .weight_bytes = kFloatBytes * weights,
            .moved_bytes = kFloatBytes * (gates + static_cast<double>(time_ * units_))};
  }

 private:
  // So many states of each sequence stand in scratch memory.
  static std::int64_t scratch_states(const RecurrentWays& ways) {
    return ways.masked == MaskedSteps::none ? 2 : 4;
  }

  std::int64_t time_;
  std::int64_t units_;
  RecurrentKind kind_;
  Activation activation_;
  Activation recurrent_activation_;
  RecurrentWays ways_;
  Columns columns_;
  DenseDepth depth_;
  RecurrentWeights weights_;
};

}  // namespace

std::int64_t more_of_recurrent(RecurrentKind kind, std::int64_t time, std::int64_t units,
                               const RecurrentWays& ways) {
  const std::int64_t states = ways.continues ? states_of(kind) * units : 0;
  return states + (ways.masked == MaskedSteps::none ? 0 : time);
}

std::int64_t kept_of_recurrent(RecurrentKind kind, const RecurrentWays& ways) {
  return ways.keeps ? states_of(kind) : 0;
}

std::unique_ptr<const Step> make_recurrent(const Dims& in, std::int64_t units, RecurrentKind kind,
                                           const SharedKernel& kernel, const float* bias,
                                           Activation activation, Activation recurrent_activation,
                                           const RecurrentWays& ways) {
  if (in.size() != 2 || units < 1 || in[1] != gates_of(kind) * units) {
    throw std::invalid_argument("a recurrent step reads (time, gates * units)");
  }
  RecurrentWeights weights(kernel, bias, units, {kind, units});
  return std::make_unique<Recurrent>(in[0], units, kind, std::move(weights), activation,
                                     recurrent_activation, ways);
}

}  // namespace cnnfast
