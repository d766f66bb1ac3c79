// The algorithms of a convolution, for ops/conv2d.cpp to choose from.
#pragma once

#include <algorithm>
#include <optional>

#include "../cpu.hpp"
#include "../memory.hpp"
#include "../packing.hpp"
#include "flops.hpp"
#include "ops.hpp"
#include "product.hpp"
#include "rounded_input.hpp"

namespace cnnfast {

// A kernel in column blocks, group by group. Weights that do not fit into 16 bits stay float32.
Packed pack_kernel(const KernelRows& kernel, std::int64_t groups, Element dtype);

// Any convolution, as an indirect matrix product.
std::unique_ptr<const Step> make_direct_conv2d(const ConvSpec& spec);
// The same of these weights; `joined`: how many pixels of the image are one of `spec`.
std::unique_ptr<const Step> make_direct_conv2d(const ConvSpec& spec,
                                               std::shared_ptr<const Packed> packed,
                                               std::int64_t joined);

// The same with operands rounded to bfloat16; null where weights do not fit.
std::unique_ptr<const Step> make_bfloat16_conv2d(const ConvSpec& spec);

// Of how many pixels one is made where filters are few; 1 where it does not apply.
std::int64_t joined_pixels(const ConvSpec& spec);
std::unique_ptr<const Step> make_joined_conv2d(const ConvSpec& spec);

// A form of Winograd's algorithm: the tiles of its kernels.
struct WinogradForm {
  const WinogradKernels* kernels;

  std::int64_t m() const { return std::max(kernels->outputs_y, kernels->outputs_x); }
  std::int64_t rows() const { return kernels->outputs_y + kernels->taps_y - 1; }
  std::int64_t columns() const { return kernels->outputs_x + kernels->taps_x - 1; }
  std::int64_t positions() const { return rows() * columns(); }
  bool along_one_axis() const { return rows() == 1 || columns() == 1; }
  // Tiles of a column and of a row of so many outputs.
  std::int64_t tiles_y(std::int64_t height) const {
    return (height + kernels->outputs_y - 1) / kernels->outputs_y;
  }
  std::int64_t tiles_x(std::int64_t width) const {
    return (width + kernels->outputs_x - 1) / kernels->outputs_x;
  }
};

// The form with m outputs along an axis for a convolution's window: 3 x 3, 5 x 5 or one row or
// column of them, without stride, dilation or groups. Of a pooling, tiles must be whole windows.
// None for others.
std::optional<WinogradForm> winograd_form(const ConvSpec& spec, int m, bool bfloat16 = false);
// What each tap is multiplied with at each position of a tile: [position][tap].
std::vector<double> winograd_transform(const WinogradForm& form);
std::unique_ptr<const Step> make_winograd_conv2d(const ConvSpec& spec, int m);
// The same with operands rounded to bfloat16; null where weights do not fit.
std::unique_ptr<const Step> make_bfloat16_winograd_conv2d(const ConvSpec& spec, int m);

// A step's own copy of what its epilogue reads, by group: each group's channels are padded to whole
// vectors.
class ChannelData {
 public:
  ChannelData(const ConvSpec& spec, std::int64_t lanes)
      : activation_(spec.activation), pooling_(spec.pooling), filters_(spec.out[2] / spec.groups) {
    padded_ = (filters_ + lanes - 1) / lanes * lanes;
    bias_ = padded_copy(spec.bias, spec.groups);
    if (spec.scale == nullptr) return;
    scale_ = padded_copy(spec.scale, spec.groups);
    shift_ = padded_copy(spec.shift, spec.groups);
  }

  double activation_flops() const { return flops_of(activation_.kind); }
  std::int64_t padded() const { return padded_; }  // channels of a group
  std::int64_t bytes() const { return bias_.bytes() + scale_.bytes() + shift_.bytes(); }

  // From channel `column` of `group` on; `residual` without data where there is none.
  Epilogue epilogue(std::int64_t group, std::int64_t column, const Tensor& residual,
                    const Layout& layout) const {
    const std::int64_t at = group * padded_ + column;
    Epilogue e = {};
    e.bias = bias_.data() + at;
    if (scale_.data() != nullptr) e.scale = {scale_.data() + at, shift_.data() + at};
    if (residual.data != nullptr) {
      e.residual = {residual.floats() + group * filters_ + column,
                    {residual.image, layout.row(), layout.pixel()}};
    }
    e.activation = activation_;
    e.pooling = pooling_;
    return e;
  }

 private:
  Floats padded_copy(const float* from, std::int64_t groups) const {
    Floats copy(groups * padded_);
    std::fill(copy.data(), copy.data() + copy.size(), 0.0F);
    for (std::int64_t g = 0; from != nullptr && g < groups; ++g) {
      std::copy_n(from + g * filters_, filters_, copy.data() + g * padded_);
    }
    return copy;
  }

  Activation activation_;
  Pooling pooling_;
  std::int64_t filters_;  // of a group
  std::int64_t padded_ = 0;
  Floats bias_;
  Floats scale_;
  Floats shift_;
};

inline double moved_bytes(const ConvSpec& spec) {
  return bytes_of({spec.in, spec.out}) + (spec.residual ? bytes_of({spec.out}) : 0);
}

// The rows that a row of the output reads, as those of a window: of all pixels that it pools.
inline Window stored_window(const ConvSpec& spec) {
  const std::int64_t side = spec.pooling.side;
  Window w = spec.window;
  w.height = w.reach() + (side - 1) * w.stride_y;
  w.dilation_y = 1;
  w.stride_y *= side;
  return w;
}

// Whether reading the weights once for many images pays: more of them than of pixels.
inline bool prefers_batches(const ConvSpec& spec) {
  const Window& w = spec.window;
  const double weights = bytes_of({{w.height, w.width, spec.in[2] / spec.groups, spec.out[2]}});
  return weights > kernels().tuning.batched_weight_bytes &&
         weights > 2 * bytes_of({spec.in, spec.out});
}

}  // namespace cnnfast
