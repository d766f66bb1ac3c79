// Steps that move numbers along axes: remapping, concatenation, resampling.
#include <cstring>

#include "../cpu.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

std::int64_t product(const Dims& dims, std::size_t first, std::size_t last) {
  return count(Dims(dims.begin() + static_cast<std::ptrdiff_t>(first),
                    dims.begin() + static_cast<std::ptrdiff_t>(last)));
}

// Whether each position is the one behind that before it; -1 is none.
bool is_run(const std::vector<std::int32_t>& positions) {
  for (std::size_t i = 1; i < positions.size(); ++i) {
    if (positions[i] != positions[i - 1] + 1) return false;
  }
  return !positions.empty() && positions.front() >= 0;
}

template <class Number>
void copy_numbers(Number* to, const Number* from, std::int64_t n) {
  std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(Number));
}

// A row is a position on the first `mapped` axes; behind them numbers stay together, from `start`.
template <class Number>
class Remap final : public RowsOf<Number> {
 public:
  // `border` is the fill value of what it makes.
  Remap(const Dims& in, const Dims& out, std::vector<AxisMap> maps, float fill, std::size_t mapped,
        std::int64_t start, float border)
      : RowsOf<Number>(moving_traits<Number>({.name = "remap"}, border), product(out, 0, mapped)),
        length_(product(out, mapped, out.size())),
        start_(start),
        fill_(static_cast<Number>(fill)),
        maps_(std::move(maps)) {
    maps_.resize(mapped);
    std::int64_t stride = product(in, mapped, in.size());
    for (std::size_t axis = mapped; axis-- > 0; stride *= in[axis]) {
      strides_.insert(strides_.begin(), stride);
    }
    sizes_.assign(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(mapped));
  }
  Cost cost() const override {
    const std::int64_t written = this->rows() * length_;
    return moving(2 * static_cast<double>(written * std::int64_t{sizeof(Number)}));
  }

 protected:
  void run_image_rows(const PerInput<const Number*>& in, Number* out, std::int64_t first,
                      std::int64_t last) const override {
    if (sizes_.empty()) return copy_numbers(out, in[0] + start_, length_);
    const std::int64_t n = sizes_.back();
    for (std::int64_t row = first; row < last;) {
      const std::int64_t at = row % n;
      const std::int64_t end = std::min(n, at + last - row);
      const std::int64_t from = outer_source(row / n);
      Number* to = out + row * length_;
      if (from < 0) {
        std::fill(to, to + (end - at) * length_, fill_);
      } else {
        pick(in[0] + from, to, at, end);
      }
      row += end - at;
    }
  }

 private:
  // Where the rows of one position on all axes but the last begin in the input; -1 for none.
  std::int64_t outer_source(std::int64_t outer) const {
    std::int64_t offset = start_;
    for (std::size_t axis = sizes_.size() - 1; axis-- > 0; outer /= sizes_[axis]) {
      const std::int64_t from = position(axis, outer % sizes_[axis]);
      if (from < 0) return -1;
      offset += from * strides_[axis];
    }
    return offset;
  }

  // Rows `first` to `last` along the last axis.
  void pick(const Number* in, Number* to, std::int64_t first, std::int64_t last) const {
    const std::size_t axis = sizes_.size() - 1;
    for (std::int64_t at = first; at < last; ++at, to += length_) {
      const std::int64_t from = position(axis, at);
      if (from < 0) {
        std::fill(to, to + length_, fill_);
      } else if (length_ == 1) {
        *to = in[from * strides_[axis]];
      } else {
        copy_numbers(to, in + from * strides_[axis], length_);
      }
    }
  }

  std::int64_t position(std::size_t axis, std::int64_t at) const {
    const AxisMap& map = maps_[axis];
    return map ? (*map)[static_cast<std::size_t>(at)] : at;
  }

  std::int64_t length_;  // numbers that stay together
  std::int64_t start_;
  Number fill_;
  std::vector<AxisMap> maps_;
  Dims sizes_;    // of the output
  Dims strides_;  // of the input
};

template <class Number>
class Place final : public RowsOf<Number> {
 public:
  Place(std::int64_t outer, std::int64_t part, std::int64_t whole, std::int64_t start)
      : RowsOf<Number>(moving_traits<Number>({.name = "concat"}), outer),
        part_(part),
        whole_(whole),
        start_(start) {}
  Cost cost() const override {
    const std::int64_t part = this->rows() * part_;
    return moving(2 * static_cast<double>(part * std::int64_t{sizeof(Number)}));
  }

 protected:
  void run_image_rows(const PerInput<const Number*>& in, Number* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      copy_numbers(out + row * whole_ + start_, in[0] + row * part_, part_);
    }
  }

 private:
  std::int64_t part_;   // numbers of the axis and those inside it
  std::int64_t whole_;  // of the output
  std::int64_t start_;
};

// (outer, n, inner) to (outer, m, inner); a row is one of outer * m.
class Resample final : public RowsStep {
 public:
  Resample(std::int64_t outer, std::int64_t n, std::int64_t m, std::int64_t inner,
           std::vector<std::int32_t> indices, std::vector<float> weights)
      : RowsStep({.name = "resample",
                  .own_bytes = static_cast<std::int64_t>(indices.size() *
                                                         (sizeof(std::int32_t) + sizeof(float)))},
                 outer * m),
        n_(n),
        m_(m),
        inner_(inner),
        taps_(static_cast<std::int64_t>(indices.size()) / m),
        indices_(std::move(indices)),
        weights_(std::move(weights)) {}
  Cost cost() const override {
    const double flops = 2 * static_cast<double>(rows() * inner_ * taps_);
    const std::int64_t read = rows() / m_ * n_;
    return {.flops = flops,
            .own_flops = flops,
            .weight_bytes = 0,
            .moved_bytes = kFloatBytes * static_cast<double>((read + rows()) * inner_)};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t at = row % m_ * taps_;
      kernels().weighted_sum(in[0] + row / m_ * n_ * inner_, inner_, indices_.data() + at,
                             weights_.data() + at, taps_, out + row * inner_, inner_);
    }
  }

 private:
  std::int64_t n_;
  std::int64_t m_;
  std::int64_t inner_;
  std::int64_t taps_;
  std::vector<std::int32_t> indices_;
  std::vector<float> weights_;
};

void need(bool good, const char* rule) {
  if (!good) throw std::invalid_argument(rule);
}

void check_positions(const std::vector<std::int32_t>& positions, std::int64_t lowest,
                     std::int64_t size) {
  for (const std::int32_t position : positions) {
    need(lowest <= position && position < size, "a position lies outside its axis");
  }
}

}  // namespace

std::unique_ptr<const Step> make_remap(const Dims& in, const Dims& out, std::vector<AxisMap> maps,
                                       float fill, Element element, float border) {
  need(in.size() == out.size() && maps.size() == in.size(), "remap keeps the rank");
  std::size_t mapped = 0;
  for (std::size_t axis = 0; axis < in.size(); ++axis) {
    const AxisMap& map = maps[axis];
    if (!map) {
      need(in[axis] == out[axis], "an axis without a map keeps its size");
      continue;
    }
    mapped = axis + 1;
    need(static_cast<std::int64_t>(map->size()) == out[axis],
         "a map needs a position for each of the output");
    check_positions(*map, -1, in[axis]);
  }
  // Positions that follow each other stay together; those of the first axis are shared by threads.
  std::int64_t start = 0;
  if (mapped > 1 && is_run(*maps[mapped - 1])) {
    --mapped;
    start = maps[mapped]->front() * product(in, mapped + 1, in.size());
  }
  return make_moving(element, [&]<class Number>(Number) -> std::unique_ptr<const Step> {
    return std::make_unique<Remap<Number>>(in, out, std::move(maps), fill, mapped, start, border);
  });
}

std::unique_ptr<const Step> make_place(const Dims& in, const Dims& out, int axis,
                                       std::int64_t start, Element element) {
  need(in.size() == out.size() && 0 <= axis && static_cast<std::size_t>(axis) < in.size(),
       "concat needs an axis of its inputs");
  const auto at = static_cast<std::size_t>(axis);
  for (std::size_t i = 0; i < in.size(); ++i) {
    need(i == at ? start + in[i] <= out[i] : in[i] == out[i],
         "the inputs of concat differ along its axis only");
  }
  if (in.size() == 3 && axis == 2) return make_place_channels(in, start, element);
  const std::int64_t inner = product(in, at + 1, in.size());
  return make_moving(element, [&]<class Number>(Number) -> std::unique_ptr<const Step> {
    return std::make_unique<Place<Number>>(product(in, 0, at), in[at] * inner, out[at] * inner,
                                           start * inner);
  });
}

std::unique_ptr<const Step> make_resample(const Dims& in, const Dims& out, int axis,
                                          std::vector<std::int32_t> indices,
                                          std::vector<float> weights) {
  need(in.size() == out.size() && 0 <= axis && static_cast<std::size_t>(axis) < in.size(),
       "resample needs an axis of its input");
  const auto at = static_cast<std::size_t>(axis);
  for (std::size_t i = 0; i < in.size(); ++i) {
    need(i == at || in[i] == out[i], "resample changes one axis");
  }
  const auto size = static_cast<std::size_t>(out[at]);
  need(size > 0 && indices.size() == weights.size() && indices.size() % size == 0,
       "resample needs indices and weights for each output");
  check_positions(indices, 0, in[at]);
  return std::make_unique<Resample>(product(in, 0, at), in[at], out[at],
                                    product(in, at + 1, in.size()), std::move(indices),
                                    std::move(weights));
}

}  // namespace cnnfast
