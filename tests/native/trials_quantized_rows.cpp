// Trials of the kernels of numbers in 8 bits that are no matrix products: depthwise convolution,
// pooling and means, elementwise operations. Answers are the same to the bit.
#include <memory>

#include "trials.hpp"

namespace cnnfast::trials {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::int32_t kZeroPoint = 101;
constexpr std::int32_t kInputZeroPoint = 37;
constexpr float kLower = -90;
constexpr float kUpper = 120;

Bytes random_bytes(std::int64_t n) {
  static std::mt19937 generator(20260201);
  std::uniform_int_distribution<int> draw(0, 255);
  Bytes numbers(static_cast<std::size_t>(n));
  for (std::uint8_t& number : numbers) number = static_cast<std::uint8_t>(draw(generator));
  return numbers;
}

int counted(const Bytes& x, std::int64_t i) {
  return x[static_cast<std::size_t>(i)] - kInputZeroPoint;
}

double byte_of(float r) {
  return std::nearbyint(static_cast<double>(std::clamp(r, kLower, kUpper)) + kZeroPoint);
}

ByteRounding rounding_of(float multiplier) { return {multiplier, kLower, kUpper, kZeroPoint}; }

// Channels at their places in vectors, as bytes.hpp has them; the last vector ends with the last.
std::vector<std::int64_t> places(const QuantizedKernels& k, std::int64_t channels) {
  const std::int64_t bytes = std::int64_t{4} * k.lanes;
  std::vector<std::int64_t> all;
  for (std::int64_t vector = 0; vector < channels; vector += bytes) {
    const std::int64_t first = std::min(vector, channels - bytes);
    for (std::int64_t i = 0; i < bytes; ++i) {
      const std::int64_t lane = i % k.lanes / 4;
      all.push_back(first + lane * 16 + i / k.lanes * 4 + i % 4);
    }
  }
  return all;
}

// A number for each channel at its places.
template <class T>
std::vector<T> placed(const std::vector<std::int64_t>& at, const std::vector<T>& numbers) {
  std::vector<T> all;
  for (const std::int64_t channel : at) all.push_back(numbers[static_cast<std::size_t>(channel)]);
  return all;
}

struct PlacedRounding {
  std::vector<float> multiplier;
  std::vector<float> lower;
  std::vector<float> upper;

  PlacedRounding(const std::vector<std::int64_t>& at, const Numbers& factors)
      : multiplier(placed(at, factors)), lower(at.size(), kLower), upper(at.size(), kUpper) {}
  ChannelRounding numbers() const {
    return {multiplier.data(), lower.data(), upper.data(), kZeroPoint, true};
  }
};

Trial in_bytes(double operations, std::function<void(std::uint8_t*)> run,
               std::vector<double> expected) {
  return {operations,
          [run = std::move(run)](float* out) { run(reinterpret_cast<std::uint8_t*>(out)); },
          std::move(expected), 0, true};
}

// A window of size x size pixels over a few rows, sliding or tap by tap.
class Depthwise {
 public:
  Depthwise(const QuantizedKernels& k, std::int64_t size, std::int64_t stride, bool sliding)
      : size_(size),
        stride_(stride),
        sliding_(sliding),
        together_(k.byte_products ? 4 : 2),
        rows_(sliding && stride == 1 ? 2 : 1),
        channels_(std::int64_t{12} * k.lanes + 5),
        row_((kWidth - 1) * stride + size),
        x_(random_bytes(((kHeight - 1) * stride + size) * row_ * channels_)),
        at_(places(k, channels_)),
        factors_(static_cast<std::size_t>(channels_), 0.0021F),
        rounding_(at_, factors_),
        lowest_(factors_.size(), static_cast<std::uint8_t>(kLower + kZeroPoint)),
        highest_(factors_.size(), static_cast<std::uint8_t>(kUpper + kZeroPoint)) {
    for (std::int64_t i = 0; i < size * size; ++i) {
      taps_.push_back((i / size * row_ + i % size) * channels_);
    }
    for (const std::uint8_t byte : random_bytes(size * size * channels_)) {
      weights_.push_back(byte / 2 - 63);
    }
    pack(std::int64_t{4} * k.lanes);
  }

  double operations() const {
    return 2.0 * static_cast<double>(kHeight * kWidth * size_ * size_ * channels_);
  }

  std::vector<double> expected() const {
    std::vector<double> all;
    for (std::int64_t i = 0; i < kHeight * kWidth * channels_; ++i) {
      const std::int64_t pixel = i / channels_;
      const std::int64_t start =
          (pixel / kWidth * row_ + pixel % kWidth) * stride_ * channels_ + i % channels_;
      std::int32_t sum = 0;
      for (std::int64_t tap = 0; tap < size_ * size_; ++tap) {
        sum += x_[static_cast<std::size_t>(start + taps_[static_cast<std::size_t>(tap)])] *
               weight(tap, i % channels_);
      }
      all.push_back(byte_of(static_cast<float>(sum) * factors_[0]));
    }
    return all;
  }

  void run(const QuantizedKernels& k, std::uint8_t* out) const {
    const std::vector<std::int32_t> offsets(at_.size());
    QuantizedDepthwiseTask task = {};
    task.x = x_.data();
    task.x_row = stride_ * row_ * channels_;
    task.x_pixel = stride_ * channels_;
    task.taps = taps_.data();
    task.tap_count = static_cast<std::int32_t>(taps_.size());
    if (sliding_) {
      task.sliding_size = static_cast<std::int32_t>(size_);
      task.sliding_stride = static_cast<std::int32_t>(stride_);
      task.sliding_rows = static_cast<std::int32_t>(rows_);
    }
    task.multiplier = 1;
    task.weights = words_.data();
    task.bias = offsets.data();
    task.rounding = rounding_.numbers();
    task.lowest = lowest_.data();
    task.highest = highest_.data();
    task.out = out;
    task.out_row = kWidth * channels_;
    task.out_pixel = channels_;
    task.width = kWidth;
    task.height = kHeight;
    task.channels = channels_;
    k.quantized_depthwise(task);
  }

 private:
  static constexpr std::int64_t kWidth = 15;
  static constexpr std::int64_t kHeight = 3;

  std::int32_t weight(std::int64_t tap, std::int64_t channel) const {
    return weights_[static_cast<std::size_t>(tap * channels_ + channel)];
  }

  // The taps of each group: neighbours down a column where it slides, else one after the other.
  std::vector<std::vector<std::int64_t>> groups() const {
    std::vector<std::vector<std::int64_t>> all;
    const std::int64_t taps = size_ * size_;
    for (std::int64_t first = 0; !sliding_ && first < taps; first += together_) {
      all.emplace_back();
      for (std::int64_t i = first; i < first + together_; ++i) {
        all.back().push_back(i < taps ? i : -1);
      }
    }
    for (std::int64_t row = 0; sliding_ && row < rows_; ++row) {
      for (std::int64_t first = 0; first < size_ + rows_ - 1; first += together_) {
        for (std::int64_t x = 0; x < size_; ++x) {
          all.emplace_back();
          for (std::int64_t y = first - row; y < first - row + together_; ++y) {
            all.back().push_back(0 <= y && y < size_ ? y * size_ + x : -1);
          }
        }
      }
    }
    return all;
  }

  void pack(std::int64_t vector) {
    const int bits = together_ == 4 ? 8 : 16;
    for (std::size_t first = 0; first < at_.size(); first += static_cast<std::size_t>(vector)) {
      for (const std::vector<std::int64_t>& group : groups()) {
        for (std::size_t i = first; i < first + static_cast<std::size_t>(vector); ++i) {
          std::uint32_t word = 0;
          for (std::size_t tap = 0; tap < group.size(); ++tap) {
            if (group[tap] < 0) continue;
            const auto number = static_cast<std::uint32_t>(weight(group[tap], at_[i]));
            word |= (number & ((1U << bits) - 1)) << (static_cast<int>(tap) * bits);
          }
          words_.push_back(word);
        }
      }
    }
  }

  std::int64_t size_;
  std::int64_t stride_;
  bool sliding_;
  std::int64_t together_;
  std::int64_t rows_;
  std::int64_t channels_;
  std::int64_t row_;
  Bytes x_;
  std::vector<std::int64_t> at_;
  Numbers factors_;
  PlacedRounding rounding_;
  Bytes lowest_;
  Bytes highest_;
  std::vector<std::int64_t> taps_;
  std::vector<std::int32_t> weights_;
  std::vector<std::uint32_t> words_;
};

Trial depthwise(const QuantizedKernels& k, std::int64_t size, std::int64_t stride, bool sliding) {
  const auto made = std::make_shared<Depthwise>(k, size, stride, sliding);
  return in_bytes(
      made->operations(), [made, &k](std::uint8_t* out) { made->run(k, out); }, made->expected());
}

// Windows of 3 columns over a row of pixels.
template <bool kMaximum>
Trial pool(const QuantizedKernels& k) {
  constexpr std::int64_t kWidth = 61;
  constexpr std::int64_t kChannels = 83;
  constexpr float kMultiplier = 1.25F;
  const Bytes x = random_bytes((kWidth + 2) * kChannels);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kWidth * kChannels; ++i) {
    const int a = counted(x, i);
    const int b = counted(x, i + kChannels);
    const int c = counted(x, i + 2 * kChannels);
    if (kMaximum) {
      expected.push_back(std::max({a, b, c}) + kInputZeroPoint);
    } else {
      expected.push_back(byte_of(static_cast<float>(a + b + c) * (kMultiplier / 3)));
    }
  }
  const auto run = [x, &k](std::uint8_t* out) {
    std::vector<Taps> taps;
    for (std::int64_t i = 0; i < kWidth; ++i) taps.push_back({i, 3});
    QuantizedPoolRow row = {};
    row.x = x.data();
    row.x_pixel = kChannels;
    row.x_width = kWidth + 2;
    row.rows = 1;
    row.taps = taps.data();
    row.dilation = 1;
    row.rounding = rounding_of(kMultiplier);
    row.x_zero_point = kInputZeroPoint;
    row.out = out;
    row.out_pixel = kChannels;
    row.width = kWidth;
    row.channels = kChannels;
    (kMaximum ? k.quantized_max_pool : k.quantized_average_pool)(row);
  };
  return in_bytes(3.0 * kWidth * kChannels, run, expected);
}

Trial mean(const QuantizedKernels& k) {
  constexpr std::int64_t kRows = 300;
  constexpr std::int64_t kColumns = 203;
  constexpr float kFactor = 1.5F / kRows;
  const Bytes x = random_bytes(kRows * kColumns);
  std::vector<double> expected;
  for (std::int64_t column = 0; column < kColumns; ++column) {
    int sum = 0;
    for (std::int64_t row = 0; row < kRows; ++row) sum += counted(x, row * kColumns + column);
    expected.push_back(byte_of(static_cast<float>(sum) * kFactor));
  }
  const auto run = [x, &k](std::uint8_t* out) {
    QuantizedMeanTask task = {};
    task.x = x.data();
    task.stride = kColumns;
    task.n = kRows;
    task.columns = kColumns;
    task.x_zero_point = kInputZeroPoint;
    task.rounding = rounding_of(kFactor);
    task.to_bytes = true;
    task.out = out;
    k.quantized_mean(task);
  };
  return in_bytes(static_cast<double>(kRows * kColumns), run, expected);
}

// Of many rows with one.
template <bool kSum>
Trial pair(const QuantizedKernels& k) {
  constexpr std::int64_t kRows = 40;
  constexpr std::int64_t kColumns = 203;
  constexpr float kFirst = kSum ? 0.7F : 0.013F;
  constexpr float kSecond = -0.4F;
  const Bytes x = random_bytes(kRows * kColumns);
  const Bytes y = random_bytes(kColumns);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kRows * kColumns; ++i) {
    const int a = counted(x, i);
    const int b = counted(y, i % kColumns);
    const float first = static_cast<float>(kSum ? a : a * b) * kFirst;
    const float second = static_cast<float>(b) * kSecond;
    expected.push_back(byte_of(kSum ? first + second : first));
  }
  const auto run = [x, y, &k](std::uint8_t* out) {
    QuantizedPairTask task = {};
    task.x = x.data();
    task.y = y.data();
    task.x_zero_point = kInputZeroPoint;
    task.y_zero_point = kInputZeroPoint;
    task.x_multiplier = kFirst;
    task.y_multiplier = kSecond;
    task.rounding = rounding_of(1);
    task.out = out;
    task.rows = kRows;
    task.n = kColumns;
    (kSum ? k.quantized_add : k.quantized_multiply)(task);
  };
  return in_bytes(static_cast<double>(kRows * kColumns), run, expected);
}

Trial affine(const QuantizedKernels& k) {
  constexpr std::int64_t kPixels = 40;
  constexpr std::int64_t kChannels = 203;
  const Bytes x = random_bytes(kPixels * kChannels);
  const Numbers factors = normal(kChannels);
  const Numbers offsets = normal(kChannels, 30);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kPixels * kChannels; ++i) {
    const auto channel = static_cast<std::size_t>(i % kChannels);
    const float product = static_cast<float>(counted(x, i)) * factors[channel];
    expected.push_back(byte_of(product + offsets[channel]));
  }
  const std::vector<std::int64_t> at = places(k, kChannels);
  const auto run = [=, &k](std::uint8_t* out) {
    const PlacedRounding rounding(at, factors);
    const Numbers placed_offsets = placed(at, offsets);
    QuantizedAffineTask task = {};
    task.x = x.data();
    task.out = out;
    task.pixels = kPixels;
    task.channels = kChannels;
    task.x_zero_point = kInputZeroPoint;
    task.offset = placed_offsets.data();
    task.largest = 1e4F;
    task.rounding = rounding.numbers();
    k.quantized_affine(task);
  };
  return in_bytes(2.0 * kPixels * kChannels, run, expected);
}

Trial look_up(const QuantizedKernels& k) {
  constexpr std::int64_t kNumbers = 5003;
  const Bytes x = random_bytes(kNumbers);
  const Bytes table = random_bytes(256);
  std::vector<double> expected;
  for (const std::uint8_t byte : x) expected.push_back(table[byte]);
  const auto run = [x, table, &k](std::uint8_t* out) {
    k.look_up(x.data(), table.data(), out, kNumbers);
  };
  return in_bytes(static_cast<double>(kNumbers), run, expected);
}

}  // namespace

std::vector<Named> quantized_row_trials() {
  std::vector<Named> all = {quantized("quantized_max_pool", pool<true>),
                            quantized("quantized_average_pool", pool<false>),
                            quantized("quantized_mean", mean),
                            quantized("quantized_add", pair<true>),
                            quantized("quantized_multiply", pair<false>),
                            quantized("quantized_affine", affine),
                            quantized("look_up", look_up)};
  const auto add = [&](const std::string& name, std::int64_t size, std::int64_t stride,
                       bool sliding) {
    all.push_back({"quantized_depthwise_" + name, nullptr,
                   [=](const QuantizedKernels& k) { return depthwise(k, size, stride, sliding); }});
  };
  add("taps", 3, 1, false);
  add("3_by_1", 3, 1, true);
  add("3_by_2", 3, 2, true);
  add("5_by_1", 5, 1, true);
  add("5_by_2", 5, 2, true);
  return all;
}

}  // namespace cnnfast::trials
