#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "strips.hpp"

namespace cnnfast {

namespace {

// A unit is one row of the output, or a strip of a long one.
class DepthwiseConv2D final : public Step {
 public:
  DepthwiseConv2D(const Dims& in, const Dims& out, const Window& window, std::int64_t multiplier,
                  const SharedKernel& kernel, const float* bias, Activation activation)
      : window_(window),
        activation_(activation),
        multiplier_(multiplier),
        height_(out[0]),
        joined_(joined_pixels(out, window, multiplier)),
        outputs_(static_cast<double>(count(out))),
        moved_bytes_(bytes_of({in, out})),
        strips_(out[0], out[1] / joined_, joined_ * out[2]),
        bias_(static_cast<std::size_t>(joined_ * out[2])) {
    if (bias != nullptr) bias_ = repeated(bias, 1, out[2]);
    const std::int64_t taps = count({window.height, window.width});
    packed_ = kernel.packed(Packing::depthwise, {joined_, taps, out[2]}, [&](const auto& rows) {
      Block place;
      const KernelRows all = rows.all(place);
      const std::vector<float> weights = repeated(all.numbers(), taps, out[2]);
      Packed packed(static_cast<std::int64_t>(weights.size()));
      std::copy(weights.begin(), weights.end(), packed.data());
      return packed;
    });
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

  std::int64_t units(std::int64_t images) const override { return strips_.count(images); }
  const Window* rows_window() const override { return &window_; }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last;) {
      const Strip s = strips_.at(unit);
      const std::int64_t rows = s.whole ? std::min(w.last - unit, height_ - s.row) : 1;
      run_strip(w, s, rows);
      unit += rows;
    }
  }

  void run_rows(const Work& w) const override {
    run_strip(w, {0, w.first, 0, out_.width / joined_, true}, w.last - w.first);
  }

  Cost cost() const override {
    const double products = 2 * static_cast<double>(window_.height * window_.width) * outputs_;
    return {products, products + outputs_ * flops_of(activation_.kind),
            static_cast<double>(packed_->bytes()), moved_bytes_};
  }
  const char* algorithm(std::int64_t /*images*/) const override {
    return slides() ? "sliding" : "taps";
  }
  std::vector<const Packed*> packed() const override { return {packed_.get()}; }
  std::int64_t packed_bytes() const override {
    return packed_->bytes() + static_cast<std::int64_t>(bias_.size() * sizeof(float));
  }

 private:
  // The strip in so many rows, one below the other.
  void run_strip(const Work& w, const Strip& s, std::int64_t rows) const {
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
    task.weights = packed_->floats();
    task.bias = bias_.data();
    task.activation = activation_;
    task.out_row = out_.row();
    task.out_pixel = joined_ * out_.pixel();
    task.width = s.last - s.first;
    task.height = rows;
    task.channels = joined_ * out_.channels;
    const float* corner =
        w.in[0].data - window_.pads.top * in_.row() - window_.pads.left * in_.pixel();
    task.x = corner + s.image * w.in[0].image + s.row * task.x_row + s.first * task.x_pixel;
    task.out = w.out.data + s.image * w.out.image + s.row * task.out_row + s.first * task.out_pixel;
    kernels().depthwise(task);
  }

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
  double outputs_;
  double moved_bytes_;
  Strips strips_;
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
  return std::make_unique<DepthwiseConv2D>(in, out, window, out[2] / in[2], kernel, bias,
                                           activation);
}

}  // namespace cnnfast
