// Steps between float32 and bytes, and what all steps on bytes check.
#include <cmath>
#include <limits>

#include "../cpu.hpp"
#include "flops.hpp"
#include "pixels.hpp"
#include "quantized.hpp"

namespace cnnfast {

namespace {

constexpr float kLargestByte = 255;
constexpr float kLargestWeight = 127;

class Quantize final : public PixelsOf<float, std::uint8_t> {
 public:
  Quantize(const Dims& in, float factor, float zero_point)
      : PixelsOf({.name = "quantize", .makes = Element::uint8, .fill = zero_point}, in, kOperation),
        factor_(factor) {}

  void run_pixels(const float* from, std::uint8_t* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    quantized_kernels().quantize(from, to, pixels * layouts.in[0].channels, factor_,
                                 layouts.out.fill);
  }

 private:
  float factor_;
};

class Dequantize final : public PixelsOf<std::uint8_t, float> {
 public:
  Dequantize(const Dims& in, float scale)
      : PixelsOf({.name = "dequantize", .takes = Element::uint8}, in, kOperation), scale_(scale) {}

  void run_pixels(const std::uint8_t* from, float* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    quantized_kernels().dequantize(from, to, pixels * layouts.in[0].channels, scale_,
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
