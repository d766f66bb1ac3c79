// Trials of products of pairs of bfloat16, or of what stands in for them.
#include "trials.hpp"
#include "words.hpp"

namespace cnnfast::trials {

namespace {

constexpr std::int64_t kDepth = 701;  // a zero stands behind the last number

// As bfloat16 has them.
Numbers rounded(const Numbers& numbers) {
  Numbers to(numbers.size());
  fill_words(numbers.data(), static_cast<std::int64_t>(numbers.size()), to.data(), 0, 1);
  return to;
}

// Number `part` of a word.
float number_of(float word, std::int64_t part, std::int64_t together) {
  if (together == 1) return word;
  const auto pair = std::bit_cast<std::uint32_t>(word);
  return std::bit_cast<float>(part == 1 ? pair & 0xffff0000U : pair << 16);
}

Trial round(const Kernels& k) {
  constexpr std::int64_t kRuns = 5;
  const Bfloat16Kernels& kernels = bfloat16_kernels_of(k);
  const Numbers x = normal(kRuns * kDepth);
  const Numbers expected = rounded(x);
  const auto run = [=, &kernels](float* out) {
    const std::int64_t words = words_of(kDepth, kernels.together);
    Numbers to(static_cast<std::size_t>(kRuns * words));
    kernels.round(x.data(), kDepth, to.data(), words, kRuns, kDepth);
    for (std::int64_t i = 0; i < kRuns * kDepth; ++i) {
      const std::int64_t place = i % kDepth;
      const std::int64_t word = i / kDepth * words + place / kernels.together;
      out[i] =
          number_of(to[static_cast<std::size_t>(word)], place % kernels.together, kernels.together);
    }
  };
  return {static_cast<double>(kRuns * kDepth), run, {expected.begin(), expected.end()}};
}

Trial conv(const Kernels& k) {
  constexpr std::int64_t kRows = 29;
  const Bfloat16Kernels& kernels = bfloat16_kernels_of(k);
  const std::int64_t columns = blocks_of(k, 1, 1).widest;
  const std::int64_t depth = words_of(kDepth, kernels.together);
  const Numbers x = rounded(normal(kRows * kDepth));
  const Numbers matrix = rounded(normal(kDepth * columns));
  const Numbers bias = normal(columns);
  Numbers inputs(static_cast<std::size_t>(kRows * depth));
  kernels.round(x.data(), kDepth, inputs.data(), depth, kRows, kDepth);
  Numbers weights(static_cast<std::size_t>(depth * columns));
  for (std::int64_t row = 0; row < kDepth; ++row) {
    fill_words(matrix.data() + row * columns, columns,
               weights.data() + row / kernels.together * columns, row % kernels.together,
               kernels.together);
  }
  std::vector<double> expected;
  for (std::int64_t i = 0; i < kRows * columns; ++i) {
    double sum = at(bias, i % columns);
    for (std::int64_t d = 0; d < kDepth; ++d) {
      sum += at(x, i / columns * kDepth + d) * at(matrix, d * columns + i % columns);
    }
    expected.push_back(sum);
  }
  const auto run = [=, &kernels](float* out) {
    const Span spans[] = {{0, 200}, {200, depth - 200}};
    const Chunk chunks[] = {{0, 1, spans[0].length}, {1, 2, spans[1].length}};
    ConvTask task = {};
    task.x = inputs.data();
    task.x_strides = {0, 0, depth};
    task.spans = spans;
    task.chunks = chunks;
    task.last_chunk = task.chunk_count = 2;
    task.weights = weights.data();
    task.epilogue.bias = bias.data();
    task.out = out;
    task.out_strides = {0, 0, columns};
    task.width = kRows;
    task.height = 1;
    task.columns = static_cast<std::int32_t>(columns);
    kernels.conv(task, 0, kRows);
  };
  return {2.0 * static_cast<double>(kRows * kDepth * columns), run, expected};
}

}  // namespace

std::vector<Named> bfloat16_trials() {
  return {{"bfloat16_round", round}, {"bfloat16_conv", conv}};
}

}  // namespace cnnfast::trials
