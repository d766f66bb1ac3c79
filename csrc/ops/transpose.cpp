#include "ops.hpp"

namespace cnnfast {

namespace {

class Transpose final : public Step {
 public:
  Transpose(const Dims& in, const std::vector<int>& axes) {
    Dims in_strides(in.size());
    std::int64_t stride = 1;
    for (std::size_t i = in.size(); i-- > 0; stride *= in[i]) in_strides[i] = stride;
    for (const int axis : axes) {
      dims_.push_back(in[static_cast<std::size_t>(axis)]);
      strides_.push_back(in_strides[static_cast<std::size_t>(axis)]);
    }
    size_ = count(in);
    rows_ = size_ / std::max<std::int64_t>(dims_.back(), 1);
  }

  const char* name() const override { return "transpose"; }
  void bind(const Layout&, const Layout&) override {}
  std::int64_t units(std::int64_t images) const override { return images * rows_; }

  // A unit is one row of the output: its last axis.
  void run(const Tensor& in, const Tensor& out, std::int64_t, std::int64_t first,
           std::int64_t last) const override {
    const std::int64_t length = dims_.back();
    const std::int64_t stride = strides_.back();
    for (std::int64_t unit = first; unit < last; ++unit) {
      const float* from = in.data + unit / rows_ * size_ + row_offset(unit % rows_);
      float* to = out.data + unit * length;
      for (std::int64_t i = 0; i < length; ++i) to[i] = from[i * stride];
    }
  }

 private:
  std::int64_t row_offset(std::int64_t row) const {
    std::int64_t offset = 0;
    for (std::size_t axis = dims_.size() - 1; axis-- > 0; row /= dims_[axis]) {
      offset += row % dims_[axis] * strides_[axis];
    }
    return offset;
  }

  Dims dims_;     // of the output
  Dims strides_;  // of the input, in the output's order of axes
  std::int64_t size_ = 0;
  std::int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_transpose(const Dims& in, const std::vector<int>& axes) {
  std::vector<bool> seen(in.size());
  for (const int axis : axes) {
    const auto i = static_cast<std::size_t>(axis);
    if (axis < 0 || i >= in.size() || seen[i]) {
      throw std::invalid_argument("axes must name every axis of the input once");
    }
    seen[i] = true;
  }
  if (axes.size() != in.size() || axes.empty()) {
    throw std::invalid_argument("axes must name every axis of the input once");
  }
  return std::make_unique<Transpose>(in, axes);
}

}  // namespace cnnfast
