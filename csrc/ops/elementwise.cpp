// Steps that go over images row by row: activation, scale and shift, copy.
#include <cstring>

#include "../cpu.hpp"
#include "../memory.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

// Calls run_row(from, to) for each row of pixels.
class PixelRowStep : public Step {
 public:
  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    in_ = in[0];
    out_ = out;
  }

  std::int64_t units(std::int64_t images) const override { return images * in_.height; }
  const Window* rows_window() const override {
    static const Window pixel;
    return &pixel;
  }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      const std::int64_t image = unit / in_.height;
      const std::int64_t y = unit % in_.height;
      run_row(w.in[0].data + image * w.in[0].image + y * in_.row(),
              w.out.data + image * w.out.image + y * out_.row());
    }
  }

 protected:
  virtual void run_row(const float* from, float* to) const = 0;

  std::int64_t row_floats() const { return in_.width * in_.channels; }

  Layout in_;
  Layout out_;
};

class Activate final : public PixelRowStep {
 public:
  explicit Activate(Activation activation) : activation_(activation) {}
  const char* name() const override { return "activation"; }

 protected:
  void run_row(const float* from, float* to) const override {
    kernels().activate(from, to, row_floats(), activation_);
  }

 private:
  Activation activation_;
};

// A few pixels with few channels are handled as one with many, to fill vectors.
class Affine final : public PixelRowStep {
 public:
  Affine(std::int64_t channels, const float* scale, const float* shift, Activation activation)
      : together_(channels < kFewChannels ? kFewChannels : 1), activation_(activation) {
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
  void run_row(const float* from, float* to) const override {
    const std::int64_t floats = together_ * in_.channels;
    const std::int64_t whole = in_.width / together_;
    scale_pixels(from, to, whole, floats);
    scale_pixels(from + whole * floats, to + whole * floats, 1, row_floats() - whole * floats);
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
class Copy final : public PixelRowStep {
 public:
  Copy(const char* name, std::int64_t start) : name_(name), start_(start) {}
  const char* name() const override { return name_; }
  bool reads_slices() const override { return true; }
  bool writes_slices() const override { return true; }
  Cost cost() const override {
    return {.moved_bytes = 8 * static_cast<double>(in_.height * row_floats())};
  }

 protected:
  void run_row(const float* from, float* to) const override {
    const bool together = in_.pixel() == in_.channels && out_.pixel() == in_.channels;
    const std::int64_t pixels = together ? 1 : in_.width;
    const auto bytes = static_cast<std::size_t>(row_floats() / pixels) * sizeof(float);
    for (std::int64_t x = 0; x < pixels; ++x) {
      std::memcpy(to + start_ + x * out_.pixel(), from + x * in_.pixel(), bytes);
    }
  }

 private:
  const char* name_;
  std::int64_t start_;
};

}  // namespace

std::unique_ptr<Step> make_activate(Activation activation) {
  return std::make_unique<Activate>(activation);
}

std::unique_ptr<Step> make_affine(const Dims& in, const float* scale, const float* shift,
                                  Activation activation) {
  return std::make_unique<Affine>(in.back(), scale, shift, activation);
}

std::unique_ptr<Step> make_copy() { return std::make_unique<Copy>("copy", 0); }

std::unique_ptr<Step> make_place_channels(std::int64_t start) {
  return std::make_unique<Copy>("concat", start);
}

}  // namespace cnnfast
