#include "../cpu.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

// Part of a window that lies in the image.
struct Span {
  std::int32_t begin;
  std::int32_t end;
};

Span clip(std::int64_t position, std::int64_t size, std::int64_t dilation, std::int64_t limit) {
  const std::int64_t outside = position < 0 ? (dilation - 1 - position) / dilation : 0;
  const std::int64_t begin = position + outside * dilation;
  const std::int64_t end = std::min(position + (size - 1) * dilation + 1, limit);
  return {static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end)};
}

class Pool2D final : public Step {
 public:
  Pool2D(const Dims& out, const Window& window, PoolKind kind)
      : window_(window),
        kernel_(kind == PoolKind::max ? kernels().max_pool : kernels().average_pool),
        name_(kind == PoolKind::max ? "max_pool2d" : "average_pool2d"),
        height_(out[0]) {}

  const char* name() const override { return name_; }
  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }
  bool reads_slices() const override { return true; }
  bool writes_slices() const override { return true; }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    in_ = in[0];
    out_ = out;
    for (std::int64_t x = 0; x < out.width; ++x) {
      const Span span = clip(x * window_.stride_x - window_.pads.left, window_.width,
                             window_.dilation_x, in_.width);
      begin_.push_back(span.begin);
      end_.push_back(span.end);
    }
  }

  std::int64_t units(std::int64_t images) const override { return images * height_; }

  void run(const Work& w) const override {
    PoolRow task = {};
    task.x_row = window_.dilation_y * in_.row();
    task.x_pixel = in_.pixel();
    task.begin = begin_.data();
    task.end = end_.data();
    task.dilation = static_cast<std::int32_t>(window_.dilation_x);
    task.out_pixel = out_.pixel();
    task.width = out_.width;
    task.channels = out_.channels;
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      const std::int64_t image = unit / height_;
      const std::int64_t y = unit % height_;
      const Span rows = clip(y * window_.stride_y - window_.pads.top, window_.height,
                             window_.dilation_y, in_.height);
      task.x = w.in[0].data + image * w.in[0].image + rows.begin * in_.row();
      task.rows = (rows.end - rows.begin + window_.dilation_y - 1) / window_.dilation_y;
      task.out = w.out.data + image * w.out.image + y * out_.row();
      kernel_(task);
    }
  }

 private:
  Window window_;
  void (*kernel_)(const PoolRow&);
  const char* name_;
  std::int64_t height_;
  std::vector<std::int32_t> begin_;
  std::vector<std::int32_t> end_;
  Layout in_;
  Layout out_;
};

}  // namespace

std::unique_ptr<Step> make_pool2d(const Dims& in, const Dims& out, const Window& window,
                                  PoolKind kind) {
  check_window(window, in, out);
  if (in[2] != out[2]) throw std::invalid_argument("pooling keeps the number of channels");
  return std::make_unique<Pool2D>(out, window, kind);
}

}  // namespace cnnfast
