#include "ops.hpp"

namespace cnnfast {

namespace {

// A row is the last axis of the output.
template <class Number>
class Transpose final : public RowsOf<Number> {
 public:
  Transpose(const Dims& in, const std::vector<int>& axes, float fill)
      : RowsOf<Number>(moving_traits<Number>({.name = "transpose"}, fill),
                       count(in) / in[static_cast<std::size_t>(axes.back())]) {
    Dims in_strides(in.size());
    std::int64_t stride = 1;
    for (std::size_t i = in.size(); i-- > 0; stride *= in[i]) in_strides[i] = stride;
    for (const int axis : axes) {
      dims_.push_back(in[static_cast<std::size_t>(axis)]);
      strides_.push_back(in_strides[static_cast<std::size_t>(axis)]);
    }
  }

  Cost cost() const override { return moving(2 * bytes_of({dims_}, this->traits().makes)); }

 protected:
  void run_image_rows(const PerInput<const Number*>& in, Number* out, std::int64_t first,
                      std::int64_t last) const override {
    const std::int64_t length = dims_.back();
    const std::int64_t stride = strides_.back();
    for (std::int64_t row = first; row < last; ++row) {
      const Number* from = in[0] + row_offset(row);
      Number* to = out + row * length;
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
};

}  // namespace

std::unique_ptr<const Step> make_transpose(const Dims& in, const std::vector<int>& axes,
                                           Element element, float fill) {
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
  return make_moving(element, [&]<class Number>(Number) -> std::unique_ptr<const Step> {
    return std::make_unique<Transpose<Number>>(in, axes, fill);
  });
}

}  // namespace cnnfast
