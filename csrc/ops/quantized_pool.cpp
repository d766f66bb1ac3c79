// Pooling and means of bytes.
#include "flops.hpp"
#include "lane_order.hpp"
#include "ops.hpp"
#include "strips.hpp"

namespace cnnfast {

namespace {

// Bytes whose sum is an int32.
constexpr std::int64_t kMostSummed = std::int64_t{1} << 23;

class QuantizedPool2D final : public Step {
 public:
  QuantizedPool2D(const Dims& in, const Dims& out, const Window& w, PoolKind kind,
                  std::int32_t in_zero_point, const Rounding& rounding)
      : Step({.name = kind == PoolKind::max ? "quantized_max_pool2d" : "quantized_average_pool2d",
              .reads = Access::slice,
              .writes = Access::slice,
              .takes = Element::uint8,
              .makes = Element::uint8,
              .fill = rounding.fill(),
              .rows = {{w}},
              .scratch = in[1] * in[2]}),  // the pooling of a row's columns
        rows_(taps_inside(out[0], w.height, w.stride_y, w.dilation_y, w.pads.top, in[0])),
        columns_(taps_inside(out[1], w.width, w.stride_x, w.dilation_x, w.pads.left, in[1])),
        kernel_(kind == PoolKind::max ? quantized_kernels().quantized_max_pool
                                      : quantized_kernels().quantized_average_pool),
        in_zero_point_(static_cast<float>(in_zero_point)),
        rounding_(one_of(rounding)),
        moved_bytes_(bytes_of({in, out}, Element::uint8)),
        outputs_(static_cast<double>(count(out))) {}

  Cost cost() const override {
    const Window& window = traits().rows.value().window;
    const double taps = static_cast<double>(window.height * window.width) * outputs_;
    return {.flops = taps, .own_flops = taps, .weight_bytes = 0, .moved_bytes = moved_bytes_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundQuantizedPool2D;

  std::vector<Taps> rows_;
  std::vector<Taps> columns_;
  void (*kernel_)(const QuantizedPoolRow&);
  float in_zero_point_;
  ByteRounding rounding_;
  double moved_bytes_;
  double outputs_;
};

class BoundQuantizedPool2D final : public BoundByRows {
 public:
  BoundQuantizedPool2D(const QuantizedPool2D& step, const Layouts& layouts)
      : step_(step),
        in_(layouts.in[0]),
        out_(layouts.out),
        strips_(out_.height, out_.width, out_.channels) {}

  std::int64_t units(std::int64_t images) const override { return strips_.count(images); }

  void run(const Work& w) const override {
    QuantizedPoolRow task = task_for(w);
    for (std::int64_t unit = w.first; unit < w.last; ++unit) run_strip(task, w, strips_.at(unit));
  }

  void run_rows(const Work& w) const override {
    QuantizedPoolRow task = task_for(w);
    for (std::int64_t y = w.first; y < w.last; ++y) {
      run_strip(task, w, {0, y, 0, out_.width, true});
    }
  }

 private:
  QuantizedPoolRow task_for(const Work& w) const {
    const Window& window = step_.traits().rows.value().window;
    QuantizedPoolRow task = {};
    task.x_row = window.dilation_y * in_.row();
    task.x_pixel = in_.pixel();
    task.x_width = in_.width;
    task.dilation = window.dilation_x;
    task.columns = reinterpret_cast<std::uint8_t*>(w.scratch);
    task.rounding = step_.rounding_;
    task.x_zero_point = step_.in_zero_point_;
    task.out_pixel = out_.pixel();
    task.channels = out_.channels;
    return task;
  }

  void run_strip(QuantizedPoolRow& task, const Work& w, const Strip& s) const {
    const Taps& rows = step_.rows_[static_cast<std::size_t>(s.row)];
    task.x = w.in[0].bytes(s.image) + rows.first * in_.row();
    task.rows = rows.count;
    task.taps = step_.columns_.data() + s.first;
    task.width = s.last - s.first;
    task.out = w.out.bytes(s.image) + s.row * out_.row() + s.first * out_.pixel();
    step_.kernel_(task);
  }

  const QuantizedPool2D& step_;
  Layout in_;
  Layout out_;
  Strips strips_;
};

std::unique_ptr<const BoundStep> QuantizedPool2D::bind(const Layouts& layouts) const {
  return std::make_unique<BoundQuantizedPool2D>(*this, layouts);
}

// A unit is a strip of columns.
class QuantizedMean final : public DenseStep {
 public:
  QuantizedMean(const Reduction& of, std::int32_t in_zero_point, const Rounding& rounding)
      : DenseStep({.name = "quantized_mean",
                   .takes = Element::uint8,
                   .makes = rounding.element(),
                   .fill = rounding.fill()}),
        of_(of),
        strips_((of.inner + kColumns - 1) / kColumns),
        in_zero_point_(in_zero_point),
        rounding_(one_of(rounding)) {
    rounding_.multiplier /= static_cast<float>(of.n);
  }

  Cost cost() const override {
    const auto read = static_cast<double>(of_.outer * of_.n * of_.inner);
    const auto written = static_cast<double>(of_.outer * of_.inner * bytes_of(traits().makes));
    return {.flops = read, .own_flops = read, .weight_bytes = 0, .moved_bytes = read + written};
  }

  std::int64_t units(std::int64_t images) const override { return images * of_.outer * strips_; }

  void run(const Work& w) const override {
    const std::int64_t of_image = of_.outer * strips_;
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      const std::int64_t image = unit / of_image;
      const std::int64_t outer = unit % of_image / strips_;
      const std::int64_t column = unit % strips_ * kColumns;
      QuantizedMeanTask task = {};
      task.x = w.in[0].bytes(image) + outer * of_.n * of_.inner + column;
      task.stride = of_.inner;
      task.n = of_.n;
      task.columns = std::min(kColumns, of_.inner - column);
      task.x_zero_point = in_zero_point_;
      task.rounding = rounding_;
      task.to_bytes = traits().makes == Element::uint8;
      task.out =
          w.out.from_image(image).data + (outer * of_.inner + column) * bytes_of(traits().makes);
      quantized_kernels().quantized_mean(task);
    }
  }

 private:
  static constexpr std::int64_t kColumns = 256;

  Reduction of_;
  std::int64_t strips_;
  std::int32_t in_zero_point_;
  ByteRounding rounding_;
};

}  // namespace

std::unique_ptr<const Step> make_quantized_pool2d(const Dims& in, const Dims& out,
                                                  const Window& window, PoolKind kind,
                                                  std::int32_t in_zero_point, float multiplier,
                                                  std::int32_t zero_point) {
  check_window(window, in, out);
  if (in[2] != out[2]) throw std::invalid_argument("pooling keeps the number of channels");
  if (kind == PoolKind::max && (multiplier != 1 || zero_point != in_zero_point)) {
    throw std::invalid_argument("a maximum of bytes has their multiplier, 1, and zero point");
  }
  if (count({window.height, window.width}) >= kMostSummed) {
    throw std::invalid_argument("a sum of bytes must be an int32");
  }
  const Rounding rounding = unbounded(multiplier, zero_point);
  check_rounding(rounding, 1);
  return std::make_unique<QuantizedPool2D>(in, out, window, kind, in_zero_point, rounding);
}

std::unique_ptr<const Step> make_quantized_mean(const Reduction& of, std::int32_t in_zero_point,
                                                float multiplier,
                                                std::optional<std::int32_t> zero_point) {
  if (of.n >= kMostSummed) throw std::invalid_argument("a sum of bytes must be an int32");
  const Rounding rounding = unbounded(multiplier, zero_point);
  check_rounding(rounding, 1);
  return std::make_unique<QuantizedMean>(of, in_zero_point, rounding);
}

}  // namespace cnnfast
