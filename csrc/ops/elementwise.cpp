// Steps that go over images row by row: activation, scale and shift, copy.
#include <cstring>

#include "../cpu.hpp"
#include "../memory.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "pixels.hpp"

namespace cnnfast {

namespace {

using PixelStep = PixelsOf<float>;

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
template <class Number>
class Copy final : public PixelsOf<Number> {
 public:
  Copy(const char* name, const Dims& in, std::int64_t start)
      : PixelsOf<Number>(
            moving_traits<Number>({.name = name, .reads = Access::slice, .writes = Access::slice}),
            in, 0),
        start_(start) {}

  void run_pixels(const Number* from, Number* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    const Layout& in = layouts.in[0];
    const Layout& out = layouts.out;
    const bool together = in.pixel() == in.channels && out.pixel() == in.channels;
    const std::int64_t copies = together ? 1 : pixels;
    const auto bytes = static_cast<std::size_t>(pixels * in.channels / copies) * sizeof(Number);
    for (std::int64_t x = 0; x < copies; ++x) {
      std::memcpy(to + start_ + x * out.pixel(), from + x * in.pixel(), bytes);
    }
  }

 private:
  std::int64_t start_;
};

std::unique_ptr<const Step> make_copying(const char* name, const Dims& in, std::int64_t start,
                                         Element element) {
  return make_moving(element, [&]<class Number>(Number) -> std::unique_ptr<const Step> {
    return std::make_unique<Copy<Number>>(name, in, start);
  });
}

}  // namespace

std::unique_ptr<const Step> make_activate(const Dims& in, Activation activation) {
  return std::make_unique<Activate>(in, activation);
}

std::unique_ptr<const Step> make_affine(const Dims& in, const float* scale, const float* shift,
                                        Activation activation) {
  return std::make_unique<Affine>(in, scale, shift, activation);
}

std::unique_ptr<const Step> make_copy(const Dims& in, Element element) {
  return make_copying("copy", in, 0, element);
}

std::unique_ptr<const Step> make_place_channels(const Dims& in, std::int64_t start,
                                                Element element) {
  return make_copying("concat", in, start, element);
}

}  // namespace cnnfast
