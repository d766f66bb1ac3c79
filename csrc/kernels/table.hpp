// What the kernels offer: plain data shared by the code of every instruction set and by the
// ops that call it. Declarations only, so that no object defines an inline function twice.
#pragma once

#include <cstddef>
#include <cstdint>

#include "element.hpp"

namespace cnnfast {

enum class ActivationKind : std::int32_t {
  linear,
  relu,
  clipped_relu,
  leaky_relu,
  thresholded_relu,
  minimum,
  elu,
  selu,
  celu,
  gelu,
  gelu_tanh,
  sigmoid,
  hard_sigmoid,
  silu,
  hard_silu,
  tanh,
  exp,
  softplus,
  softsign,
  mish,
  squareplus,
  soft_shrink,
  hard_shrink,
  hard_tanh,
  tanh_shrink,
  log_sigmoid,
  sparse_plus,
  sparse_sigmoid,
  threshold,
  abs,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  log,
  log1p,
  expm1,
  sin,
  cos,
  floor,
  ceil,
  round,
  sign,
  erf,
  scale,
  clip,
  power,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  log2,
  log10,
  exp2,
};

enum class BinaryKind : std::int32_t {
  add,
  subtract,
  multiply,
  divide,
  maximum,
  minimum,
  power,
  prelu,
  floor_divide,
  modulo,
  arctan2,
  equal,
  not_equal,
  greater,
  greater_equal,
  logical_and,
  logical_or,
  logical_xor,
  keep,    // a where b is not 0, else 0
  leave,   // a where b is 0, else 0
  either,  // the bits of both, one of which is 0
};

enum class ReductionKind : std::int32_t { sum, mean, max, min, product };

enum class NormalizationKind : std::int32_t { standard, variance, rms, l2 };

enum class RecurrentKind : std::int32_t { simple, lstm, gru, gru_reset_after };

// What a recurrent layer gives out at a step that a mask leaves out, where its state stays: there
// is no mask, the state, the output before (zeros at first), or zeros.
enum class MaskedSteps : std::int32_t { none, state, output, zero };

struct Activation {
  ActivationKind kind = ActivationKind::linear;
  float alpha = 0;
  float beta = 0;
};

// Distance in floats to the next image, row and pixel.
struct Strides {
  std::int64_t image;
  std::int64_t row;
  std::int64_t pixel;
};

// The same tensor's numbers at each output, from pixel 0 on; null where nothing is added.
struct Residual {
  const float* numbers;
  Strides strides;
};

// By output channel; null where nothing is scaled.
struct ChannelScale {
  const float* factor;
  const float* shift;
};

// Of `side` x `side` neighbouring pixels the maximum is stored: 1, which is each pixel, or 2.
struct Pooling {
  std::int32_t side = 1;
};

// What happens to a finished sum before it is stored, stage by stage in this order: the maximum of
// neighbouring f(sum + bias + residual) * factor + shift. What is by channel is readable to the end
// of the last vector. A sum of integers would become a number before the bias, and one again behind
// the scale.
struct Epilogue {
  const float* bias;  // by output channel
  Residual residual;
  Activation activation;
  ChannelScale scale;
  Pooling pooling = {};  // without a residual
};

// `length` consecutive floats at `offset` from a pixel's window.
struct Span {
  std::int64_t offset;
  std::int64_t length;
};

// Spans [first, last) whose products are summed before they join the total. Chunks are fixed
// when weights are packed, so the sum's order never depends on threads or batch.
struct Chunk {
  std::int32_t first;
  std::int32_t last;
  std::int64_t depth;  // products in the chunk
};

// One column block of a convolution: out[p][n] = f(bias[n] + sum_k x[p][k] * w[k][n]).
// Pixels are those that are stored, numbered through all images, row by row.
struct ConvTask {
  const float* x;     // window of pixel 0
  Strides x_strides;  // from one window to the next, before the pooling
  const Span* spans;  // the window, as spans of consecutive floats
  const Chunk* chunks;
  // Of those to do now; the sums of those before are in `out`. All where the epilogue pools.
  std::int32_t first_chunk;
  std::int32_t last_chunk;
  std::int32_t chunk_count;
  const void* weights;  // of the first chunk to do: [k][vectors * lanes], zeros behind
  Element element;      // of the weights; float32 where the epilogue pools
  float* widened;       // room for a chunk of the weights, unless they are float32
  Epilogue epilogue;
  float* out;  // pixel 0, first column of the block
  Strides out_strides;
  std::int64_t width;  // of the output
  std::int64_t height;
  std::int32_t columns;  // that are stored
  // Of several pixels, in one vector. A weight of -0 is where a pixel's own window does not reach.
  bool joined;
};

// A panel of tiles of a Winograd convolution: tiles [first, last), numbered through all images. The
// input is transformed once, then each column block of the output is made from it.
struct WinogradTask {
  const float* x;     // window of the first pixel
  Strides x_strides;  // from pixel to pixel
  std::int64_t channels;
  float* transformed;             // [position][tile][words of the channels]
  std::int64_t transformed_step;  // from each position to the next
  float* product;                 // [position][tile][block's columns]
  std::int64_t product_step;
  const float* weights;  // [position][words][block's columns], of the column block
  Epilogue epilogue;
  float* out;  // pixel 0, first column of the block
  Strides out_strides;
  std::int64_t width;  // of the output that is stored
  std::int64_t height;
  std::int64_t tiles_x;  // of an image, before the pooling
  std::int64_t tiles_y;
  std::int64_t first;
  std::int64_t last;
  std::int32_t columns;  // of the column block
};

// One row of pixels times column blocks [first, last) of a packed matrix.
struct GemvTask {
  const float* x;
  std::int64_t depth;
  // [block][k][block's columns] of the kernel's element type, the last block narrower.
  const void* weights;
  Epilogue epilogue;  // of column 0
  float* out;
  std::int64_t columns;
  bool skip_zeros;  // exact only where every weight is finite
};

// Rows [first, last) of a dense matrix.
struct MatrixRows {
  const float* numbers;  // of row 0
  std::int64_t columns;
  std::int64_t first;
  std::int64_t last;
};

// Rows of the output of a depthwise convolution, with `multiplier` outputs for each input channel.
struct DepthwiseTask {
  const float* x;      // window of the first row's pixel 0
  std::int64_t x_row;  // from one output row's window to the next
  std::int64_t x_pixel;
  const std::int64_t* taps;  // offsets inside the window
  std::int32_t tap_count;
  std::int32_t sliding_size;    // n where the taps are n x n neighbouring pixels, else 0
  std::int32_t sliding_stride;  // pixels from one window to the next, then
  std::int32_t multiplier;
  const float* weights;  // [tap][channels * multiplier]
  const float* bias;     // [channels * multiplier]
  Activation activation;
  float* out;
  std::int64_t out_row;
  std::int64_t out_pixel;
  std::int64_t width;
  std::int64_t height;    // rows to do
  std::int64_t channels;  // of the output
};

// Columns of a recurrent layer's kernel, packed as GemvTask::weights, and their bias, which is
// readable to the end of the last vector.
struct GateMatrix {
  const float* weights;
  const float* bias;
  std::int64_t columns;
};

// Sequences through a recurrent layer; gates and their order are Keras'.
struct RecurrentTask {
  RecurrentKind kind;
  Activation activation;
  Activation recurrent_activation;
  const float* x;           // [time][gates * units], inputs projected already
  std::int64_t x_sequence;  // from each sequence to the next
  GateMatrix gates;         // all that read the state,
  GateMatrix candidate;     // but for GRU the last one
  const Span* spans;        // of the state
  const Chunk* chunks;
  std::int32_t chunk_count;
  const float* before;         // [states][units] to go on from; zeros where null
  const float* mask;           // [time], zero where a step is left out
  std::int64_t more_sequence;  // of both
  MaskedSteps masked;
  bool keeps;  // stores the states after the last step, too, [states][units] behind the others
  float* out;  // [time][units]
  std::int64_t out_sequence;
  float* scratch;  // (2 + gates) * units for each sequence, and 2 * units more where masked
  std::int64_t sequences;
  std::int64_t time;
  std::int64_t units;
  bool backwards;
};

// The taps of a window along an axis that lie in the image.
struct Taps {
  std::int64_t first;  // row or column of the image
  std::int64_t count;
};

// Output row of a pooling window already clipped to the image.
struct PoolRow {
  const float* x;        // first row of the window
  std::int64_t x_row;    // floats from one row of the window to the next
  std::int64_t x_pixel;  // and from one pixel of the image to the next
  std::int64_t x_width;  // of the image
  std::int64_t rows;     // of the window
  const Taps* taps;      // of each output pixel
  std::int64_t dilation;
  float* columns;  // room for a row of the image
  float* out;
  std::int64_t out_pixel;
  std::int64_t width;
  std::int64_t channels;
};

// Rows of out[i] = a[i] op b[i]; a step of 0 repeats a row's first number.
struct BinaryTask {
  BinaryKind kind;
  const float* a;
  std::int64_t a_step;
  std::int64_t a_row;  // from one row to the next
  const float* b;
  std::int64_t b_step;
  std::int64_t b_row;
  float* out;  // its rows stand one behind the other
  std::int64_t rows;
  std::int64_t n;  // numbers in a row
};

constexpr int kWinogradForms = 7;

// Winograd's algorithm for so many outputs of a tile and taps of a window, along each axis.
struct WinogradKernels {
  std::int32_t outputs_y;
  std::int32_t outputs_x;
  std::int32_t taps_y;
  std::int32_t taps_x;
  void (*input)(const WinogradTask&);
  void (*output)(const WinogradTask&);
};

// Sizes that suit an instruction set or a processor, and estimates of what takes how long; measured
// on the machines of docs/performance.md. The values are in tuning.hpp.
struct Tuning {
  std::int32_t lanes;            // floats in a vector
  std::int32_t tile_rows;        // pixels of the register tile
  std::int32_t tile_vectors;     // vectors of its widest column block
  std::int32_t chunk_depth;      // products summed before they join the total
  std::int32_t packed_rows;      // of a computed matrix, that are packed together
  std::int64_t long_row;         // floats that are worth the vectors of a row
  std::int64_t few_channels;     // of a pixel: it takes neighbours that fill a vector with it
  std::int64_t reduced_columns;  // that are reduced side by side

  // Bytes that stay in a core's L2 beside what else a kernel reads. A panel is what every column
  // block reads meanwhile: pixels, tiles or rows.
  std::int64_t input_panel_bytes;  // of pixels
  std::int64_t row_panel_bytes;    // of rows of a computed matrix
  std::int64_t band_bytes;         // of the rows between the steps of a band
  // As shares of the L2 that the machine has.
  double l2_kept;         // what is read again soon
  double l2_small;        // weights that cost little to read again
  double l2_tiles;        // of Winograd's, beside weights that are kept
  double l2_tiles_alone;  // the same beside others, which are read again for each panel

  // Bytes that stay in the cache that all cores share: of values between groups of steps.
  std::int64_t shared_cache_bytes;

  // What a convolution's algorithms cost, in flops of the register tile.
  double flops_per_byte;        // reading weights that do not stay in cache
  double cached_weight_bytes;   // weights that do
  double transform_flops;       // of Winograd's, per position, tile and channel
  double line_transform_flops;  // the same where tiles have one axis
  double short_sum_flops;       // products that starting and storing a sum is worth
  std::int32_t most_joined;     // pixels that fill a vector together; more meet more zeros
  double batched_weight_bytes;  // that are worth reading once for many images

  // Products of computed matrices: packing pays from so many rows of the first on, and products.
  std::int64_t rows_to_pack;
  std::int64_t products_to_pack;
  std::int64_t sequences_together;  // of a recurrent layer; their gates stay in cache

  // Which steps join to run by bands.
  double large_image_bytes;   // that do not stay in cache
  double huge_image_bytes;    // that stay in none
  double light_weight_bytes;  // of a step, which every band reads again
  double light_last_bytes;    // the same where joining also saves a meeting of threads

  // What a core does in a second, roughly, and how long it takes until another one helps.
  double flops_per_second;
  double bytes_per_second;
  double wake_seconds;
  std::int64_t strip_floats;  // of a long row, that are worth handing to a thread
  // The same of a core that is slow, or shared with others.
  double slow_flops_per_second;
  double slow_bytes_per_second;
};

// What products of numbers that are rounded to bfloat16 take. Their operands are words, as long as
// a float: two neighbouring channels, of which the first is in the lower half, or one number of
// float32 where the machine does not multiply pairs. Behind an odd number of channels is a zero.
struct Bfloat16Kernels {
  std::int32_t together;  // numbers in a word
  // Runs of n numbers, each to words of its own; the steps are from one run to the next.
  void (*round)(const float* x, std::int64_t x_step, float* words, std::int64_t words_step,
                std::int64_t runs, std::int64_t n);
  // As those of Kernels, where spans, chunks, strides of inputs and weights count words.
  void (*conv)(const ConvTask&, std::int64_t first, std::int64_t last);
  WinogradKernels winograd[kWinogradForms];
};

struct Kernels {
  const char* name;
  Tuning tuning;
  Bfloat16Kernels bfloat16;  // of one number in a word

  void (*conv)(const ConvTask&, std::int64_t first, std::int64_t last);
  WinogradKernels winograd[kWinogradForms];
  void (*gemv[kWidenedElements])(const GemvTask&, std::int64_t first, std::int64_t last);
  // Rows of a matrix into column blocks: [block][depth][block's columns], the last block padded
  // with zeros to whole vectors; `to` is where row 0 goes.
  void (*pack_columns)(const MatrixRows&, std::int64_t depth, float* to);
  // out[j] = sum over k < depth of x[k] * b[k][j], in the order of `gemv`; `b` as MatrixRows.
  void (*multiply_row)(const float* x, const MatrixRows& b, float* out);
  void (*max_pool)(const PoolRow&);
  void (*average_pool)(const PoolRow&);
  void (*depthwise)(const DepthwiseTask&);
  void (*recurrent)(const RecurrentTask&);
  void (*binary)(const BinaryTask&);
  // out[j] = the reduction over i < n of x[i * stride + j], j < columns, over `divisor`; a mean is
  // a sum here.
  void (*reduce)(ReductionKind kind, const float* x, std::int64_t stride, float* out,
                 std::int64_t n, std::int64_t columns, float divisor);
  void (*normalize)(NormalizationKind kind, const float* x, float* out, std::int64_t rows,
                    std::int64_t n, float epsilon);
  // out[j] = sum over t < taps of weights[t] * x[indices[t] * x_row + j].
  void (*weighted_sum)(const float* x, std::int64_t x_row, const std::int32_t* indices,
                       const float* weights, std::int64_t taps, float* out, std::int64_t n);
  void (*activate)(const float* x, float* out, std::int64_t n, Activation f);
  void (*affine)(const float* x, float* out, std::int64_t pixels, std::int64_t x_pixel,
                 std::int64_t out_pixel, std::int64_t channels, const float* scale,
                 const float* shift, Activation f);
  void (*softmax)(const float* x, float* out, std::int64_t rows, std::int64_t n);
  double (*fma_chain)(std::int64_t iterations);  // returns the flops it did
  float (*read_all)(const float* x, std::int64_t n);
};

}  // namespace cnnfast
