// Runs each kernel by its name, without a plan around it, on every instruction set of this machine:
// `kernels` compares the answers with loops written from the definition, `kernels --time` says how
// fast they come, `kernels --time softmax gemv` of these.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "cpu.hpp"
#include "kernels/column_blocks.hpp"

namespace {

using namespace cnnfast;
using Numbers = std::vector<float>;

// A kernel on some numbers. `out` is what it writes, `expected` the same from the definition.
struct Trial {
  double operations;
  std::function<void(float* out)> run;
  std::vector<double> expected;
};

Numbers normal(std::int64_t n) {
  static std::mt19937 generator(20240607);
  std::normal_distribution<float> draw;
  Numbers numbers(static_cast<std::size_t>(n));
  for (float& number : numbers) number = draw(generator);
  return numbers;
}

double at(const Numbers& numbers, std::int64_t i) { return numbers[static_cast<std::size_t>(i)]; }

ColumnBlocks blocks_of(const Kernels& k, std::int64_t rows, std::int64_t columns) {
  const Tuning& tuning = k.tuning;
  return {rows, columns, tuning.lanes, std::int64_t{tuning.tile_vectors} * tuning.lanes};
}

// rows x depth times depth x columns, and a bias that is readable to the end of its last vector.
struct Product {
  static constexpr std::int64_t kRows = 29;
  static constexpr std::int64_t kDepth = 700;
  std::int64_t columns;  // of one whole block
  Numbers x = normal(kRows * kDepth);
  Numbers matrix;
  Numbers packed;
  Numbers bias;
  std::vector<double> expected;

  explicit Product(const Kernels& k)
      : columns(blocks_of(k, kDepth, 1).widest),
        matrix(normal(kDepth * columns)),
        packed(matrix),
        bias(normal(columns)) {
    for (std::int64_t row = 0; row < kRows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        double sum = at(bias, column);
        for (std::int64_t i = 0; i < kDepth; ++i) {
          sum += at(x, row * kDepth + i) * at(matrix, i * columns + column);
        }
        expected.push_back(sum);
      }
    }
  }
};

Trial conv(const Kernels& k) {
  const Product p(k);
  const auto run = [p, &k](float* out) {
    const std::int64_t chunk = k.tuning.chunk_depth;
    const Span spans[] = {{0, chunk}, {chunk, Product::kDepth - chunk}};
    const Chunk chunks[] = {{0, 1, spans[0].length}, {1, 2, spans[1].length}};
    ConvTask task = {};
    task.x = p.x.data();
    task.x_strides = {0, 0, Product::kDepth};
    task.spans = spans;
    task.chunks = chunks;
    task.last_chunk = task.chunk_count = 2;
    task.weights = p.packed.data();
    task.epilogue.bias = p.bias.data();
    task.out = out;
    task.out_strides = {0, 0, p.columns};
    task.width = Product::kRows;
    task.height = 1;
    task.columns = static_cast<std::int32_t>(p.columns);
    k.conv(task, 0, Product::kRows);
  };
  return {2.0 * Product::kRows * Product::kDepth * static_cast<double>(p.columns), run, p.expected};
}

Trial gemv(const Kernels& k) {
  const Product p(k);
  const auto run = [p, &k](float* out) {
    GemvTask task = {};
    task.x = p.x.data();
    task.depth = Product::kDepth;
    task.weights = p.packed.data();
    task.epilogue.bias = p.bias.data();
    task.out = out;
    task.columns = p.columns;
    k.gemv[static_cast<int>(Element::float32)](task, 0, 1);
  };
  return {2.0 * Product::kDepth * static_cast<double>(p.columns),
          run,
          {p.expected.begin(), p.expected.begin() + p.columns}};
}

Trial multiply_row(const Kernels& k) {
  const Product p(k);
  std::vector<double> expected(p.expected.begin(), p.expected.begin() + p.columns);
  for (std::int64_t i = 0; i < p.columns; ++i) {
    expected[static_cast<std::size_t>(i)] -= at(p.bias, i);
  }
  const auto run = [p, &k](float* out) {
    k.multiply_row(p.x.data(), {p.matrix.data(), p.columns, 0, Product::kDepth}, out);
  };
  return {2.0 * Product::kDepth * static_cast<double>(p.columns), run, expected};
}

Trial pack_columns(const Kernels& k) {
  constexpr std::int64_t kRows = 37;
  const std::int64_t columns = 2 * blocks_of(k, kRows, 1).widest + 3;
  const ColumnBlocks blocks = blocks_of(k, kRows, columns);
  const Numbers matrix = normal(kRows * columns);
  std::vector<double> expected(static_cast<std::size_t>(blocks.size()));
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    for (std::int64_t i = 0; i < kRows * blocks.stored(block); ++i) {
      const std::int64_t row = i / blocks.stored(block);
      const std::int64_t column = i % blocks.stored(block);
      expected[static_cast<std::size_t>(blocks.place(block, row) + column)] =
          at(matrix, row * columns + blocks.first(block) + column);
    }
  }
  const auto run = [matrix, columns, &k](float* out) {
    k.pack_columns({matrix.data(), columns, 0, kRows}, kRows, out);
  };
  return {static_cast<double>(kRows * columns), run, expected};
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

Trial depthwise(const Kernels& k) {
  constexpr std::int64_t kWidth = 31;
  const std::int64_t channels = std::int64_t{3} * k.tuning.lanes;
  const Numbers x = normal((kWidth + 2) * channels);
  const Numbers weights = normal(3 * channels);
  const Numbers bias = normal(channels);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kWidth * channels; ++i) {
    double sum = at(bias, i % channels);
    for (std::int64_t tap = 0; tap < 3; ++tap) {
      sum += at(x, i + tap * channels) * at(weights, tap * channels + i % channels);
    }
    expected.push_back(sum);
  }
  const auto run = [=, &k](float* out) {
    const std::int64_t taps[] = {0, channels, 2 * channels};
    DepthwiseTask task = {};
    task.x = x.data();
    task.x_pixel = channels;
    task.taps = taps;
    task.tap_count = 3;
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
  return {6.0 * kWidth * static_cast<double>(channels), run, expected};
}

constexpr std::int64_t kRows = 17;
constexpr std::int64_t kLength = 301;

// One number of the output for each of kRows x kLength numbers, from those and where it stands.
template <class Run, class Definition>
Trial each_number(const Run& run, const Definition& definition) {
  const Numbers x = normal(kRows * kLength);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kRows * kLength; ++i) expected.push_back(definition(x, i));
  return {static_cast<double>(kRows * kLength), [=](float* out) { run(x.data(), out); }, expected};
}

double row_sum(const Numbers& x, std::int64_t i, const std::function<double(double)>& f) {
  double sum = 0;
  for (std::int64_t j = 0; j < kLength; ++j) sum += f(at(x, i / kLength * kLength + j));
  return sum;
}

Trial activate(const Kernels& k) {
  return each_number(
      [&k](const float* x, float* out) {
        k.activate(x, out, kRows * kLength, {ActivationKind::sigmoid, 0, 0});
      },
      [](const Numbers& x, std::int64_t i) { return 1 / (1 + std::exp(-at(x, i))); });
}

Trial affine(const Kernels& k) {
  const Numbers scale = normal(kLength);
  const Numbers shift = normal(kLength);
  return each_number(
      [=, &k](const float* x, float* out) {
        k.affine(x, out, kRows, kLength, kLength, kLength, scale.data(), shift.data(), {});
      },
      [=](const Numbers& x, std::int64_t i) {
        return at(x, i) * at(scale, i % kLength) + at(shift, i % kLength);
      });
}

Trial softmax(const Kernels& k) {
  return each_number([&k](const float* x, float* out) { k.softmax(x, out, kRows, kLength); },
                     [](const Numbers& x, std::int64_t i) {
                       return std::exp(at(x, i)) /
                              row_sum(x, i, [](double y) { return std::exp(y); });
                     });
}

Trial normalize(const Kernels& k) {
  constexpr float kEpsilon = 1e-3F;
  return each_number(
      [&k](const float* x, float* out) {
        k.normalize(NormalizationKind::rms, x, out, kRows, kLength, kEpsilon);
      },
      [](const Numbers& x, std::int64_t i) {
        const double mean = row_sum(x, i, [](double y) { return y * y; }) / kLength;
        return at(x, i) / std::sqrt(mean + kEpsilon);
      });
}

Trial binary(const Kernels& k) {
  const Numbers y = normal(kLength);
  return each_number(
      [=, &k](const float* x, float* out) {
        k.binary({BinaryKind::subtract, x, 1, kLength, y.data(), 1, 0, out, kRows, kLength});
      },
      [=](const Numbers& x, std::int64_t i) { return at(x, i) - at(y, i % kLength); });
}

Trial reduce(const Kernels& k) {
  const Numbers x = normal(kRows * kLength);
  std::vector<double> expected(static_cast<std::size_t>(kLength));
  for (std::int64_t i = 0; i < kRows * kLength; ++i) {
    expected[static_cast<std::size_t>(i % kLength)] += at(x, i) / kRows;
  }
  const auto run = [x, &k](float* out) {
    k.reduce(ReductionKind::mean, x.data(), kLength, out, kRows, kLength, kRows);
  };
  return {static_cast<double>(kRows * kLength), run, expected};
}

Trial weighted_sum(const Kernels& k) {
  const Numbers x = normal(kRows * kLength);
  const Numbers weights = normal(3);
  const std::vector<std::int32_t> rows = {2, 11, 5};
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kLength; ++i) {
    double sum = 0;
    for (std::size_t tap = 0; tap < rows.size(); ++tap) {
      sum += weights[tap] * at(x, rows[tap] * kLength + i);
    }
    expected.push_back(sum);
  }
  const auto run = [=, &k](float* out) {
    k.weighted_sum(x.data(), kLength, rows.data(), weights.data(), 3, out, kLength);
  };
  return {6.0 * kLength, run, expected};
}

struct Named {
  const char* name;
  Trial (*make)(const Kernels&);
};

constexpr Named kTrials[] = {
    {"conv", conv},
    {"gemv", gemv},
    {"multiply_row", multiply_row},
    {"pack_columns", pack_columns},
    {"max_pool", pool<true>},
    {"average_pool", pool<false>},
    {"depthwise", depthwise},
    {"activate", activate},
    {"affine", affine},
    {"softmax", softmax},
    {"normalize", normalize},
    {"binary", binary},
    {"reduce", reduce},
    {"weighted_sum", weighted_sum},
};

bool is_right(const Trial& trial) {
  Numbers out(trial.expected.size(), NAN);
  trial.run(out.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double scale = std::max(1.0, std::abs(trial.expected[i]));
    if (!(std::abs(out[i] - trial.expected[i]) <= 1e-4 * scale)) return false;
  }
  return true;
}

// Operations in a nanosecond, the best of many.
double speed_of(const Trial& trial) {
  using Clock = std::chrono::steady_clock;
  Numbers out(trial.expected.size());
  double best = 0;
  const auto end = Clock::now() + std::chrono::milliseconds(50);
  while (Clock::now() < end) {
    const auto start = Clock::now();
    for (int i = 0; i < 10; ++i) trial.run(out.data());
    const std::chrono::duration<double, std::nano> spent = Clock::now() - start;
    best = std::max(best, 10 * trial.operations / spent.count());
  }
  return best;
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> asked(words + 1, words + count);
  const auto is_asked = [&](const char* word) {
    return std::find(asked.begin(), asked.end(), word) != asked.end();
  };
  const bool timed = is_asked("--time");
  const bool all = asked.size() == (timed ? 1 : 0);
  int passed = 0;
  int failed = 0;
  for (const std::string& isa : available_isas()) {
    const Kernels& kernels = kernels_of(isa);
    for (const Named& named : kTrials) {
      if (!all && !is_asked(named.name)) continue;
      const Trial trial = named.make(kernels);
      const bool right = is_right(trial);
      ++(right ? passed : failed);
      if (!right) std::printf("FAILED %s on %s\n", named.name, isa.c_str());
      if (timed) std::printf("%-12s %-14s %8.2f\n", isa.c_str(), named.name, speed_of(trial));
    }
  }
  std::printf("%d kernels, %d failed\n", passed + failed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
