// Steps between float32 and bytes, and what all steps on bytes check.
#include <cmath>
#include <limits>

#include "../cpu.hpp"
#include "quantized.hpp"
#include "strips.hpp"

namespace cnnfast {

namespace {

constexpr float kLargestByte = 255;
constexpr float kLargestWeight = 127;

// Between tensors of these numbers, by strips of rows of pixels.
template <class From, class To>
class Converting : public Step {
 public:
  Converting(StepTraits traits, const Dims& in)
      : Step(by_pixels(std::move(traits))), numbers_(static_cast<double>(count(in))) {}

  Cost cost() const final {
    return {.flops = numbers_,
            .own_flops = numbers_,
            .weight_bytes = 0,
            .moved_bytes = (sizeof(From) + sizeof(To)) * numbers_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const final;

  virtual void convert(const From* from, To* to, std::int64_t numbers,
                       const Layouts& layouts) const = 0;

 private:
  static StepTraits by_pixels(StepTraits traits) {
    traits.reads = Access::bordered;
    traits.writes = Access::bordered;
    traits.rows = {Window{}};
    return traits;
  }

  double numbers_;
};

template <class From, class To>
class BoundConverting final : public BoundByRows {
 public:
  BoundConverting(const Converting<From, To>& step, const Layouts& layouts)
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
    step_.convert(w.in[0].numbers<From>(s.image) + s.row * in.row() + s.first * in.pixel(),
                  w.out.numbers<To>(s.image) + s.row * out.row() + s.first * out.pixel(),
                  (s.last - s.first) * in.channels, layouts_);
  }

  const Converting<From, To>& step_;
  Layouts layouts_;
  Strips strips_;
};

template <class From, class To>
std::unique_ptr<const BoundStep> Converting<From, To>::bind(const Layouts& layouts) const {
  return std::make_unique<BoundConverting<From, To>>(*this, layouts);
}

class Quantize final : public Converting<float, std::uint8_t> {
 public:
  Quantize(const Dims& in, float factor, float zero_point)
      : Converting({.name = "quantize", .makes = Element::uint8, .fill = zero_point}, in),
        factor_(factor) {}

  void convert(const float* from, std::uint8_t* to, std::int64_t numbers,
               const Layouts& layouts) const override {
    quantized_kernels().quantize(from, to, numbers, factor_, layouts.out.fill);
  }

 private:
  float factor_;
};

class Dequantize final : public Converting<std::uint8_t, float> {
 public:
  Dequantize(const Dims& in, float scale)
      : Converting({.name = "dequantize", .takes = Element::uint8}, in), scale_(scale) {}

  void convert(const std::uint8_t* from, float* to, std::int64_t numbers,
               const Layouts& layouts) const override {
    quantized_kernels().dequantize(from, to, numbers, scale_,
                                   static_cast<std::int32_t>(layouts.in[0].fill));
  }

 private:
  float scale_;
};

void check_zero_point(std::int32_t zero_point) {
  if (zero_point < 0 || static_cast<float>(zero_point) > kLargestByte) {
    throw std::invalid_argument("a zero point is a byte");
  }
}

}  // namespace

void check_rounding(const Rounding& rounding, std::int64_t channels) {
  const auto size = static_cast<std::size_t>(channels);
  if (rounding.multiplier.size() != size || rounding.lower.size() != size ||
      rounding.upper.size() != size) {
    throw std::invalid_argument("a multiplier and bounds are needed for each channel");
  }
  if (!rounding.zero_point) return;
  check_zero_point(*rounding.zero_point);
  const float zero_point = rounding.fill();
  for (std::size_t c = 0; c < size; ++c) {
    const float lower = rounding.lower[c];
    const float upper = rounding.upper[c];
    if (!(-zero_point <= lower && lower <= upper && upper <= kLargestByte - zero_point &&
          lower == std::nearbyint(lower) && upper == std::nearbyint(upper))) {
      throw std::invalid_argument("bounds are whole numbers that bytes hold, the lower one first");
    }
  }
}

Rounding unbounded(float multiplier, std::optional<std::int32_t> zero_point) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (!zero_point) return {{multiplier}, {-kInfinity}, {kInfinity}, zero_point};
  const auto zero = static_cast<float>(*zero_point);
  return {{multiplier}, {-zero}, {kLargestByte - zero}, zero_point};
}

std::int8_t integer_of(float weight) {
  if (!(std::abs(weight) <= kLargestWeight) || weight != std::nearbyint(weight)) {
    throw std::invalid_argument("weights in 8 bits are integers from -127 to 127");
  }
  return static_cast<std::int8_t>(weight);
}

std::unique_ptr<const Step> make_quantize(const Dims& in, float factor, std::int32_t zero_point) {
  check_zero_point(zero_point);
  return std::make_unique<Quantize>(in, factor, static_cast<float>(zero_point));
}

std::unique_ptr<const Step> make_dequantize(const Dims& in, float scale) {
  return std::make_unique<Dequantize>(in, scale);
}

}  // namespace cnnfast
