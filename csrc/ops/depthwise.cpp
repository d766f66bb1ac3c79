#include "../cpu.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

// A unit is one row of the output.
class DepthwiseConv2D final : public Step {
 public:
  DepthwiseConv2D(const Dims& out, const Window& window, std::int64_t multiplier,
                  const SharedKernel& kernel, const float* bias, Activation activation)
      : window_(window),
        activation_(activation),
        multiplier_(multiplier),
        height_(out[0]),
        joined_(joined_pixels(out, window, multiplier)),
        cost_{2.0 * static_cast<double>(count({window.height, window.width})) *
                  static_cast<double>(count(out)),
              0},
        bias_(static_cast<std::size_t>(joined_ * out[2])) {
    if (bias != nullptr) bias_ = repeated(bias, 1, out[2]);
    const std::int64_t taps = count({window.height, window.width});
    packed_ = kernel.packed(Packing::depthwise, {joined_, taps, out[2]}, [&](const auto& rows) {
      Block place;
      const KernelRows all = rows.all(place);
      const std::vector<float> weights = repeated(all.numbers(), taps, out[2]);
      Packed packed = {Block(static_cast<std::int64_t>(weights.size()))};
      std::copy(weights.begin(), weights.end(), packed.block.data());
      return packed;
    });
    cost_.weight_bytes = static_cast<double>(packed_->block.bytes());
  }

  const char* name() const override { return "depthwise_conv2d"; }
  Border border() const override { return window_.pads; }
  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }
  bool reads_slices() const override { return joined_ == 1; }
  bool writes_slices() const override { return joined_ == 1; }

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
    DepthwiseTask task = {};
    task.x_row = window_.stride_y * in_.row();
    task.x_pixel = joined_ * window_.stride_x * in_.pixel();
    task.taps = taps_.data();
    task.tap_count = static_cast<std::int32_t>(taps_.size());
    if (slides()) {
      task.sliding_size = static_cast<std::int32_t>(window_.width);
      const std::int64_t stride = joined_ * window_.stride_x;
      task.sliding_stride = static_cast<std::int32_t>(std::min<std::int64_t>(stride, 9));
    }
    task.multiplier = static_cast<std::int32_t>(multiplier_);
    task.weights = packed_->block.data();
    task.bias = bias_.data();
    task.activation = activation_;
    task.out_row = out_.row();
    task.out_pixel = joined_ * out_.pixel();
    task.width = out_.width / joined_;
    task.channels = joined_ * out_.channels;
    const float* corner =
        w.in[0].data - window_.pads.top * in_.row() - window_.pads.left * in_.pixel();
    for (std::int64_t unit = w.first; unit < w.last; unit += task.height) {
      const std::int64_t image = unit / height_;
      const std::int64_t y = unit % height_;
      task.height = std::min(w.last - unit, height_ - y);
      task.x = corner + image * w.in[0].image + y * task.x_row;
      task.out = w.out.data + image * w.out.image + y * task.out_row;
      kernels().depthwise(task);
    }
  }

  Cost cost() const override { return cost_; }
  const char* algorithm(std::int64_t /*images*/) const override {
    return slides() ? "sliding" : "taps";
  }
  std::vector<const Packed*> packed() const override { return {packed_.get()}; }
  std::int64_t packed_bytes() const override {
    return packed_->block.bytes() + static_cast<std::int64_t>(bias_.size() * sizeof(float));
  }

 private:
  // Neighbouring pixels that the kernel takes as one of that many times the channels: as many as
  // fill vectors with few channels. Their windows must be neighbours, too.
  static std::int64_t joined_pixels(const Dims& out, const Window& window,
                                    std::int64_t multiplier) {
    constexpr std::int64_t kMost = 4;
    const std::int64_t lanes = kernels().lanes;
    if (window.stride_x != 1 || multiplier != 1) return 1;
    for (std::int64_t pixels = 1; pixels <= kMost; ++pixels) {
      if (out[1] % pixels == 0 && pixels * out[2] % lanes == 0) return pixels;
    }
    return 1;
  }

  // Rows of numbers by channel, each row as many times as there are pixels joined.
  std::vector<float> repeated(const float* rows, std::int64_t count, std::int64_t channels) const {
    std::vector<float> all;
    for (std::int64_t i = 0; i < count * joined_; ++i) {
      const float* row = rows + i / joined_ * channels;
      all.insert(all.end(), row, row + channels);
    }
    return all;
  }

  // Whether the window is n x n neighbouring pixels, 1 < n < 10.
  bool slides() const {
    return multiplier_ == 1 && window_.height == window_.width && window_.width > 1 &&
           window_.width < 10 && window_.dilation_y == 1 && window_.dilation_x == 1;
  }

  Window window_;
  Activation activation_;
  std::int64_t multiplier_;
  std::int64_t height_;
  std::int64_t joined_;
  Cost cost_;
  std::shared_ptr<const Packed> packed_;  // (height, width, joined pixels, channels, multiplier)
  std::vector<float> bias_;
  std::vector<std::int64_t> taps_;
  Layout in_;
  Layout out_;
};

}  // namespace

std::unique_ptr<Step> make_depthwise_conv2d(const Dims& in, const Dims& out, const Window& window,
                                            const SharedKernel& kernel, const float* bias,
                                            Activation activation) {
  check_window(window, in, out);
  if (out[2] % in[2] != 0 || count({window.height, window.width}) >= (std::int64_t{1} << 31)) {
    throw std::invalid_argument("the input channels must divide the output channels");
  }
  return std::make_unique<DepthwiseConv2D>(out, window, out[2] / in[2], kernel, bias, activation);
}

}  // namespace cnnfast
