#include "../cpu.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

// A unit is one row of the output.
class DepthwiseConv2D final : public Step {
 public:
  DepthwiseConv2D(const Dims& out, const Window& window, std::int64_t multiplier,
                  const float* kernel, const float* bias, Activation activation)
      : window_(window),
        activation_(activation),
        multiplier_(multiplier),
        height_(out[0]),
        cost_{2.0 * static_cast<double>(count({window.height, window.width})) *
                  static_cast<double>(count(out)),
              0},
        weights_(kernel, kernel + count({window.height, window.width, out[2]})),
        bias_(static_cast<std::size_t>(out[2])) {
    if (bias != nullptr) bias_.assign(bias, bias + out[2]);
    cost_.weight_bytes = 4.0 * static_cast<double>(weights_.size());
  }

  const char* name() const override { return "depthwise_conv2d"; }
  Border border() const override { return window_.pads; }
  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    in_ = in[0];
    out_ = out;
    for (std::int64_t y = 0; y < window_.height; ++y) {
      for (std::int64_t x = 0; x < window_.width; ++x) {
        taps_.push_back(y * window_.dilation_y * in_.row() + x * window_.dilation_x * in_.pixel());
      }
    }
  }

  std::int64_t units(std::int64_t images) const override { return images * height_; }
  const Window* rows_window() const override { return &window_; }

  void run(const Work& w) const override {
    DepthwiseRow task = {};
    task.x_pixel = window_.stride_x * in_.pixel();
    task.taps = taps_.data();
    task.tap_count = static_cast<std::int32_t>(taps_.size());
    if (slides()) {
      task.sliding_size = static_cast<std::int32_t>(window_.width);
      task.sliding_stride = static_cast<std::int32_t>(std::min<std::int64_t>(window_.stride_x, 9));
    }
    task.multiplier = static_cast<std::int32_t>(multiplier_);
    task.weights = weights_.data();
    task.bias = bias_.data();
    task.activation = activation_;
    task.out_pixel = out_.pixel();
    task.width = out_.width;
    task.channels = out_.channels;
    const float* corner =
        w.in[0].data - window_.pads.top * in_.row() - window_.pads.left * in_.pixel();
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      const std::int64_t image = unit / height_;
      const std::int64_t y = unit % height_;
      task.x = corner + image * w.in[0].image + y * window_.stride_y * in_.row();
      task.out = w.out.data + image * w.out.image + y * out_.row();
      kernels().depthwise(task);
    }
  }

  Cost cost() const override { return cost_; }
  const char* algorithm(std::int64_t /*images*/) const override {
    return slides() ? "sliding" : "taps";
  }
  std::int64_t packed_bytes() const override {
    return static_cast<std::int64_t>((weights_.size() + bias_.size()) * sizeof(float));
  }

 private:
  // Whether the window is n x n neighbouring pixels, 1 < n < 10.
  bool slides() const {
    return multiplier_ == 1 && window_.height == window_.width && window_.width > 1 &&
           window_.width < 10 && window_.dilation_y == 1 && window_.dilation_x == 1;
  }

  Window window_;
  Activation activation_;
  std::int64_t multiplier_;
  std::int64_t height_;
  Cost cost_;
  std::vector<float> weights_;  // (height, width, channels, multiplier) as given
  std::vector<float> bias_;
  std::vector<std::int64_t> taps_;
  Layout in_;
  Layout out_;
};

}  // namespace

std::unique_ptr<Step> make_depthwise_conv2d(const Dims& in, const Dims& out, const Window& window,
                                            const float* kernel, const float* bias,
                                            Activation activation) {
  check_window(window, in, out);
  if (out[2] % in[2] != 0 || count({window.height, window.width}) >= (std::int64_t{1} << 31)) {
    throw std::invalid_argument("the input channels must divide the output channels");
  }
  return std::make_unique<DepthwiseConv2D>(out, window, out[2] / in[2], kernel, bias, activation);
}

}  // namespace cnnfast
