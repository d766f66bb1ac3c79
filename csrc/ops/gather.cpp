// Picking by positions that are computed, and sums of all positions up to each.
#include <cstring>
#include <limits>

#include "flops.hpp"
#include "indexing.hpp"

namespace cnnfast {

namespace {

// A row is a position of the output, with all of inner.
class Gather final : public RowsStep {
 public:
  Gather(const Along& of, const Along& positions)
      : RowsStep({.name = "gather"}, positions.outer * positions.n),
        of_(of),
        m_(positions.n),
        whole_(positions.inner == 1) {}
  Cost cost() const override {
    const auto written = static_cast<double>(rows() * of_.inner);
    return {.flops = 0,
            .own_flops = written * kOperation,
            .weight_bytes = 0,
            .moved_bytes = 3 * kFloatBytes * written};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      const float* from = in[0] + row / m_ * of_.n * of_.inner;
      float* to = out + row * of_.inner;
      if (whole_) {
        copy(from, position(in[1][row]), to);
        continue;
      }
      const float* positions = in[1] + row * of_.inner;
      for (std::int64_t i = 0; i < of_.inner; ++i) {
        const std::int64_t at = position(positions[i]);
        to[i] = at < 0 ? kNone : from[at * of_.inner + i];
      }
    }
  }

 private:
  static constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

  // -1 where the axis has none; a NaN fails both comparisons.
  std::int64_t position(float given) const {
    const auto size = static_cast<float>(of_.n);
    if (!(given > -size - 1.0F && given < size)) return -1;
    const auto at = static_cast<std::int64_t>(given);
    return at < 0 ? at + of_.n : at;
  }

  void copy(const float* from, std::int64_t at, float* to) const {
    if (at < 0) {
      std::fill(to, to + of_.inner, kNone);
    } else {
      std::memcpy(to, from + at * of_.inner, static_cast<std::size_t>(of_.inner) * sizeof(float));
    }
  }

  Along of_;
  std::int64_t m_;
  bool whole_;
};

// A row is a strip of inner of one of outer.
class Scan final : public RowsStep {
 public:
  Scan(const Along& of, ScanKind kind)
      : RowsStep({.name = "scan"}, of.outer * ((of.inner + kColumns - 1) / kColumns)),
        of_(of),
        strips_((of.inner + kColumns - 1) / kColumns),
        kind_(kind) {}
  Cost cost() const override {
    const auto numbers = static_cast<double>(of_.outer * of_.n * of_.inner);
    return {.flops = numbers,
            .own_flops = numbers * kOperation,
            .weight_bytes = 0,
            .moved_bytes = 2 * kFloatBytes * numbers};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t column = row % strips_ * kColumns;
      const std::int64_t start = row / strips_ * of_.n * of_.inner + column;
      const std::int64_t columns = std::min(kColumns, of_.inner - column);
      if (kind_ == ScanKind::sum) {
        scan(in[0] + start, out + start, columns, [](float a, float b) { return a + b; });
      } else {
        scan(in[0] + start, out + start, columns, [](float a, float b) { return a * b; });
      }
    }
  }

 private:
  static constexpr std::int64_t kColumns = 64;

  template <class F>
  void scan(const float* x, float* out, std::int64_t columns, F join) const {
    std::copy(x, x + columns, out);
    for (std::int64_t j = 1; j < of_.n; ++j) {
      const float* now = x + j * of_.inner;
      const float* before = out + (j - 1) * of_.inner;
      float* to = out + j * of_.inner;
      for (std::int64_t i = 0; i < columns; ++i) to[i] = join(before[i], now[i]);
    }
  }

  Along of_;
  std::int64_t strips_;
  ScanKind kind_;
};

}  // namespace

std::unique_ptr<const Step> make_gather(const Along& of, const Along& positions) {
  if (of.n < 1 || of.outer != positions.outer ||
      (positions.inner != 1 && positions.inner != of.inner)) {
    throw std::invalid_argument("positions have the axes of what they pick from");
  }
  return std::make_unique<Gather>(of, positions);
}

std::unique_ptr<const Step> make_scan(const Along& of, ScanKind kind) {
  if (of.n < 1) throw std::invalid_argument("a scan needs positions");
  return std::make_unique<Scan>(of, kind);
}

}  // namespace cnnfast
