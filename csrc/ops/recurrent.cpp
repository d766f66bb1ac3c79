#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "product.hpp"

namespace cnnfast {

namespace {

// Whole register tiles of any kind; their gates stay in cache.
constexpr std::int64_t kSequencesTogether = 24;

std::int64_t gates_of(RecurrentKind kind) {
  switch (kind) {
    case RecurrentKind::simple: return 1;
    case RecurrentKind::lstm: return 4;
    case RecurrentKind::gru:
    case RecurrentKind::gru_reset_after: return 3;
  }
  return 1;
}

bool is_gru(RecurrentKind kind) {
  return kind == RecurrentKind::gru || kind == RecurrentKind::gru_reset_after;
}

// A unit is one sequence: time runs in order. Many share the reading of the weights.
class Recurrent final : public Step {
 public:
  Recurrent(std::int64_t time, std::int64_t units, RecurrentKind kind, const SharedKernel& kernel,
            const float* bias, Activation activation, Activation recurrent_activation,
            bool backwards)
      : time_(time),
        units_(units),
        kind_(kind),
        activation_(activation),
        recurrent_activation_(recurrent_activation),
        backwards_(backwards),
        candidate_columns_(is_gru(kind) ? units : 0),
        gate_columns_(gates_of(kind) * units - candidate_columns_),
        depth_(units, kernels().chunk_depth),
        gates_(pack(kernel, 0, gate_columns_)),
        candidate_(pack(kernel, gate_columns_, candidate_columns_)) {
    padded_ = gates_->blocks().padded();
    bias_.assign(static_cast<std::size_t>(padded_ + candidate_->blocks().padded()), 0.0F);
    if (bias == nullptr) return;
    std::copy_n(bias, gate_columns_, bias_.data());
    std::copy_n(bias + gate_columns_, candidate_columns_, bias_.data() + padded_);
  }

  const char* name() const override { return "recurrent"; }
  bool batched() const override { return true; }
  std::int64_t units(std::int64_t images) const override { return images; }
  std::int64_t grain() const override { return kernels().tile_rows; }

  std::int64_t scratch() const override {
    return kSequencesTogether * (2 + gates_of(kind_)) * units_;
  }

  void run(const Work& w) const override {
    RecurrentTask task = {};
    task.kind = kind_;
    task.activation = activation_;
    task.recurrent_activation = recurrent_activation_;
    task.gates = {gates_->floats(), bias_.data(), gate_columns_};
    task.candidate = {candidate_->floats(), bias_.data() + padded_, candidate_columns_};
    task.runs = depth_.runs.data();
    task.chunks = depth_.chunks.data();
    task.chunk_count = static_cast<std::int32_t>(depth_.chunks.size());
    task.x_sequence = w.in[0].image;
    task.out_sequence = w.out.image;
    task.scratch = w.scratch;
    task.time = time_;
    task.units = units_;
    task.backwards = backwards_;
    const std::int64_t all = w.last - w.first;
    const std::int64_t blocks = (all + kSequencesTogether - 1) / kSequencesTogether;
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t first = w.first + all * block / blocks;
      task.sequences = w.first + all * (block + 1) / blocks - first;
      task.x = w.in[0].data + first * w.in[0].image;
      task.out = w.out.data + first * w.out.image;
      kernels().recurrent(task);
    }
  }

  Cost cost() const override {
    const auto weights = static_cast<double>(units_ * (gate_columns_ + candidate_columns_));
    const double products = 2 * weights * static_cast<double>(time_);
    const auto gates = static_cast<double>(time_ * gates_of(kind_) * units_);
    const double functions = gates * flops_of(recurrent_activation_.kind);
    return {products, products + functions, 4 * weights,
            4 * (gates + static_cast<double>(time_ * units_))};
  }
  std::vector<const Packed*> packed() const override { return {gates_.get(), candidate_.get()}; }
  std::int64_t packed_bytes() const override {
    return gates_->bytes() + candidate_->bytes() +
           static_cast<std::int64_t>(bias_.size() * sizeof(float));
  }

 private:
  // The columns from `start` on.
  std::shared_ptr<const Packed> pack(const SharedKernel& kernel, std::int64_t start,
                                     std::int64_t columns) const {
    const auto packed = [&](const KernelRows& rows) {
      Packed made(column_blocks(units_, columns), 1, WeightDtype::float32);
      rows.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
        made.fill<float>(0, first, last, numbers + start, rows.width(), [](float x) { return x; });
      });
      return made;
    };
    return kernel.packed(Packing::recurrent, {units_, start, columns}, packed);
  }

  std::int64_t time_;
  std::int64_t units_;
  RecurrentKind kind_;
  Activation activation_;
  Activation recurrent_activation_;
  bool backwards_;
  std::int64_t candidate_columns_;  // that read another state than the gates, or later
  std::int64_t gate_columns_;
  DenseDepth depth_;
  std::shared_ptr<const Packed> gates_;
  std::shared_ptr<const Packed> candidate_;  // of no columns where there is none
  std::int64_t padded_ = 0;                  // gate columns up to whole vectors
  std::vector<float> bias_;
};

}  // namespace

std::unique_ptr<Step> make_recurrent(const Dims& in, std::int64_t units, RecurrentKind kind,
                                     const SharedKernel& kernel, const float* bias,
                                     Activation activation, Activation recurrent_activation,
                                     bool backwards) {
  if (in.size() != 2 || units < 1 || in[1] != gates_of(kind) * units) {
    throw std::invalid_argument("a recurrent step reads (time, gates * units)");
  }
  return std::make_unique<Recurrent>(in[0], units, kind, kernel, bias, activation,
                                     recurrent_activation, backwards);
}

}  // namespace cnnfast
