// Steps that say which positions of an axis come first: the extreme, or all in order.
#include <algorithm>
#include <cmath>

#include "flops.hpp"
#include "indexing.hpp"

namespace cnnfast {

namespace {

// Whether NaN, which is above all numbers, or a larger number stands at `a`.
bool is_above(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && !std::isnan(b);
  return a > b;
}

// As `is_above`, and 0 is above -0.
bool is_above_with_sign(float a, float b) {
  if (a == b) return std::signbit(b) && !std::signbit(a);
  return is_above(a, b);
}

double numbers_of(const Along& of) { return static_cast<double>(of.outer * of.n * of.inner); }

// (outer, n, inner) to the position of the largest or smallest, the first of equal ones. A row is
// one of outer, with all its columns.
class Extreme final : public RowsStep {
 public:
  Extreme(const Along& of, bool largest)
      : RowsStep({.name = "extreme position"}, of.outer), of_(of), largest_(largest) {}
  Cost cost() const override {
    const double read = numbers_of(of_);
    return {.flops = read,
            .own_flops = read * kOperation,
            .weight_bytes = 0,
            .moved_bytes = kFloatBytes * (read + read / static_cast<double>(of_.n))};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      const float* from = in[0] + row * of_.n * of_.inner;
      for (std::int64_t i = 0; i < of_.inner; ++i) {
        out[row * of_.inner + i] = static_cast<float>(position(from + i));
      }
    }
  }

 private:
  std::int64_t position(const float* x) const {
    std::int64_t best = 0;
    for (std::int64_t j = 1; j < of_.n; ++j) {
      const float now = x[j * of_.inner];
      const float before = x[best * of_.inner];
      if (std::isnan(before)) break;
      if (std::isnan(now) || is_further(now, before)) best = j;
    }
    return best;
  }

  bool is_further(float now, float before) const {
    if (now != before) return (now > before) == largest_;
    return std::signbit(now) != std::signbit(before) && std::signbit(before) == largest_;
  }

  Along of_;
  bool largest_;
};

// (outer, n, inner) to the positions of the first `count` in order, equal ones as they stand. A
// unit is one column of one of outer.
class Order final : public DenseStep {
 public:
  Order(const Along& of, std::int64_t count, bool descending)
      : DenseStep(
            {.name = "order", .scratch = of.n * static_cast<std::int64_t>(sizeof(std::int32_t))}),
        of_(of),
        count_(count),
        descending_(descending) {}
  Cost cost() const override {
    const double read = numbers_of(of_);
    const double compared = read * std::log2(static_cast<double>(count_) + 1);
    return {.flops = read,
            .own_flops = compared * 4 * kOperation,
            .weight_bytes = 0,
            .moved_bytes = kFloatBytes * read * 2};
  }

  std::int64_t units(std::int64_t images) const override { return images * of_.outer * of_.inner; }

  void run(const Work& w) const override {
    auto* const positions = reinterpret_cast<std::int32_t*>(w.scratch);
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      const std::int64_t image = unit / (of_.outer * of_.inner);
      const std::int64_t row = unit / of_.inner % of_.outer;
      const std::int64_t column = unit % of_.inner;
      const float* x = w.in[0].floats(image) + row * of_.n * of_.inner + column;
      float* out = w.out.floats(image) + row * count_ * of_.inner + column;
      for (std::int64_t j = 0; j < of_.n; ++j) positions[j] = static_cast<std::int32_t>(j);
      std::partial_sort(positions, positions + count_, positions + of_.n,
                        [&](std::int32_t a, std::int32_t b) { return comes_first(x, a, b); });
      for (std::int64_t j = 0; j < count_; ++j) {
        out[j * of_.inner] = static_cast<float>(positions[j]);
      }
    }
  }

 private:
  bool comes_first(const float* x, std::int32_t a, std::int32_t b) const {
    const float one = x[a * of_.inner];
    const float two = x[b * of_.inner];
    if (descending_ ? is_above_with_sign(one, two) : is_above(two, one)) return true;
    if (descending_ ? is_above_with_sign(two, one) : is_above(one, two)) return false;
    return a < b;
  }

  Along of_;
  std::int64_t count_;
  bool descending_;
};

void need(bool good, const char* rule) {
  if (!good) throw std::invalid_argument(rule);
}

// Up to here a float is a position exactly.
constexpr std::int64_t kMostPositions = std::int64_t{1} << 24;

}  // namespace

Along along(const Dims& in, int axis) {
  need(0 <= axis && static_cast<std::size_t>(axis) < in.size(), "an axis of the input is needed");
  const auto at = in.begin() + axis;
  return {count(Dims(in.begin(), at)), *at, count(Dims(at + 1, in.end()))};
}

std::unique_ptr<const Step> make_extreme(const Along& of, bool largest) {
  need(0 < of.n && of.n <= kMostPositions, "an axis has 2^24 positions at most, and one at least");
  return std::make_unique<Extreme>(of, largest);
}

std::unique_ptr<const Step> make_order(const Along& of, std::int64_t count, bool descending) {
  need(0 < count && count <= of.n && of.n <= kMostPositions,
       "so many positions of an axis can be ordered as it has, 2^24 at most");
  return std::make_unique<Order>(of, count, descending);
}

}  // namespace cnnfast
