// Trials of rows of numbers: activations, normalizations, reductions; and of the machine's own
// speed.
#include "trials.hpp"

namespace cnnfast::trials {

namespace {

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

// The flops that it says it did, for twice as many rounds; how fast is the machine's peak.
Trial fma_chain(const Kernels& k) {
  constexpr std::int64_t kRounds = 1000;
  const double flops = k.fma_chain(kRounds);
  const auto run = [flops, &k](float* out) {
    *out = static_cast<float>(k.fma_chain(2 * kRounds) / flops);
  };
  return {2 * flops, run, {2}};
}

Trial read_all(const Kernels& k) {
  const Numbers x = normal(std::int64_t{8} * k.tuning.lanes * 50);
  double sum = 0;
  for (const float number : x) sum += static_cast<double>(number);
  const auto run = [x, &k](float* out) {
    *out = k.read_all(x.data(), static_cast<std::int64_t>(x.size()));
  };
  return {static_cast<double>(x.size()), run, {sum}};
}

}  // namespace

std::vector<Named> row_trials() {
  return {{"activate", activate},         {"affine", affine},       {"softmax", softmax},
          {"normalize", normalize},       {"binary", binary},       {"reduce", reduce},
          {"weighted_sum", weighted_sum}, {"fma_chain", fma_chain}, {"read_all", read_all}};
}

}  // namespace cnnfast::trials
