#include "ops.hpp"

namespace cnnfast {

namespace {

// A unit is a row of the output: of each pixel of the input's row `y / times_y` the `times_x`
// pixels in row `y % times_y` of what it becomes.
template <class Number>
class BoundDepthToSpace final : public BoundStep {
 public:
  explicit BoundDepthToSpace(const Layouts& layouts)
      : in_(layouts.in[0]),
        out_(layouts.out),
        times_y_(out_.height / in_.height),
        times_x_(out_.width / in_.width) {}

  std::int64_t units(std::int64_t images) const override { return images * out_.height; }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      const std::int64_t image = unit / out_.height;
      const std::int64_t y = unit % out_.height;
      run_row(w.in[0].numbers<Number>(image) + y / times_y_ * in_.row() +
                  y % times_y_ * times_x_ * out_.channels,
              w.out.numbers<Number>(image) + y * out_.row());
    }
  }

 private:
  void run_row(const Number* from, Number* to) const {
    for (std::int64_t x = 0; x < in_.width; ++x, from += in_.pixel()) {
      for (std::int64_t i = 0; i < times_x_; ++i, to += out_.pixel()) {
        std::copy_n(from + i * out_.channels, out_.channels, to);
      }
    }
  }

  Layout in_;
  Layout out_;
  std::int64_t times_y_;
  std::int64_t times_x_;
};

template <class Number>
class DepthToSpace final : public Step {
 public:
  DepthToSpace(const Dims& in, const Dims& out, float fill)
      : Step(moving_traits<Number>(
            {.name = "depth_to_space", .reads = Access::slice, .writes = Access::slice}, fill)),
        moved_bytes_(bytes_of({in, out}, traits().makes)) {}

  Cost cost() const override { return moving(moved_bytes_); }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override {
    return std::make_unique<BoundDepthToSpace<Number>>(layouts);
  }

 private:
  double moved_bytes_;
};

}  // namespace

std::unique_ptr<const Step> make_depth_to_space(const Dims& in, const Dims& out, Element element,
                                                float fill) {
  if (in.size() != 3 || out.size() != 3 || out[0] % in[0] != 0 || out[1] % in[1] != 0 ||
      count(in) != count(out)) {
    throw std::invalid_argument("depth to space makes whole pixels of the channels");
  }
  return make_moving(element, [&]<class Number>(Number) -> std::unique_ptr<const Step> {
    return std::make_unique<DepthToSpace<Number>>(in, out, fill);
  });
}

}  // namespace cnnfast
