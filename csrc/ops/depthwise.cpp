#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "strips.hpp"

namespace cnnfast {

namespace {

// Neighbouring pixels that the kernel takes as one of that many times the channels: as many as fill
// vectors with few channels. Their windows must be neighbours, too.
std::int64_t pixels_joined(const Dims& out, const Window& window, std::int64_t multiplier) {
  const Tuning& tuning = kernels().tuning;
  if (window.stride_x != 1 || multiplier != 1) return 1;
  for (std::int64_t pixels = 1; pixels <= tuning.most_joined; ++pixels) {
    if (out[1] % pixels == 0 && pixels * out[2] % tuning.lanes == 0) return pixels;
  }
  return 1;
}

// Rows of numbers by channel, each row as many times as there are pixels joined.
std::vector<float> repeated(const float* rows, std::int64_t count, std::int64_t channels,
                            std::int64_t times) {
  std::vector<float> all;
  for (std::int64_t i = 0; i < count * times; ++i) {
    const float* row = rows + i / times * channels;
    all.insert(all.end(), row, row + channels);
  }
  return all;
}

// What the kernel slides over: n x n neighbouring pixels, 1 < n <= kLargestSliding.
constexpr std::int64_t kLargestSliding = 9;

bool slides(const Window& window, std::int64_t multiplier) {
  return multiplier == 1 && window.height == window.width && window.width > 1 &&
         window.width <= kLargestSliding && window.dilation_y == 1 && window.dilation_x == 1;
}

class DepthwiseConv2D final : public Step {
 public:
  DepthwiseConv2D(const Dims& in, const Dims& out, const Window& window, std::int64_t joined,
                  std::shared_ptr<const Packed> packed, std::vector<float> bias,
                  Activation activation)
      : Step(traits_of(window, out[2] / in[2], joined, packed, bias)),
        joined_(joined),
        multiplier_(out[2] / in[2]),
        activation_(activation),
        outputs_(static_cast<double>(count(out))),
        moved_bytes_(bytes_of({in, out})),
        packed_(std::move(packed)),
        bias_(std::move(bias)) {}

  Cost cost() const override {
    const Window& window = traits().rows.value().window;
    const double products = 2 * static_cast<double>(window.height * window.width) * outputs_;
    return {.flops = products,
            .own_flops = products + outputs_ * flops_of(activation_.kind),
            .weight_bytes = static_cast<double>(packed_->bytes()),
            .moved_bytes = moved_bytes_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundDepthwiseConv2D;

  static StepTraits traits_of(const Window& window, std::int64_t multiplier, std::int64_t joined,
                              const std::shared_ptr<const Packed>& packed,
                              const std::vector<float>& bias) {
    const Access access = joined == 1 ? Access::slice : Access::bordered;
    return {.name = "depthwise_conv2d",
            .algorithm = slides(window, multiplier) ? "sliding" : "taps",
            .reads = access,
            .writes = access,
            .border = window.pads,
            .rows = {{window}},
            .packed = {packed},
            .own_bytes = static_cast<std::int64_t>(bias.size() * sizeof(float))};
  }

  std::int64_t joined_;
  std::int64_t multiplier_;
  Activation activation_;
  double outputs_;
  double moved_bytes_;
  std::shared_ptr<const Packed> packed_;  // (height, width, joined pixels, channels, multiplier)
  std::vector<float> bias_;
};

// A unit is one row of the output, or a strip of a long one.
class BoundDepthwiseConv2D final : public BoundByRows {
 public:
  BoundDepthwiseConv2D(const DepthwiseConv2D& step, const Layouts& layouts)
      : step_(step),
        window_(step.traits().rows.value().window),
        in_(layouts.in[0]),
        out_(layouts.out),
        strips_(out_.height, out_.width / step.joined_, step.joined_ * out_.channels) {
    for (std::int64_t y = 0; y < window_.height; ++y) {
      for (std::int64_t x = 0; x < window_.width; ++x) {
        taps_.push_back(y * window_.dilation_y * in_.row() + x * window_.dilation_x * in_.pixel());
      }
    }
  }

  std::int64_t units(std::int64_t images) const override { return strips_.count(images); }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last;) {
      const Strip s = strips_.at(unit);
      const std::int64_t rows = s.whole ? std::min(w.last - unit, out_.height - s.row) : 1;
      run_strip(w, s, rows);
      unit += rows;
    }
  }

  void run_rows(const Work& w) const override {
    run_strip(w, {0, w.first, 0, out_.width / step_.joined_, true}, w.last - w.first);
  }

 private:
  // The strip in so many rows, one below the other.
  void run_strip(const Work& w, const Strip& s, std::int64_t rows) const {
    const std::int64_t joined = step_.joined_;
    DepthwiseTask task = {};
    task.x_row = window_.stride_y * in_.row();
    task.x_pixel = joined * window_.stride_x * in_.pixel();
    task.taps = taps_.data();
    task.tap_count = static_cast<std::int32_t>(taps_.size());
    if (slides(window_, step_.multiplier_)) {
      task.sliding_size = static_cast<std::int32_t>(window_.width);
      const std::int64_t stride = joined * window_.stride_x;
      task.sliding_stride = static_cast<std::int32_t>(std::min(stride, kLargestSliding));
    }
    task.multiplier = static_cast<std::int32_t>(step_.multiplier_);
    task.weights = step_.packed_->floats();
    task.bias = step_.bias_.data();
    task.activation = step_.activation_;
    task.out_row = out_.row();
    task.out_pixel = joined * out_.pixel();
    task.width = s.last - s.first;
    task.height = rows;
    task.channels = joined * out_.channels;
    const float* corner =
        w.in[0].floats(s.image) - window_.pads.top * in_.row() - window_.pads.left * in_.pixel();
    task.x = corner + s.row * task.x_row + s.first * task.x_pixel;
    task.out = w.out.floats(s.image) + s.row * task.out_row + s.first * task.out_pixel;
    kernels().depthwise(task);
  }

  const DepthwiseConv2D& step_;
  const Window& window_;
  Layout in_;
  Layout out_;
  Strips strips_;
  std::vector<std::int64_t> taps_;
};

std::unique_ptr<const BoundStep> DepthwiseConv2D::bind(const Layouts& layouts) const {
  return std::make_unique<BoundDepthwiseConv2D>(*this, layouts);
}

}  // namespace

std::unique_ptr<const Step> make_depthwise_conv2d(const Dims& in, const Dims& out,
                                                  const Window& window, const SharedKernel& kernel,
                                                  const float* bias, Activation activation) {
  check_window(window, in, out);
  if (out[2] % in[2] != 0 || count({window.height, window.width}) >= (std::int64_t{1} << 31)) {
    throw std::invalid_argument("the input channels must divide the output channels");
  }
  const std::int64_t joined = pixels_joined(out, window, out[2] / in[2]);
  const std::int64_t taps = count({window.height, window.width});
  auto packed = kernel.packed(Packing::depthwise, {joined, taps, out[2]}, [&](const auto& rows) {
    Floats place;
    const KernelRows all = rows.all(place);
    const std::vector<float> weights = repeated(all.numbers(), taps, out[2], joined);
    Packed made(static_cast<std::int64_t>(weights.size()));
    std::copy(weights.begin(), weights.end(), made.data());
    return made;
  });
  std::vector<float> shift(static_cast<std::size_t>(joined * out[2]));
  if (bias != nullptr) shift = repeated(bias, 1, out[2], joined);
  return std::make_unique<DepthwiseConv2D>(in, out, window, joined, std::move(packed),
                                           std::move(shift), activation);
}

}  // namespace cnnfast
