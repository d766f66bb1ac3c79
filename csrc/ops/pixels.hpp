// Steps that go over images row by row, and make as many numbers as they read.
#pragma once

#include "step.hpp"
#include "strips.hpp"

namespace cnnfast {

// Calls run_pixels(from, to, pixels) for strips of rows of pixels.
template <class From, class To = From>
class PixelsOf : public Step {
 public:
  // `flops` for each number.
  PixelsOf(StepTraits traits, const Dims& in, double flops)
      : Step(by_pixels(std::move(traits))),
        numbers_(static_cast<double>(count(in))),
        flops_(flops) {}

  Cost cost() const final {
    return {.flops = numbers_,
            .own_flops = numbers_ * flops_,
            .weight_bytes = 0,
            .moved_bytes = (sizeof(From) + sizeof(To)) * numbers_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const final;

  virtual void run_pixels(const From* from, To* to, std::int64_t pixels,
                          const Layouts& layouts) const = 0;

 private:
  static StepTraits by_pixels(StepTraits traits) {
    traits.reads = std::max(traits.reads, Access::bordered);
    traits.writes = std::max(traits.writes, Access::bordered);
    traits.rows = {Window{}};
    return traits;
  }

  double numbers_;
  double flops_;
};

template <class From, class To>
class BoundPixels final : public BoundByRows {
 public:
  BoundPixels(const PixelsOf<From, To>& step, const Layouts& layouts)
      : step_(step),
        layouts_(layouts),
        strips_(layouts.in[0].height, layouts.in[0].width, layouts.in[0].channels) {}

  std::int64_t units(std::int64_t images) const override { return strips_.count(images); }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last; ++unit) run_strip(w, strips_.at(unit));
  }

  void run_rows(const Work& w) const override {
    const std::int64_t width = layouts_.in[0].width;
    for (std::int64_t y = w.first; y < w.last; ++y) run_strip(w, {0, y, 0, width, true});
  }

 private:
  void run_strip(const Work& w, const Strip& s) const {
    const Layout& in = layouts_.in[0];
    const Layout& out = layouts_.out;
    step_.run_pixels(w.in[0].numbers<From>(s.image) + s.row * in.row() + s.first * in.pixel(),
                     w.out.numbers<To>(s.image) + s.row * out.row() + s.first * out.pixel(),
                     s.last - s.first, layouts_);
  }

  const PixelsOf<From, To>& step_;
  Layouts layouts_;
  Strips strips_;
};

template <class From, class To>
std::unique_ptr<const BoundStep> PixelsOf<From, To>::bind(const Layouts& layouts) const {
  return std::make_unique<BoundPixels<From, To>>(*this, layouts);
}

}  // namespace cnnfast
