// Steps along rows of dense tensors: softmax, normalization, reduction.
#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

std::int64_t product(const Dims& dims, std::size_t first, std::size_t last) {
  return count(Dims(dims.begin() + static_cast<std::ptrdiff_t>(first),
                    dims.begin() + static_cast<std::ptrdiff_t>(last)));
}

class Softmax final : public RowsStep {
 public:
  explicit Softmax(const Dims& in)
      : RowsStep({.name = "softmax"}, product(in, 0, in.size() - 1)), length_(in.back()) {}
  Cost cost() const override {
    const auto numbers = static_cast<double>(rows() * length_);
    return {.flops = numbers,
            .own_flops = numbers * (kExp + kDivision + 3 * kOperation),
            .weight_bytes = 0,
            .moved_bytes = 2 * kFloatBytes * numbers};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    kernels().softmax(in[0] + first * length_, out + first * length_, last - first, length_);
  }

 private:
  std::int64_t length_;
};

class Normalize final : public RowsStep {
 public:
  Normalize(const Dims& in, NormalizationKind kind, float epsilon)
      : RowsStep({.name = "normalize"}, product(in, 0, in.size() - 1)),
        length_(in.back()),
        kind_(kind),
        epsilon_(epsilon) {}
  Cost cost() const override {
    const auto numbers = static_cast<double>(rows() * length_);
    return {.flops = numbers,
            .own_flops = numbers * 5 * kOperation,
            .weight_bytes = 0,
            .moved_bytes = 2 * kFloatBytes * numbers};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    kernels().normalize(kind_, in[0] + first * length_, out + first * length_, last - first,
                        length_, epsilon_);
  }

 private:
  std::int64_t length_;
  NormalizationKind kind_;
  float epsilon_;
};

// A unit is a strip of columns of one part; where there are several, all columns.
class Reduce final : public RowsStep {
 public:
  Reduce(const Reduction& of, std::int64_t parts, float divisor)
      : Reduce(of, parts, parts > 1 ? of.inner : kernels().tuning.reduced_columns, divisor) {}
  Cost cost() const override {
    const auto read = static_cast<double>(of_.outer * of_.n * of_.inner);
    const auto written = static_cast<double>(of_.outer * parts_ * of_.inner);
    return {.flops = read,
            .own_flops = read * kOperation,
            .weight_bytes = 0,
            .moved_bytes = kFloatBytes * (read + written)};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t column = row % strips_ * columns_;
      const std::int64_t to = row / strips_;
      const std::int64_t part = to % parts_;
      const std::int64_t start = of_.n * part / parts_;
      const std::int64_t end = of_.n * (part + 1) / parts_;
      kernels().reduce(of_.kind, in[0] + (to / parts_ * of_.n + start) * of_.inner + column,
                       of_.inner, out + to * of_.inner + column, end - start,
                       std::min(columns_, of_.inner - column), divisor_);
    }
  }

 private:
  Reduce(const Reduction& of, std::int64_t parts, std::int64_t columns, float divisor)
      : RowsStep({.name = "reduce"}, of.outer * parts * ((of.inner + columns - 1) / columns)),
        of_(of),
        parts_(parts),
        columns_(columns),
        strips_((of.inner + columns - 1) / columns),
        divisor_(divisor) {}

  Reduction of_;
  std::int64_t parts_;
  std::int64_t columns_;  // of a strip
  std::int64_t strips_;   // of a part
  float divisor_;
};

void need(bool good, const char* rule) {
  if (!good) throw std::invalid_argument(rule);
}

}  // namespace

std::unique_ptr<const Step> make_softmax(const Dims& in) {
  need(!in.empty() && in.back() > 0, "softmax needs an axis that is not empty");
  return std::make_unique<Softmax>(in);
}

std::unique_ptr<const Step> make_normalize(const Dims& in, NormalizationKind kind, float epsilon) {
  need(!in.empty() && in.back() > 0, "normalization needs an axis that is not empty");
  return std::make_unique<Normalize>(in, kind, epsilon);
}

Reduction reduction_of(const Dims& in, ReductionKind kind, int first, int last) {
  need(0 <= first && first < last && static_cast<std::size_t>(last) <= in.size(),
       "a reduction needs axes of its input");
  need(count(in) > 0, "a reduction needs numbers");
  const auto from = static_cast<std::size_t>(first);
  const auto to = static_cast<std::size_t>(last);
  return {kind, product(in, 0, from), product(in, from, to), product(in, to, in.size())};
}

// The order of a sum depends on it, so that no machine or instruction set has other numbers.
std::int64_t parts_of(const Reduction& of) {
  constexpr std::int64_t kLargeFloats = 32 * 1024;
  constexpr std::int64_t kLeastRows = 48;
  constexpr std::int64_t kManyRows = 1024;
  constexpr std::int64_t kWide = 2048;  // strips enough to share
  constexpr std::int64_t kParts = 8;
  if (of.outer > 1 || of.inner == 1 || of.inner >= kWide) return 1;
  if (of.n < kLeastRows || of.n * of.inner < kLargeFloats) return 1;
  return of.n < kManyRows ? kParts : 2 * kParts;
}

std::unique_ptr<const Step> make_reduce(const Reduction& of, std::int64_t parts, float divisor) {
  return std::make_unique<Reduce>(of, parts, divisor);
}

}  // namespace cnnfast
