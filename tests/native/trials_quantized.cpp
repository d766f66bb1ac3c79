// Trials of the kernels of numbers in 8 bits; answers are the same to the bit.
#include "trials.hpp"

namespace cnnfast::trials {

namespace {

constexpr std::int64_t kNumbers = 5000 + 3;
constexpr std::int32_t kZeroPoint = 101;

std::vector<std::uint8_t> bytes(std::int64_t n) {
  static std::mt19937 generator(20260131);
  std::uniform_int_distribution<int> draw(0, 255);
  std::vector<std::uint8_t> numbers(static_cast<std::size_t>(n));
  for (std::uint8_t& number : numbers) number = static_cast<std::uint8_t>(draw(generator));
  return numbers;
}

// Of what is relative to the zero point; bounds that are integers.
double byte_of(double r, double lower, double upper) {
  return std::nearbyint(std::clamp(r, lower, upper) + kZeroPoint);
}

Trial quantize(const QuantizedKernels& k) {
  constexpr float kFactor = 37.5F;
  const Numbers x = normal(kNumbers, 3);
  std::vector<double> expected;
  for (const float number : x) {
    expected.push_back(byte_of(number * kFactor, -kZeroPoint, 255 - kZeroPoint));
  }
  return {static_cast<double>(kNumbers),
          [=, &k](float* out) {
            k.quantize(x.data(), reinterpret_cast<std::uint8_t*>(out), kNumbers, kFactor,
                       kZeroPoint);
          },
          expected, 0, true};
}

Trial dequantize(const QuantizedKernels& k) {
  constexpr float kScale = 0.04F;
  const std::vector<std::uint8_t> x = bytes(kNumbers);
  std::vector<double> expected;
  for (const std::uint8_t number : x) {
    expected.push_back(static_cast<float>(number - kZeroPoint) * kScale);
  }
  return {static_cast<double>(kNumbers),
          [=, &k](float* out) { k.dequantize(x.data(), out, kNumbers, kScale, kZeroPoint); },
          expected};
}

}  // namespace

std::vector<Named> quantized_trials() {
  return {quantized("quantize", quantize), quantized("dequantize", dequantize)};
}

}  // namespace cnnfast::trials
