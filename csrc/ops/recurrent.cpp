#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"

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

// A unit is one image: time runs in order.
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
        kernel_(kernel.plain()) {
    const std::int64_t width = gates_of(kind) * units;
    bias_.assign(static_cast<std::size_t>(width), 0.0F);
    if (bias != nullptr) bias_.assign(bias, bias + width);
  }

  const char* name() const override { return "recurrent"; }
  std::int64_t units(std::int64_t images) const override { return images; }

  std::int64_t scratch() const override { return (2 + gates_of(kind_)) * units_; }

  void run(const Work& w) const override {
    RecurrentTask task = {};
    task.kind = kind_;
    task.activation = activation_;
    task.recurrent_activation = recurrent_activation_;
    task.kernel = kernel_->block.data();
    task.bias = bias_.data();
    task.scratch = w.scratch;
    task.time = time_;
    task.units = units_;
    task.backwards = backwards_;
    for (std::int64_t image = w.first; image < w.last; ++image) {
      task.x = w.in[0].data + image * w.in[0].image;
      task.out = w.out.data + image * w.out.image;
      kernels().recurrent(task);
    }
  }

  Cost cost() const override {
    const auto weights = static_cast<double>(kernel_->block.size());
    const double products = 2 * weights * static_cast<double>(time_);
    const auto gates = static_cast<double>(time_ * gates_of(kind_) * units_);
    const double functions = gates * flops_of(recurrent_activation_.kind);
    return {products, products + functions, 4 * weights,
            4 * (gates + static_cast<double>(time_ * units_))};
  }
  std::vector<const Packed*> packed() const override { return {kernel_.get()}; }
  std::int64_t packed_bytes() const override {
    return kernel_->block.bytes() + static_cast<std::int64_t>(bias_.size() * sizeof(float));
  }

 private:
  std::int64_t time_;
  std::int64_t units_;
  RecurrentKind kind_;
  Activation activation_;
  Activation recurrent_activation_;
  bool backwards_;
  std::shared_ptr<const Packed> kernel_;
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
