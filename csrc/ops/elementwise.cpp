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
  PixelStep(const Dims& in, double flops)
      : numbers_(static_cast<double>(count(in))), flops_(flops) {}

  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }
  // `flops` for each number.
  Cost cost() const override { return {numbers_, numbers_ * flops_, 0, 8 * numbers_}; }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    in_ = in[0];
    out_ = out;
    strips_ = {in_.height, in_.width, in_.channels};
  }

  std::int64_t units(std::int64_t images) const override { return strips_.count(images); }
  const Window* rows_window() const override {
    static const Window pixel;
    return &pixel;
  }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last; ++unit) run_strip(w, strips_.at(unit));
  }

  void run_rows(const Work& w) const override {
    for (std::int64_t y = w.first; y < w.last; ++y) run_strip(w, {0, y, 0, in_.width, true});
  }

 protected:
  virtual void run_pixels(const float* from, float* to, std::int64_t pixels) const = 0;

  Layout in_;
  Layout out_;

 private:
  void run_strip(const Work& w, const Strip& s) const {
    run_pixels(w.in[0].data + s.image * w.in[0].image + s.row * in_.row() + s.first * in_.pixel(),
               w.out.data + s.image * w.out.image + s.row * out_.row() + s.first * out_.pixel(),
               s.last - s.first);
  }

  double numbers_;
  double flops_;
  Strips strips_;
};

class Activate final : public PixelStep {
 public:
  Activate(const Dims& in, Activation activation)
      : PixelStep(in, flops_of(activation.kind)), activation_(activation) {}
  const char* name() const override { return "activation"; }

 protected:
  void run_pixels(const float* from, float* to, std::int64_t pixels) const override {
    kernels().activate(from, to, pixels * in_.channels, activation_);
  }

 private:
  Activation activation_;
};

// A few pixels with few channels are handled as one with many, to fill vectors.
class Affine final : public PixelStep {
 public:
  Affine(const Dims& in, const float* scale, const float* shift, Activation activation)
      : PixelStep(in, 2 + flops_of(activation.kind)),
        together_(in.back() < kFewChannels ? kFewChannels : 1),
        activation_(activation) {
    const std::int64_t channels = in.back();
    for (std::int64_t i = 0; i < together_; ++i) {
      scale_.insert(scale_.end(), scale, scale + channels);
      shift_.insert(shift_.end(), shift, shift + channels);
    }
  }
  const char* name() const override { return "affine"; }
  std::int64_t packed_bytes() const override {
    return static_cast<std::int64_t>((scale_.size() + shift_.size()) * sizeof(float));
  }

 protected:
  void run_pixels(const float* from, float* to, std::int64_t pixels) const override {
    const std::int64_t floats = together_ * in_.channels;
    const std::int64_t whole = pixels / together_;
    const std::int64_t done = whole * floats;
    scale_pixels(from, to, whole, floats);
    scale_pixels(from + done, to + done, 1, pixels * in_.channels - done);
  }

 private:
  static constexpr std::int64_t kFewChannels = 16;

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
      : PixelStep(in, 0), name_(name), start_(start) {}
  const char* name() const override { return name_; }
  bool reads_slices() const override { return true; }
  bool writes_slices() const override { return true; }

 protected:
  void run_pixels(const float* from, float* to, std::int64_t pixels) const override {
    const bool together = in_.pixel() == in_.channels && out_.pixel() == in_.channels;
    const std::int64_t pieces = together ? 1 : pixels;
    const auto bytes = static_cast<std::size_t>(pixels * in_.channels / pieces) * sizeof(float);
    for (std::int64_t x = 0; x < pieces; ++x) {
      std::memcpy(to + start_ + x * out_.pixel(), from + x * in_.pixel(), bytes);
    }
  }

 private:
  const char* name_;
  std::int64_t start_;
};

}  // namespace

std::unique_ptr<Step> make_activate(const Dims& in, Activation activation) {
  return std::make_unique<Activate>(in, activation);
}

std::unique_ptr<Step> make_affine(const Dims& in, const float* scale, const float* shift,
                                  Activation activation) {
  return std::make_unique<Affine>(in, scale, shift, activation);
}

std::unique_ptr<Step> make_copy(const Dims& in) { return std::make_unique<Copy>("copy", in, 0); }

std::unique_ptr<Step> make_place_channels(const Dims& in, std::int64_t start) {
  return std::make_unique<Copy>("concat", in, start);
}

}  // namespace cnnfast
