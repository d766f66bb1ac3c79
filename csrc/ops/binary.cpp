#include "../cpu.hpp"
#include "flops.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

struct Axis {
  std::int64_t size;
  PerInput<std::int64_t> strides;  // 0 where the operand is repeated
};

// The axes of the output, neighbours joined where both operands go on alike; at least two: threads
// share rows of the inner ones, if these are long enough for vectors.
std::vector<Axis> joined_axes(const PerInput<const Dims*>& operands, const Dims& out) {
  std::vector<Axis> axes;
  PerInput<std::int64_t> stride = {1, 1};
  for (std::size_t i = out.size(); i-- > 0;) {
    Axis axis = {out[i], {}};
    for (std::size_t side = 0; side < kMostInputs; ++side) {
      const std::int64_t size = (*operands[side])[i];
      if (size != out[i] && size != 1) {
        throw std::invalid_argument("an operand's axis must be that of the output, or 1");
      }
      axis.strides[side] = size == 1 ? 0 : stride[side];
      stride[side] *= size;
    }
    if (out[i] == 1) continue;
    const bool outermost = std::all_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(i),
                                       [](std::int64_t size) { return size == 1; });
    const bool rows =
        outermost && axes.size() == 1 && axes.back().size >= kernels().tuning.long_row;
    if (!axes.empty() && !rows) {
      Axis& inner = axes.back();
      const auto goes_on = [&](std::size_t side) {
        return axis.strides[side] == inner.strides[side] * inner.size;
      };
      if (goes_on(0) && goes_on(1)) {
        inner.size *= axis.size;
        continue;
      }
    }
    axes.push_back(axis);
  }
  while (axes.size() < 2) axes.push_back({1, {1, 1}});
  return axes;
}

double flops_of(BinaryKind kind) {
  switch (kind) {
    case BinaryKind::divide: return kDivision;
    case BinaryKind::power:
    case BinaryKind::floor_divide:
    case BinaryKind::modulo:
    case BinaryKind::arctan2: return kLibraryCall;
    default: return kOperation;
  }
}

class Binary final : public RowsStep {
 public:
  Binary(std::vector<Axis> axes, std::int64_t size, BinaryKind kind, double moved_bytes)
      : RowsStep({.name = "binary", .overwrites = true}, size / axes.front().size),
        axes_(std::move(axes)),
        kind_(kind),
        moved_bytes_(moved_bytes) {}
  Cost cost() const override {
    const auto numbers = static_cast<double>(rows() * axes_.front().size);
    return {.flops = numbers,
            .own_flops = numbers * flops_of(kind_),
            .weight_bytes = 0,
            .moved_bytes = moved_bytes_};
  }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    const Axis& inner = axes_.front();
    const Axis& next = axes_[1];
    BinaryTask task = {};
    task.kind = kind_;
    task.a_step = inner.strides[0];
    task.b_step = inner.strides[1];
    task.a_row = next.strides[0];
    task.b_row = next.strides[1];
    task.n = inner.size;
    for (std::int64_t row = first; row < last; row += task.rows) {
      PerInput<std::int64_t> offset = {};
      std::int64_t rest = row;
      for (std::size_t i = 1; i < axes_.size(); ++i) {
        const std::int64_t at = rest % axes_[i].size;
        rest /= axes_[i].size;
        for (std::size_t side = 0; side < kMostInputs; ++side) {
          offset[side] += at * axes_[i].strides[side];
        }
      }
      task.a = in[0] + offset[0];
      task.b = in[1] + offset[1];
      task.out = out + row * inner.size;
      task.rows = std::min(last - row, next.size - row % next.size);
      kernels().binary(task);
    }
  }

 private:
  std::vector<Axis> axes_;  // at least two, innermost first; its strides are 0 or 1
  BinaryKind kind_;
  double moved_bytes_;
};

}  // namespace

std::unique_ptr<const Step> make_binary(const Dims& a, const Dims& b, const Dims& out,
                                        BinaryKind kind) {
  if (a.size() != out.size() || b.size() != out.size()) {
    throw std::invalid_argument("operands must have the rank of the output");
  }
  if (count(out) == 0) throw std::invalid_argument("operands must not be empty");
  return std::make_unique<Binary>(joined_axes({&a, &b}, out), count(out), kind,
                                  bytes_of({a, b, out}));
}

}  // namespace cnnfast
