// Steps that go over images row by row: activation, scale and shift, copy.
#include <cstring>

#include "../cpu.hpp"
#include "../memory.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "strips.hpp"

namespace cnnfast {

namespace {

// Calls run_pixels(from, to, pixels) for strips of rows of pixels.
class PixelStep : public Step {
 public:
  // `flops` for each number.
  PixelStep(StepTraits traits, const Dims& in, double flops)
      : Step(by_pixels(std::move(traits))),
        numbers_(static_cast<double>(count(in))),
        flops_(flops) {}

  Cost cost() const final {
    return {.flops = numbers_,
            .own_flops = numbers_ * flops_,
            .weight_bytes = 0,
            .moved_bytes = 2 * kFloatBytes * numbers_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const final;

  virtual void run_pixels(const float* from, float* to, std::int64_t pixels,
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

class BoundPixels final : public BoundByRows {
 public:
  BoundPixels(const PixelStep& step, const Layouts& layouts)
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
    step_.run_pixels(w.in[0].floats(s.image) + s.row * in.row() + s.first * in.pixel(),
                     w.out.floats(s.image) + s.row * out.row() + s.first * out.pixel(),
                     s.last - s.first, layouts_);
  }

  const PixelStep& step_;
  Layouts layouts_;
  Strips strips_;
};

std::unique_ptr<const BoundStep> PixelStep::bind(const Layouts& layouts) const {
  return std::make_unique<BoundPixels>(*this, layouts);
}

class Activate final : public PixelStep {
 public:
  Activate(const Dims& in, Activation activation)
      : PixelStep({.name = "activation"}, in, flops_of(activation.kind)), activation_(activation) {}

  void run_pixels(const float* from, float* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    kernels().activate(from, to, pixels * layouts.in[0].channels, activation_);
  }

 private:
  Activation activation_;
};

// A few pixels with few channels are handled as one with many, to fill vectors.
class Affine final : public PixelStep {
 public:
  Affine(const Dims& in, const float* scale, const float* shift, Activation activation)
      : PixelStep({.name = "affine", .own_bytes = float_bytes(2 * together(in) * in.back())}, in,
                  2 + flops_of(activation.kind)),
        together_(together(in)),
        activation_(activation) {
    const std::int64_t channels = in.back();
    for (std::int64_t i = 0; i < together_; ++i) {
      scale_.insert(scale_.end(), scale, scale + channels);
      shift_.insert(shift_.end(), shift, shift + channels);
    }
  }

  void run_pixels(const float* from, float* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    const std::int64_t channels = layouts.in[0].channels;
    const std::int64_t floats = together_ * channels;
    const std::int64_t whole = pixels / together_;
    const std::int64_t done = whole * floats;
    scale_pixels(from, to, whole, floats);
    scale_pixels(from + done, to + done, 1, pixels * channels - done);
  }

 private:
  static std::int64_t together(const Dims& in) {
    const std::int64_t few = kernels().tuning.few_channels;
    return in.back() < few ? few : 1;
  }

  void scale_pixels(const float* from, float* to, std::int64_t pixels, std::int64_t floats) const {
    kernels().affine(from, to, pixels, floats, floats, floats, scale_.data(), shift_.data(),
                     activation_);
  }

  std::int64_t together_;
  std::vector<float> scale_;
  std::vector<float> shift_;
  Activation activation_;
};

// Into the channels of the output from `start` on.
class Copy final : public PixelStep {
 public:
  Copy(const char* name, const Dims& in, std::int64_t start)
      : PixelStep({.name = name, .reads = Access::slice, .writes = Access::slice}, in, 0),
        start_(start) {}

  void run_pixels(const float* from, float* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    const Layout& in = layouts.in[0];
    const Layout& out = layouts.out;
    const bool together = in.pixel() == in.channels && out.pixel() == in.channels;
    const std::int64_t copies = together ? 1 : pixels;
    const auto bytes = static_cast<std::size_t>(pixels * in.channels / copies) * sizeof(float);
    for (std::int64_t x = 0; x < copies; ++x) {
      std::memcpy(to + start_ + x * out.pixel(), from + x * in.pixel(), bytes);
    }
  }

 private:
  std::int64_t start_;
};

}  // namespace

std::unique_ptr<const Step> make_activate(const Dims& in, Activation activation) {
  return std::make_unique<Activate>(in, activation);
}

std::unique_ptr<const Step> make_affine(const Dims& in, const float* scale, const float* shift,
                                        Activation activation) {
  return std::make_unique<Affine>(in, scale, shift, activation);
}

std::unique_ptr<const Step> make_copy(const Dims& in) {
  return std::make_unique<Copy>("copy", in, 0);
}

std::unique_ptr<const Step> make_place_channels(const Dims& in, std::int64_t start) {
  return std::make_unique<Copy>("concat", in, start);
}

}  // namespace cnnfast
