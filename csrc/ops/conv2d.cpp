// Which algorithm a convolution takes: the one whose estimate is the least. The numbers depend on
// the layer alone, never on threads or batch, which would change the bits.
#include <limits>

#include "conv.hpp"

namespace cnnfast {

namespace {

// Of a group: with fewer, products in bfloat16 save little.
constexpr std::int64_t kLeastRoundedChannels = 8;
constexpr std::int64_t kLeastRoundedFilters = 16;
// Tiles of six pixels an axis make four times of the rounding: where they save much alone.
constexpr std::int64_t kLeastInLargeTiles = 64;
constexpr std::int64_t kLargeTile = 6;
constexpr double kRoundingFlops = 6;  // to round a number of the input

// All in units of a flop of the register tile.
double weight_reading(double bytes) {
  const Tuning& tuning = kernels().tuning;
  return bytes > tuning.cached_weight_bytes ? bytes * tuning.flops_per_byte : 0;
}

double weight_count(const ConvSpec& spec) {
  const std::int64_t channels = spec.in[2] / spec.groups;
  return static_cast<double>(count({spec.window.height, spec.window.width, channels, spec.out[2]}));
}

double direct_estimate(const ConvSpec& spec) {
  const double weights = weight_count(spec);
  const Dims out = convolved(spec);
  const double pixels = static_cast<double>(out[0] * out[1]);
  return 2 * weights * pixels + weight_reading(kFloatBytes * weights);
}

// Beside a vector that is filled by one pixel's filters only in part: what each pixel takes of the
// window that it shares.
double joined_estimate(const ConvSpec& spec) {
  const auto pixels = static_cast<double>(joined_pixels(spec));
  const auto width = static_cast<double>(spec.window.width);
  const double shared = width + (pixels - 1) * static_cast<double>(spec.window.stride_x);
  return direct_estimate(spec) * shared / (width * pixels);
}

// Where a product of so many numbers takes the time of one.
template <int m, int together = 1>
double winograd_estimate(const ConvSpec& spec) {
  const WinogradForm form = winograd_form(spec, m).value();
  const Dims out = convolved(spec);
  const auto tiles = static_cast<double>(form.tiles_y(out[0]) * form.tiles_x(out[1]));
  const auto positions = static_cast<double>(form.positions());
  const Tuning& tuning = kernels().tuning;
  const double each = form.along_one_axis() ? tuning.line_transform_flops : tuning.transform_flops;
  const auto channels = static_cast<double>(spec.in[2]);
  const double words = channels / together;
  const auto filters = static_cast<double>(spec.out[2]);
  const double products = 2 * tiles * positions * (words + tuning.short_sum_flops) * filters;
  const double transforms = each * positions * tiles * (channels + filters);
  return products + transforms + weight_reading(kFloatBytes * positions * words * filters);
}

// Whether one image's products take less time than reading the weights, so that halving these pays.
bool bound_by_weights(const ConvSpec& spec) {
  const double weights = weight_count(spec);
  const Dims out = convolved(spec);
  const double pixels = static_cast<double>(out[0] * out[1]);
  return weight_reading(kFloatBytes * weights) > 2 * weights * pixels;
}

// What reads other weights than float32, or joins pixels, stores each pixel.
bool stores_each_pixel(const ConvSpec& spec) { return spec.pooling.side == 1; }

// In flops of float32, of which a product of pairs is worth one of numbers.
double bfloat16_estimate(const ConvSpec& spec) {
  const double weights = weight_count(spec);
  const Dims out = convolved(spec);
  const double pixels = static_cast<double>(out[0] * out[1]);
  return weights * pixels + kRoundingFlops * static_cast<double>(count(spec.in)) +
         weight_reading(kFloatBytes / 2 * weights);
}

// Not to a single pixel, as of a dense layer: what takes time there is reading the weights.
bool bfloat16_applies(const ConvSpec& spec) {
  const Dims out = convolved(spec);
  return spec.bfloat16 && out[0] * out[1] > 1 &&
         spec.in[2] / spec.groups >= kLeastRoundedChannels &&
         spec.out[2] / spec.groups >= kLeastRoundedFilters;
}

std::unique_ptr<const Step> make_direct(const ConvSpec& spec) {
  ConvSpec direct = spec;
  const Dims out = convolved(spec);
  if (spec.bfloat16 && spec.weight_dtype == Element::float32 && out[0] * out[1] == 1) {
    direct.weight_dtype = Element::bfloat16;
  }
  if (!stores_each_pixel(spec) || !bound_by_weights(spec)) direct.weight_dtype = Element::float32;
  return make_direct_conv2d(direct);
}

bool joining_applies(const ConvSpec& spec) {
  return stores_each_pixel(spec) && joined_pixels(spec) > 1;
}

template <int m>
std::unique_ptr<const Step> make_winograd(const ConvSpec& spec) {
  return make_winograd_conv2d(spec, m);
}

template <int m>
bool winograd_applies(const ConvSpec& spec) {
  return spec.winograd && winograd_form(spec, m).has_value();
}

template <int m>
bool bfloat16_winograd_applies(const ConvSpec& spec) {
  if (!bfloat16_applies(spec) || !winograd_applies<m>(spec)) return false;
  const WinogradForm form = winograd_form(spec, m).value();
  return std::max(form.rows(), form.columns()) < kLargeTile ||
         std::min(spec.in[2], spec.out[2]) >= kLeastInLargeTiles;
}

template <int m>
std::unique_ptr<const Step> make_bfloat16_winograd(const ConvSpec& spec) {
  return make_bfloat16_winograd_conv2d(spec, m);
}

struct Algorithm {
  const char* name;
  bool (*applies)(const ConvSpec&);
  double (*estimate)(const ConvSpec&);
  std::unique_ptr<const Step> (*make)(const ConvSpec&);
};

// The first takes any convolution; of equal estimates, the earlier wins.
constexpr Algorithm kAlgorithms[] = {
    {"direct", [](const ConvSpec&) { return true; }, direct_estimate, make_direct},
    {"joined", joining_applies, joined_estimate, make_joined_conv2d},
    {"winograd2", winograd_applies<2>, winograd_estimate<2>, make_winograd<2>},
    {"winograd4", winograd_applies<4>, winograd_estimate<4>, make_winograd<4>},
    {"direct_bfloat16", bfloat16_applies, bfloat16_estimate, make_bfloat16_conv2d},
    {"winograd2_bfloat16", bfloat16_winograd_applies<2>, winograd_estimate<2, 2>,
     make_bfloat16_winograd<2>},
    {"winograd4_bfloat16", bfloat16_winograd_applies<4>, winograd_estimate<4, 2>,
     make_bfloat16_winograd<4>},
};

}  // namespace

Dims convolved(const ConvSpec& spec) {
  const std::int64_t side = spec.pooling.side;
  return {side * spec.out[0], side * spec.out[1], spec.out[2]};
}

std::unique_ptr<const Step> make_conv2d(const ConvSpec& spec) {
  check_window(spec.window, spec.in, convolved(spec));
  if (!stores_each_pixel(spec) && spec.residual) {
    throw std::invalid_argument("a residual is added to what is not pooled yet");
  }
  if (spec.groups < 1 || spec.in[2] < 1 || spec.out[2] < 1 || spec.in[2] % spec.groups != 0 ||
      spec.out[2] % spec.groups != 0) {
    throw std::invalid_argument("groups must divide the channels and the filters");
  }
  const Algorithm* best = kAlgorithms;
  double least = std::numeric_limits<double>::infinity();
  ConvSpec chosen = spec;
  for (const Algorithm& algorithm : kAlgorithms) {
    if (!algorithm.applies(spec)) continue;
    const double estimate = algorithm.estimate(spec);
    chosen.candidates.push_back({algorithm.name, estimate});
    if (estimate >= least) continue;
    least = estimate;
    best = &algorithm;
  }
  std::unique_ptr<const Step> step = best->make(chosen);
  if (step != nullptr) return step;
  ConvSpec float32 = spec;  // weights that bfloat16 cannot hold
  float32.bfloat16 = false;
  return make_conv2d(float32);
}

}  // namespace cnnfast
