// Trials of windows over images: Winograd's algorithm, pooling behind a convolution and alone,
// depthwise convolution.
#include "ops/conv.hpp"
#include "trials.hpp"
#include "words.hpp"

namespace cnnfast::trials {

namespace {

// A convolution of one column block over an image that is large enough for the window.
struct Convolution {
  std::int64_t height;  // of its output, before a pooling
  std::int64_t width;
  std::int64_t taps_y;
  std::int64_t taps_x;
  std::int64_t channels;
  std::int64_t filters;
  std::int64_t row;  // pixels of the image
  Numbers x;
  Numbers kernel = normal(taps_y * taps_x * channels * filters);
  Numbers bias = normal(filters);

  double operations() const {
    return 2.0 * static_cast<double>(height * width * taps_y * taps_x * channels * filters);
  }
  Strides strides() const { return {0, row * channels, channels}; }

  double sum(std::int64_t y, std::int64_t x_at, std::int64_t filter) const {
    double total = at(bias, filter);
    for (std::int64_t tap = 0; tap < taps_y * taps_x; ++tap) {
      const std::int64_t pixel = (y + tap / taps_x) * row + x_at + tap % taps_x;
      for (std::int64_t c = 0; c < channels; ++c) {
        total += at(x, pixel * channels + c) * at(kernel, (tap * channels + c) * filters + filter);
      }
    }
    return total;
  }

  // Of each side x side pixels the largest.
  std::vector<double> expected(std::int64_t side) const {
    std::vector<double> maxima;
    for (std::int64_t i = 0; i < height / side * (width / side) * filters; ++i) {
      const std::int64_t pixel = i / filters;
      const std::int64_t top = pixel / (width / side) * side;
      const std::int64_t left = pixel % (width / side) * side;
      double largest = -INFINITY;
      for (std::int64_t at = 0; at < side * side; ++at) {
        largest = std::max(largest, sum(top + at / side, left + at % side, i % filters));
      }
      maxima.push_back(largest);
    }
    return maxima;
  }
};

Trial conv_pool(const Kernels& k) {
  constexpr std::int64_t kChannels = 24;
  const std::int64_t filters = blocks_of(k, 1, 1).widest;
  const Convolution c = {10, 14, 3, 3, kChannels, filters, 16, normal(12 * 16 * kChannels)};
  const auto run = [=, &k](float* out) {
    const std::int64_t length = c.taps_x * c.channels;
    const Span spans[] = {
        {0, length}, {c.row * c.channels, length}, {2 * c.row * c.channels, length}};
    const Chunk chunks[] = {{0, 2, 2 * length}, {2, 3, length}};
    ConvTask task = {};
    task.x = c.x.data();
    task.x_strides = c.strides();
    task.spans = spans;
    task.chunks = chunks;
    task.last_chunk = task.chunk_count = 2;
    task.weights = c.kernel.data();
    task.epilogue.bias = c.bias.data();
    task.epilogue.pooling.side = 2;
    task.out = out;
    task.width = c.width / 2;
    task.height = c.height / 2;
    task.out_strides = {0, task.width * filters, filters};
    task.columns = static_cast<std::int32_t>(filters);
    k.conv(task, 0, task.width * task.height);
  };
  return {c.operations(), run, c.expected(2)};
}

// [position][channel][filter].
Numbers transformed(const WinogradForm& form, const Convolution& c) {
  const std::vector<double> factors = winograd_transform(form);
  const std::int64_t taps = c.taps_y * c.taps_x;
  const std::int64_t numbers = c.channels * c.filters;
  Numbers weights;
  for (std::int64_t position = 0; position < form.positions(); ++position) {
    for (std::int64_t i = 0; i < numbers; ++i) {
      double weight = 0;
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        weight += factors[static_cast<std::size_t>(position * taps + tap)] *
                  at(c.kernel, tap * numbers + i);
      }
      weights.push_back(static_cast<float>(weight));
    }
  }
  return weights;
}

// [position][word][filter] of the same.
Numbers in_words(const Numbers& weights, std::int64_t positions, const Convolution& c,
                 std::int64_t together) {
  const std::int64_t words = words_of(c.channels, together);
  Numbers to(static_cast<std::size_t>(positions * words * c.filters));
  for (std::int64_t row = 0; row < positions * c.channels; ++row) {
    const std::int64_t channel = row % c.channels;
    const std::int64_t word = row / c.channels * words + channel / together;
    fill_words(weights.data() + row * c.filters, c.filters, to.data() + word * c.filters,
               channel % together, together);
  }
  return to;
}

// Tiles reach over the output's edges; a pooling of `side`. In bfloat16 transforms make several
// times of the rounding.
Trial winograd(const Kernels& k, std::size_t index, std::int32_t side, bool bfloat16) {
  const Bfloat16Kernels& pairs = bfloat16_kernels_of(k);
  const WinogradForm form = {bfloat16 ? &pairs.winograd[index] : &k.winograd[index]};
  const WinogradKernels& kernels = *form.kernels;
  const std::int64_t channels = k.tuning.lanes + 5;
  const std::int64_t filters = blocks_of(k, 1, 1).widest;
  constexpr std::int64_t kHeight = 10;
  constexpr std::int64_t kWidth = 14;
  const std::int64_t tiles_y = form.tiles_y(kHeight);
  const std::int64_t tiles_x = form.tiles_x(kWidth);
  const std::int64_t row = tiles_x * kernels.outputs_x + kernels.taps_x - 1;
  const std::int64_t rows = tiles_y * kernels.outputs_y + kernels.taps_y - 1;
  const Convolution c = {kHeight,
                         kWidth,
                         kernels.taps_y,
                         kernels.taps_x,
                         channels,
                         filters,
                         row,
                         normal(rows * row * channels)};
  Numbers weights = transformed(form, c);
  if (bfloat16) weights = in_words(weights, form.positions(), c, pairs.together);
  const std::int64_t words = bfloat16 ? words_of(channels, pairs.together) : channels;
  const auto run = [=, &kernels](float* out) {
    const std::int64_t tiles = tiles_y * tiles_x;
    Numbers inputs(static_cast<std::size_t>(form.positions() * tiles * words));
    Numbers products(static_cast<std::size_t>(form.positions() * tiles * filters));
    WinogradTask task = {};
    task.x = c.x.data();
    task.x_strides = c.strides();
    task.channels = channels;
    task.transformed = inputs.data();
    task.transformed_step = tiles * words;
    task.product = products.data();
    task.product_step = tiles * filters;
    task.weights = weights.data();
    task.epilogue.bias = c.bias.data();
    task.epilogue.pooling.side = side;
    task.out = out;
    task.out_strides = {0, kWidth / side * filters, filters};
    task.width = kWidth / side;
    task.height = kHeight / side;
    task.tiles_x = tiles_x;
    task.tiles_y = tiles_y;
    task.last = tiles;
    task.columns = static_cast<std::int32_t>(filters);
    kernels.input(task);
    kernels.output(task);
  };
  const auto products = static_cast<double>(c.taps_y * c.taps_x * channels);
  return {c.operations(), run, c.expected(side), bfloat16 ? 0.1 * std::sqrt(products) : 1e-4};
}

// Windows of 3 columns over a row of pixels.
template <bool kMaximum>
Trial pool(const Kernels& k) {
  constexpr std::int64_t kWidth = 61;
  constexpr std::int64_t kChannels = 21;
  const Numbers x = normal((kWidth + 2) * kChannels);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kWidth * kChannels; ++i) {
    const double a = at(x, i);
    const double b = at(x, i + kChannels);
    const double c = at(x, i + 2 * kChannels);
    expected.push_back(kMaximum ? std::max({a, b, c}) : (a + b + c) / 3);
  }
  const auto run = [x, &k](float* out) {
    std::vector<Taps> taps;
    for (std::int64_t i = 0; i < kWidth; ++i) taps.push_back({i, 3});
    Numbers columns(x.size());
    PoolRow row = {};
    row.x = x.data();
    row.x_pixel = kChannels;
    row.x_width = kWidth + 2;
    row.rows = 1;
    row.taps = taps.data();
    row.dilation = 1;
    row.columns = columns.data();
    row.out = out;
    row.out_pixel = kChannels;
    row.width = kWidth;
    row.channels = kChannels;
    (kMaximum ? k.max_pool : k.average_pool)(row);
  };
  return {3.0 * kWidth * kChannels, run, expected};
}

// Windows of size x size pixels, `sliding` or tap by tap.
Trial depthwise(const Kernels& k, std::int64_t size, std::int64_t stride, bool sliding) {
  constexpr std::int64_t kWidth = 31;
  const std::int64_t row = (kWidth - 1) * stride + size;
  const std::int64_t channels = std::int64_t{3} * k.tuning.lanes + 1;
  const Numbers x = normal(size * row * channels);
  const Numbers weights = normal(size * size * channels);
  const Numbers bias = normal(channels);
  std::vector<std::int64_t> taps;
  for (std::int64_t i = 0; i < size * size; ++i) {
    taps.push_back((i / size * row + i % size) * channels);
  }
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kWidth * channels; ++i) {
    const std::int64_t channel = i % channels;
    double sum = at(bias, channel);
    for (std::int64_t tap = 0; tap < size * size; ++tap) {
      sum +=
          at(x, i / channels * stride * channels + taps[static_cast<std::size_t>(tap)] + channel) *
          at(weights, tap * channels + channel);
    }
    expected.push_back(sum);
  }
  const auto run = [=, &k](float* out) {
    DepthwiseTask task = {};
    task.x = x.data();
    task.x_pixel = stride * channels;
    task.taps = taps.data();
    task.tap_count = static_cast<std::int32_t>(size * size);
    if (sliding) {
      task.sliding_size = static_cast<std::int32_t>(size);
      task.sliding_stride = static_cast<std::int32_t>(stride);
    }
    task.multiplier = 1;
    task.weights = weights.data();
    task.bias = bias.data();
    task.out = out;
    task.out_pixel = channels;
    task.width = kWidth;
    task.height = 1;
    task.channels = channels;
    k.depthwise(task);
  };
  return {2.0 * static_cast<double>(kWidth * size * size * channels), run, expected};
}

// What is the same for all instruction sets: which forms there are.
std::vector<Named> winograd_trials(bool bfloat16) {
  std::vector<Named> all;
  const auto text = [](int y, int x) { return std::to_string(y) + "x" + std::to_string(x); };
  for (std::size_t i = 0; i < std::size(kernels().winograd); ++i) {
    const WinogradKernels& form = kernels().winograd[i];
    const std::string name = (bfloat16 ? "bfloat16_winograd_" : "winograd_") +
                             text(form.outputs_y, form.outputs_x) + "_of_" +
                             text(form.taps_y, form.taps_x);
    all.push_back({name, [=](const Kernels& k) { return winograd(k, i, 1, bfloat16); }});
    if (form.outputs_y % 2 == 0 && form.outputs_x % 2 == 0) {
      all.push_back(
          {name + "_pool", [=](const Kernels& k) { return winograd(k, i, 2, bfloat16); }});
    }
  }
  return all;
}

}  // namespace

std::vector<Named> window_trials() {
  std::vector<Named> all = winograd_trials(false);
  const std::vector<Named> rounding = winograd_trials(true);
  all.insert(all.end(), rounding.begin(), rounding.end());
  all.push_back({"conv_pool", conv_pool});
  all.push_back({"max_pool", pool<true>});
  all.push_back({"average_pool", pool<false>});
  all.push_back({"depthwise_taps", [](const Kernels& k) { return depthwise(k, 3, 1, false); }});
  for (const std::int64_t size : {3, 5}) {
    for (const std::int64_t stride : {1, 2}) {
      const std::string name =
          "depthwise_" + std::to_string(size) + "_by_" + std::to_string(stride);
      all.push_back({name, [=](const Kernels& k) { return depthwise(k, size, stride, true); }});
    }
  }
  return all;
}

}  // namespace cnnfast::trials
