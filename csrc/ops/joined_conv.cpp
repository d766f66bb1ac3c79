// The direct convolution of joined pixels: where filters are few, neighbouring pixels of the output
// are taken as one with that many times the filters, which fill a vector, and a window over all of
// theirs.
#include "conv.hpp"

namespace cnnfast {

namespace {

// Rows of `filters` numbers, each `times` over.
std::vector<float> repeated(const float* row, std::int64_t filters, std::int64_t times) {
  std::vector<float> all;
  for (std::int64_t i = 0; row != nullptr && i < times; ++i) {
    all.insert(all.end(), row, row + filters);
  }
  return all;
}

// The kernel of one window for all joined windows side by side: [y][x][channel][pixel][filter],
// -0 where a pixel's own window does not reach, and nowhere else. `joined` is the window of all.
Packed pack_joined(const KernelRows& rows, const Window& own, const Window& joined,
                   std::int64_t channels, std::int64_t pixels) {
  const std::int64_t filters = rows.width();
  const std::int64_t depth = joined.height * joined.width * channels;
  Floats kernel(count({depth, pixels, filters}));
  std::fill(kernel.data(), kernel.data() + kernel.size(), -0.0F);
  Floats held;
  const KernelRows all = rows.all(held);
  const float* from = all.numbers();
  for (std::int64_t y = 0; y < joined.height; ++y) {
    for (std::int64_t i = 0; i < own.width * channels; ++i, from += filters) {
      for (std::int64_t p = 0; p < pixels; ++p) {
        const std::int64_t row = (y * joined.width + p * own.stride_x) * channels + i;
        std::transform(from, from + filters, kernel.data() + (row * pixels + p) * filters,
                       [](float weight) { return weight + 0.0F; });
      }
    }
  }
  return pack_kernel({kernel.data(), depth, pixels * filters}, 1, Element::float32);
}

}  // namespace

std::int64_t joined_pixels(const ConvSpec& spec) {
  if (spec.groups != 1 || spec.window.dilation_x != 1) return 1;
  const Tuning& tuning = kernels().tuning;
  for (std::int64_t pixels = tuning.most_joined; pixels > 1; --pixels) {
    if (spec.out[1] % pixels == 0 && pixels * spec.out[2] <= tuning.lanes) return pixels;
  }
  return 1;
}

std::unique_ptr<const Step> make_joined_conv2d(const ConvSpec& spec) {
  const std::int64_t pixels = joined_pixels(spec);
  const std::vector<float> bias = repeated(spec.bias, spec.out[2], pixels);
  const std::vector<float> scale = repeated(spec.scale, spec.out[2], pixels);
  const std::vector<float> shift = repeated(spec.shift, spec.out[2], pixels);
  ConvSpec joined = spec;
  joined.out = {spec.out[0], spec.out[1] / pixels, pixels * spec.out[2]};
  joined.window.width += (pixels - 1) * spec.window.stride_x;
  joined.window.stride_x *= pixels;
  joined.bias = bias.empty() ? nullptr : bias.data();
  joined.scale = scale.empty() ? nullptr : scale.data();
  joined.shift = shift.empty() ? nullptr : shift.data();
  const Window& window = joined.window;
  auto packed = spec.kernel.packed(
      Packing::joined, {pixels, window.height, window.width, spec.in[2], joined.out[2]},
      [&](const KernelRows& rows) {
        return pack_joined(rows, spec.window, window, spec.in[2], pixels);
      });
  return make_direct_conv2d(joined, std::move(packed), pixels);
}

}  // namespace cnnfast
