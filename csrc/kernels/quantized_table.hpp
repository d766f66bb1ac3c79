// What the kernels for numbers in 8 bits offer, in a table of its own: it is compiled once more for
// instructions that multiply bytes, and without joining products and sums, so that every
// instruction set gives the same bits.
#pragma once

#include <cstdint>

#include "table.hpp"

namespace cnnfast {

// What becomes of a sum or number r by channel: r * multiplier, within the bounds, which count from
// the zero point; then its nearest byte where bytes are stored. Readable to the end of the last
// vector.
struct ChannelRounding {
  const float* multiplier;
  const float* lower;
  const float* upper;
  float zero_point;
  bool to_bytes;
};

// A tensor of bytes that is added to the sums; null where nothing is.
struct ByteResidual {
  const std::uint8_t* numbers;
  Strides strides;
  std::int32_t zero_point;
  float multiplier;
};

// One column block of a convolution of bytes, as ConvTask. Weights are packed in quads: of each
// span its bytes in fours, zeros behind the last, and of a quad for each column four int8; or where
// the instruction set multiplies numbers of 16 bits, first those of bytes 0 and 2 for each column,
// then those of bytes 1 and 3.
struct QuantizedConvTask {
  const std::uint8_t* x;  // window of pixel 0
  Strides x_strides;
  const Span* spans;
  std::int32_t span_count;
  const void* weights;
  const std::int32_t* offset;  // that sums begin with, by channel
  ChannelRounding rounding;
  ByteResidual residual;
  void* out;  // pixel 0, first column of the block
  Strides out_strides;
  std::int64_t width;  // of the output
  std::int64_t height;
  std::int32_t columns;  // that are stored
};

// The same for all channels.
struct ByteRounding {
  float multiplier;
  float lower;
  float upper;
  float zero_point;
};

// Rows of the output of a depthwise convolution, with `multiplier` outputs for each input channel.
// Channels are done in vectors from the first ones on; the last vector ends with the last channel
// where there are as many as it holds, and repeats some of those before.
struct QuantizedDepthwiseTask {
  const std::uint8_t* x;  // window of the first row's pixel 0
  std::int64_t x_row;     // from one output row's window to the next
  std::int64_t x_pixel;
  const std::int64_t* taps;  // offsets inside the window
  std::int32_t tap_count;
  std::int32_t sliding_size;  // n where the taps are n x n neighbouring pixels, else 0
  // Pixels from one window to the next, then, n where they have none in common; and rows of the
  // output that are made together.
  std::int32_t sliding_stride;
  std::int32_t sliding_rows;
  std::int32_t multiplier;
  // Of each vector of channels the taps in groups of as many as the kernel multiplies together:
  // [group][channel][tap of the group], in lane order. Where it slides a group is of neighbours
  // down a column: [row of the output][group][column][channel][tap of the group].
  const void* weights;
  const std::int32_t* bias;  // in lane order, what the zero point adds among it
  ChannelRounding rounding;
  // Bounds as bytes, channel by channel, where the kernel slides: no sum times its multiplier is
  // too large for rounding it first.
  const std::uint8_t* lowest;
  const std::uint8_t* highest;
  void* out;
  std::int64_t out_row;
  std::int64_t out_pixel;
  std::int64_t width;
  std::int64_t height;    // rows to do
  std::int64_t channels;  // of the output
};

// Output row of a pooling window already clipped to the image.
struct QuantizedPoolRow {
  const std::uint8_t* x;  // first row of the window
  std::int64_t x_row;     // from one row of the window to the next
  std::int64_t x_pixel;   // and from one pixel of the image to the next
  std::int64_t x_width;   // of the image
  std::int64_t rows;      // of the window
  const Taps* taps;       // of each output pixel
  std::int64_t dilation;
  std::uint8_t* columns;  // room for a row of the image; of the maximum alone
  ByteRounding rounding;  // of averages, whose multiplier is divided by the number of taps
  float x_zero_point;
  std::uint8_t* out;
  std::int64_t out_pixel;
  std::int64_t width;
  std::int64_t channels;
};

// The means of columns: of bytes at x[i * stride + j], i < n, for each j < columns.
struct QuantizedMeanTask {
  const std::uint8_t* x;
  std::int64_t stride;
  std::int64_t n;
  std::int64_t columns;
  std::int32_t x_zero_point;
  ByteRounding rounding;  // its multiplier is divided by n already
  bool to_bytes;
  void* out;
};

// Rows of sums or products of numbers of x and those of one row of y.
struct QuantizedPairTask {
  const std::uint8_t* x;
  const std::uint8_t* y;
  float x_zero_point;
  float y_zero_point;
  float x_multiplier;  // of a product the only one
  float y_multiplier;
  ByteRounding rounding;  // without a multiplier
  std::uint8_t* out;      // its rows stand one behind the other, as those of x
  std::int64_t rows;
  std::int64_t n;  // numbers in a row
};

// Scale and shift by channel, of pixels one behind the other; channels in vectors as those of a
// depthwise convolution.
struct QuantizedAffineTask {
  const std::uint8_t* x;
  std::uint8_t* out;
  std::int64_t pixels;
  std::int64_t channels;
  float x_zero_point;
  const float* offset;  // in lane order
  float largest;        // that a result can be, without its sign and bounds
  ChannelRounding rounding;
};

struct QuantizedKernels {
  const char* name;
  std::int32_t lanes;  // sums in a vector
  std::int32_t tile_rows;
  std::int32_t tile_vectors;
  bool byte_products;  // int8 weights; else int16

  // The nearest byte of x * factor, from 0 on where x is NaN.
  void (*quantize)(const float* x, std::uint8_t* out, std::int64_t n, float factor,
                   float zero_point);
  void (*dequantize)(const std::uint8_t* x, float* out, std::int64_t n, float scale,
                     std::int32_t zero_point);
  void (*conv)(const QuantizedConvTask&, std::int64_t first, std::int64_t last);
  void (*quantized_depthwise)(const QuantizedDepthwiseTask&);
  void (*quantized_max_pool)(const QuantizedPoolRow&);
  void (*quantized_average_pool)(const QuantizedPoolRow&);
  void (*quantized_mean)(const QuantizedMeanTask&);
  void (*quantized_add)(const QuantizedPairTask&);
  void (*quantized_multiply)(const QuantizedPairTask&);
  void (*quantized_affine)(const QuantizedAffineTask&);
  // out[i] = table[x[i]] for i < n, of a table of 256.
  void (*look_up)(const std::uint8_t* x, const std::uint8_t* table, std::uint8_t* out,
                  std::int64_t n);
};

}  // namespace cnnfast
