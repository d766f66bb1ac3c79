// Sums and products of bytes, tables, scales by channel.
#include <cmath>
#include <utility>

#include "flops.hpp"
#include "lane_order.hpp"
#include "pixels.hpp"

namespace cnnfast {

namespace {

constexpr double kRoundingFlops = 3 * kOperation;
constexpr float kLargestByte = 255;

// Rows of pixels where y is one of them, else of so many numbers.
class QuantizedPair final : public RowsOf<std::uint8_t> {
 public:
  using Kernel = void (*)(const QuantizedPairTask&);

  QuantizedPair(const char* name, Kernel kernel, const QuantizedPairSpec& spec)
      : RowsOf({.name = name,
                .takes = Element::uint8,
                .makes = Element::uint8,
                .fill = spec.rounding.fill(),
                .overwrites = true},
               rows_of(spec)),
        kernel_(kernel),
        numbers_(count(spec.x)),
        row_(repeats(spec) ? spec.x.back() : kRow),
        repeats_(repeats(spec)) {
    task_.x_zero_point = static_cast<float>(spec.x_zero_point);
    task_.y_zero_point = static_cast<float>(spec.y_zero_point);
    task_.x_multiplier = spec.rounding.multiplier[0];
    task_.y_multiplier = spec.y_multiplier;
    task_.rounding = one_of(spec.rounding);
  }

  Cost cost() const override {
    const auto numbers = static_cast<double>(numbers_);
    return {.flops = numbers,
            .own_flops = numbers * (kRoundingFlops + 2 * kOperation),
            .weight_bytes = 0,
            .moved_bytes = (repeats_ ? 2 : 3) * numbers};
  }

 protected:
  void run_image_rows(const PerInput<const std::uint8_t*>& in, std::uint8_t* out,
                      std::int64_t first, std::int64_t last) const override {
    QuantizedPairTask task = task_;
    task.x = in[0] + first * row_;
    task.y = in[1] + (repeats_ ? 0 : first * row_);
    task.out = out + first * row_;
    task.rows = repeats_ ? last - first : 1;
    task.n = repeats_ ? row_ : std::min(last * row_, numbers_) - first * row_;
    kernel_(task);
  }

 private:
  static constexpr std::int64_t kRow = 4096;

  static bool repeats(const QuantizedPairSpec& spec) { return spec.x != spec.y; }
  static std::int64_t rows_of(const QuantizedPairSpec& spec) {
    const std::int64_t row = repeats(spec) ? spec.x.back() : kRow;
    return (count(spec.x) + row - 1) / row;
  }

  Kernel kernel_;
  std::int64_t numbers_;
  std::int64_t row_;
  bool repeats_;
  QuantizedPairTask task_ = {};
};

std::unique_ptr<const Step> make_pair(const char* name, QuantizedPair::Kernel kernel,
                                      const QuantizedPairSpec& spec) {
  const bool pixel = !spec.x.empty() && !spec.y.empty() && spec.x.back() == spec.y.back() &&
                     count(spec.y) == spec.y.back();
  if (spec.x != spec.y && !pixel) {
    throw std::invalid_argument("the second operand has the shape of the first, or its channels");
  }
  if (!spec.rounding.zero_point) throw std::invalid_argument("a result in bytes has a zero point");
  check_rounding(spec.rounding, 1);
  return std::make_unique<QuantizedPair>(name, kernel, spec);
}

using BytePixels = PixelsOf<std::uint8_t>;

class LookUp final : public BytePixels {
 public:
  LookUp(const Dims& in, std::vector<std::uint8_t> table, float zero_point)
      : BytePixels(moving_traits<std::uint8_t>(
                       {.name = "look_up", .own_bytes = static_cast<std::int64_t>(table.size())},
                       zero_point),
                   in, kOperation),
        table_(std::move(table)) {}

  void run_pixels(const std::uint8_t* from, std::uint8_t* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    quantized_kernels().look_up(from, table_.data(), to, pixels * layouts.in[0].channels);
  }

 private:
  std::vector<std::uint8_t> table_;
};

// By channel, for so many neighbouring pixels as one.
class PlacedScale {
 public:
  PlacedScale(const Rounding& rounding, const std::vector<float>& offset, std::int64_t pixels)
      : channels_(pixels * static_cast<std::int64_t>(offset.size())),
        rounding_(rounding, lane_order(channels_)),
        offset_(in_lane_order(lane_order(channels_), offset)) {
    for (std::size_t c = 0; c < offset.size(); ++c) {
      const float largest = kLargestByte * std::abs(rounding.multiplier[c]) + std::abs(offset[c]);
      if (!std::isnan(largest_) && !(largest <= largest_)) largest_ = largest;
    }
  }

  std::int64_t bytes() const { return rounding_.bytes() / 3 * 4; }
  QuantizedAffineTask task(std::int32_t zero_point) const {
    QuantizedAffineTask task = {};
    task.channels = channels_;
    task.x_zero_point = static_cast<float>(zero_point);
    task.offset = offset_.data();
    task.largest = largest_;
    task.rounding = rounding_.numbers();
    return task;
  }

 private:
  std::int64_t channels_;
  PlacedRounding rounding_;
  std::vector<float> offset_;
  float largest_ = 0;  // that a result can be, NaN where one is
};

// A few pixels with few channels are handled as one with many, to fill vectors.
class QuantizedAffine final : public BytePixels {
 public:
  QuantizedAffine(const Dims& in, std::int32_t in_zero_point, const std::vector<float>& offset,
                  const Rounding& rounding)
      : QuantizedAffine(in, in_zero_point, rounding, PlacedScale(rounding, offset, 1),
                        PlacedScale(rounding, offset, together(in))) {}

  void run_pixels(const std::uint8_t* from, std::uint8_t* to, std::int64_t pixels,
                  const Layouts& layouts) const override {
    const std::int64_t channels = layouts.in[0].channels;
    if (pixels < together_) return scale(one_, from, to, pixels);
    const std::int64_t whole = pixels / together_;
    scale(several_, from, to, whole);
    // The last ones with some of those before once more, which has the same result.
    if (whole * together_ == pixels) return;
    const std::int64_t last = (pixels - together_) * channels;
    scale(several_, from + last, to + last, 1);
  }

 private:
  QuantizedAffine(const Dims& in, std::int32_t in_zero_point, const Rounding& rounding,
                  PlacedScale one, PlacedScale several)
      : BytePixels(moving_traits<std::uint8_t>(
                       {.name = "quantized_affine", .own_bytes = one.bytes() + several.bytes()},
                       rounding.fill()),
                   in, kRoundingFlops + kOperation),
        together_(together(in)),
        in_zero_point_(in_zero_point),
        one_(std::move(one)),
        several_(std::move(several)) {}

  // Vectors that are enough for the last one to repeat few.
  static std::int64_t together(const Dims& in) {
    constexpr std::int64_t kVectors = 4;
    if (in.back() >= vector_bytes()) return 1;
    return (kVectors * vector_bytes() + in.back() - 1) / in.back();
  }

  void scale(const PlacedScale& by, const std::uint8_t* from, std::uint8_t* to,
             std::int64_t pixels) const {
    QuantizedAffineTask task = by.task(in_zero_point_);
    task.x = from;
    task.out = to;
    task.pixels = pixels;
    quantized_kernels().quantized_affine(task);
  }

  std::int64_t together_;
  std::int32_t in_zero_point_;
  PlacedScale one_;
  PlacedScale several_;
};

}  // namespace

std::unique_ptr<const Step> make_quantized_add(const QuantizedPairSpec& spec) {
  return make_pair("quantized_add", quantized_kernels().quantized_add, spec);
}

std::unique_ptr<const Step> make_quantized_multiply(const QuantizedPairSpec& spec) {
  return make_pair("quantized_multiply", quantized_kernels().quantized_multiply, spec);
}

std::unique_ptr<const Step> make_look_up(const Dims& in, std::vector<std::uint8_t> table,
                                         std::int32_t zero_point) {
  constexpr std::size_t kBytes = 256;
  if (table.size() != kBytes) throw std::invalid_argument("a table has a byte for each of 256");
  const Rounding rounding = unbounded(1, zero_point);
  check_rounding(rounding, 1);
  return std::make_unique<LookUp>(in, std::move(table), rounding.fill());
}

std::unique_ptr<const Step> make_quantized_affine(const Dims& in, std::int32_t in_zero_point,
                                                  const std::vector<float>& offset,
                                                  const Rounding& rounding) {
  if (in.empty()) throw std::invalid_argument("affine needs a channel axis");
  check_rounding(rounding, in.back());
  if (!rounding.zero_point || offset.size() != rounding.multiplier.size()) {
    throw std::invalid_argument("affine makes bytes, with an offset for each channel");
  }
  return std::make_unique<QuantizedAffine>(in, in_zero_point, offset, rounding);
}

}  // namespace cnnfast
