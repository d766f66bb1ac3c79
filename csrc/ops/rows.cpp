// Steps along rows of dense tensors: softmax, normalization, reduction, matrix products.
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
  explicit Softmax(const Dims& in) : RowsStep(product(in, 0, in.size() - 1)), length_(in.back()) {}
  const char* name() const override { return "softmax"; }
  Cost cost() const override {
    const auto numbers = static_cast<double>(rows() * length_);
    return {numbers, numbers * (kExp + kDivision + 3 * kOperation), 0, 8 * numbers};
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
      : RowsStep(product(in, 0, in.size() - 1)),
        length_(in.back()),
        kind_(kind),
        epsilon_(epsilon) {}
  const char* name() const override { return "normalize"; }
  Cost cost() const override {
    const auto numbers = static_cast<double>(rows() * length_);
    return {numbers, numbers * 5 * kOperation, 0, 8 * numbers};
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
      : Reduce(of, parts, parts > 1 ? of.inner : kColumns, divisor) {}
  const char* name() const override { return "reduce"; }
  Cost cost() const override {
    const auto read = static_cast<double>(of_.outer * of_.n * of_.inner);
    const auto written = static_cast<double>(of_.outer * parts_ * of_.inner);
    return {read, read * kOperation, 0, 4 * (read + written)};
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
  static constexpr std::int64_t kColumns = 64;

  Reduce(const Reduction& of, std::int64_t parts, std::int64_t columns, float divisor)
      : RowsStep(of.outer * parts * ((of.inner + columns - 1) / columns)),
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

// A row is one row of the product: the rows of b weighted by a row of a.
class MatMul final : public RowsStep {
 public:
  MatMul(const Dims& a, const Dims& b)
      : RowsStep(product(a, 0, a.size() - 1)), m_(a[a.size() - 2]), k_(a.back()), n_(b.back()) {
    for (std::int32_t k = 0; k < k_; ++k) order_.push_back(k);
  }
  const char* name() const override { return "matmul"; }
  Cost cost() const override {
    const double flops = 2 * static_cast<double>(rows() * k_ * n_);
    const std::int64_t read = rows() * k_ + rows() / m_ * k_ * n_;
    return {flops, flops, 0, 4 * static_cast<double>(read + rows() * n_)};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      kernels().weighted_sum(in[1] + row / m_ * k_ * n_, n_, order_.data(), in[0] + row * k_, k_,
                             out + row * n_, n_);
    }
  }

 private:
  std::int64_t m_;
  std::int64_t k_;
  std::int64_t n_;
  std::vector<std::int32_t> order_;  // 0, 1, 2, …
};

void need(bool good, const char* rule) {
  if (!good) throw std::invalid_argument(rule);
}

}  // namespace

std::unique_ptr<Step> make_softmax(const Dims& in) {
  need(!in.empty() && in.back() > 0, "softmax needs an axis that is not empty");
  return std::make_unique<Softmax>(in);
}

std::unique_ptr<Step> make_normalize(const Dims& in, NormalizationKind kind, float epsilon) {
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

std::int64_t parts_of(const Reduction& of) {
  constexpr std::int64_t kLarge = 32 * 1024;
  constexpr std::int64_t kEnough = 48;
  constexpr std::int64_t kMany = 1024;
  constexpr std::int64_t kWide = 2048;  // strips enough to share
  if (of.outer > 1 || of.inner == 1 || of.inner >= kWide) return 1;
  if (of.n < kEnough || of.n * of.inner < kLarge) return 1;
  return of.n < kMany ? 8 : 16;
}

std::unique_ptr<Step> make_reduce(const Reduction& of, std::int64_t parts, float divisor) {
  return std::make_unique<Reduce>(of, parts, divisor);
}

std::unique_ptr<Step> make_matmul(const Dims& a, const Dims& b, const Dims& out) {
  need(a.size() >= 2 && a.size() == b.size() && a.size() == out.size(),
       "matmul needs operands of one rank, at least 2");
  const std::size_t rank = a.size();
  for (std::size_t axis = 0; axis + 2 < rank; ++axis) {
    need(a[axis] == b[axis] && a[axis] == out[axis], "matmul needs the same leading axes");
  }
  need(a[rank - 1] == b[rank - 2] && out[rank - 2] == a[rank - 2] && out[rank - 1] == b[rank - 1],
       "matmul needs (m, k) and (k, n) for (m, n)");
  need(a[rank - 1] < (std::int64_t{1} << 31), "matmul needs fewer than 2^31 products");
  return std::make_unique<MatMul>(a, b);
}

}  // namespace cnnfast
