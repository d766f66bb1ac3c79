// The operations, each made from plain numbers that have been checked by PlanBuilder's caller
// and are checked again here: std::invalid_argument where they do not fit together.
#pragma once

#include <memory>

#include "step.hpp"

namespace cnnfast {

struct Window {
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t stride_y = 1;
  std::int64_t stride_x = 1;
  std::int64_t dilation_y = 1;
  std::int64_t dilation_x = 1;
  Border pads;
};

// Throws std::invalid_argument unless `window` over `in` gives height and width of `out`.
void check_window(const Window& window, const Dims& in, const Dims& out);

enum class PoolKind : std::int32_t { max, average };

// `kernel` is (height, width, channels / groups, filters), `bias` (filters) or null.
std::unique_ptr<Step> make_conv2d(const Dims& in, const Dims& out, const Window& window,
                                  std::int64_t groups, const float* kernel, const float* bias,
                                  Activation activation);
std::unique_ptr<Step> make_pool2d(const Dims& in, const Dims& out, const Window& window,
                                  PoolKind kind);
std::unique_ptr<Step> make_activate(const Dims& in, Activation activation);
std::unique_ptr<Step> make_affine(const Dims& in, const float* scale, const float* shift);
std::unique_ptr<Step> make_softmax(const Dims& in);
// Output axis i is input axis axes[i].
std::unique_ptr<Step> make_transpose(const Dims& in, const std::vector<int>& axes);
// The same numbers, into a layout of their own.
std::unique_ptr<Step> make_copy(const Dims& in);

}  // namespace cnnfast
