// The operations on tensors of bytes, whose zero points are the fill values of their layouts.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ops.hpp"
#include "step.hpp"
#include "window.hpp"

namespace cnnfast {

// What becomes of sums by channel. Bounds of bytes are whole numbers, counted from the zero point.
struct Rounding {
  std::vector<float> multiplier;
  std::vector<float> lower;
  std::vector<float> upper;
  std::optional<std::int32_t> zero_point;  // of bytes that are stored; none for float32

  Element element() const { return zero_point ? Element::uint8 : Element::float32; }
  float fill() const { return zero_point ? static_cast<float>(*zero_point) : 0.0F; }
};
// std::invalid_argument where there are not so many of each, or bytes do not hold the bounds.
void check_rounding(const Rounding& rounding, std::int64_t channels);
// One for all numbers, with no bounds but those of what is stored.
Rounding unbounded(float multiplier, std::optional<std::int32_t> zero_point);

std::unique_ptr<const Step> make_quantize(const Dims& in, float factor, std::int32_t zero_point);
std::unique_ptr<const Step> make_dequantize(const Dims& in, float scale);

// `kernel` holds integers from -127 to 127, (height, width, channels / groups, filters).
struct QuantizedConvSpec {
  Dims in;
  std::int32_t in_zero_point;
  Dims out;
  Window window;
  std::int64_t groups;
  SharedKernel kernel;
  std::vector<std::int32_t> bias;
  Rounding rounding;
  // Of a second input, if there is one.
  bool residual = false;
  std::int32_t residual_zero_point = 0;
  float residual_multiplier = 0;
};
std::unique_ptr<const Step> make_quantized_conv2d(const QuantizedConvSpec& spec);

// `kernel` as above, (height, width, channels, multiplier); a bias of no numbers is one of zeros.
struct QuantizedDepthwiseSpec {
  Dims in;
  std::int32_t in_zero_point;
  Dims out;
  Window window;
  SharedKernel kernel;
  std::vector<std::int32_t> bias;
  Rounding rounding;
};
std::unique_ptr<const Step> make_quantized_depthwise_conv2d(const QuantizedDepthwiseSpec& spec);

// Averages are multiplied, and have a zero point of their own; a maximum keeps that of the input.
std::unique_ptr<const Step> make_quantized_pool2d(const Dims& in, const Dims& out,
                                                  const Window& window, PoolKind kind,
                                                  std::int32_t in_zero_point, float multiplier,
                                                  std::int32_t zero_point);
// Of (outer, n, inner) bytes the n to their mean; float32 without a zero point.
std::unique_ptr<const Step> make_quantized_mean(const Reduction& of, std::int32_t in_zero_point,
                                                float multiplier,
                                                std::optional<std::int32_t> zero_point);
// Of x and y; y has its shape, or its channels alone.
struct QuantizedPairSpec {
  Dims x;
  Dims y;
  std::int32_t x_zero_point;
  std::int32_t y_zero_point;
  float y_multiplier;  // of a sum
  Rounding rounding;   // one for all numbers, with the multiplier of x, or of a product
};
std::unique_ptr<const Step> make_quantized_add(const QuantizedPairSpec& spec);
std::unique_ptr<const Step> make_quantized_multiply(const QuantizedPairSpec& spec);
std::unique_ptr<const Step> make_look_up(const Dims& in, std::vector<std::uint8_t> table,
                                         std::int32_t zero_point);
std::unique_ptr<const Step> make_quantized_affine(const Dims& in, std::int32_t in_zero_point,
                                                  const std::vector<float>& offset,
                                                  const Rounding& rounding);

// Of a number in memory, which a kernel of weights in 8 bits must hold.
std::int8_t integer_of(float weight);

}  // namespace cnnfast
