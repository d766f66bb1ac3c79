#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "strips.hpp"

namespace cnnfast {

namespace {

class Pool2D final : public Step {
 public:
  Pool2D(const Dims& in, const Dims& out, const Window& w, PoolKind kind)
      : Step({.name = kind == PoolKind::max ? "max_pool2d" : "average_pool2d",
              .reads = Access::slice,
              .writes = Access::slice,
              .rows = {{w}},
              .scratch = float_bytes(in[1] * in[2])}),  // the pooling of a row's columns
        rows_(taps_inside(out[0], w.height, w.stride_y, w.dilation_y, w.pads.top, in[0])),
        columns_(taps_inside(out[1], w.width, w.stride_x, w.dilation_x, w.pads.left, in[1])),
        kernel_(kind == PoolKind::max ? kernels().max_pool : kernels().average_pool),
        cost_(cost_of(in, out)) {}

  Cost cost() const override { return cost_; }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundPool2D;

  // Over the rows of windows first, for whole rows of the image, then over their columns.
  Cost cost_of(const Dims& in, const Dims& out) const {
    const auto taps = [](const std::vector<Taps>& windows) {
      std::int64_t sum = 0;
      for (const Taps& t : windows) sum += t.count;
      return sum;
    };
    const std::int64_t by_rows = (taps(rows_) - out[0]) * in[1] * in[2];
    const std::int64_t by_columns = taps(columns_) * out[0] * out[2];
    return {.flops = static_cast<double>(taps(rows_) * taps(columns_) * out[2]),
            .own_flops = kOperation * static_cast<double>(by_rows + by_columns),
            .weight_bytes = 0,
            .moved_bytes = bytes_of({in, out})};
  }

  std::vector<Taps> rows_;
  std::vector<Taps> columns_;
  void (*kernel_)(const PoolRow&);
  Cost cost_;
};

class BoundPool2D final : public BoundByRows {
 public:
  BoundPool2D(const Pool2D& step, const Layouts& layouts)
      : step_(step),
        in_(layouts.in[0]),
        out_(layouts.out),
        strips_(out_.height, out_.width, out_.channels) {}

  std::int64_t units(std::int64_t images) const override { return strips_.count(images); }

  void run(const Work& w) const override {
    PoolRow task = task_for(w);
    for (std::int64_t unit = w.first; unit < w.last; ++unit) run_strip(task, w, strips_.at(unit));
  }

  void run_rows(const Work& w) const override {
    PoolRow task = task_for(w);
    for (std::int64_t y = w.first; y < w.last; ++y) {
      run_strip(task, w, {0, y, 0, out_.width, true});
    }
  }

 private:
  PoolRow task_for(const Work& w) const {
    const Window& window = step_.traits().rows.value().window;
    PoolRow task = {};
    task.x_row = window.dilation_y * in_.row();
    task.x_pixel = in_.pixel();
    task.x_width = in_.width;
    task.dilation = window.dilation_x;
    task.columns = w.scratch_floats();
    task.out_pixel = out_.pixel();
    task.channels = out_.channels;
    return task;
  }

  void run_strip(PoolRow& task, const Work& w, const Strip& s) const {
    const Taps& rows = step_.rows_[static_cast<std::size_t>(s.row)];
    task.x = w.in[0].floats(s.image) + rows.first * in_.row();
    task.rows = rows.count;
    task.taps = step_.columns_.data() + s.first;
    task.width = s.last - s.first;
    task.out = w.out.floats(s.image) + s.row * out_.row() + s.first * out_.pixel();
    step_.kernel_(task);
  }

  const Pool2D& step_;
  Layout in_;
  Layout out_;
  Strips strips_;
};

std::unique_ptr<const BoundStep> Pool2D::bind(const Layouts& layouts) const {
  return std::make_unique<BoundPool2D>(*this, layouts);
}

}  // namespace

std::unique_ptr<const Step> make_pool2d(const Dims& in, const Dims& out, const Window& window,
                                        PoolKind kind) {
  check_window(window, in, out);
  if (in[2] != out[2]) throw std::invalid_argument("pooling keeps the number of channels");
  return std::make_unique<Pool2D>(in, out, window, kind);
}

}  // namespace cnnfast
