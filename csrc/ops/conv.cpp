#include <cmath>
#include <cstring>

#include "../cpu.hpp"
#include "../memory.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

constexpr std::int64_t kInputBlockBytes = 256 * 1024;  // stays in a core's L2 with the weights
constexpr double kManyWeightBytes = 256 * 1024;

struct Piece {
  std::int64_t offset_row;  // of the window
  std::int64_t offset;      // floats inside that row
  std::int64_t length;
};

// The window as pieces of consecutive floats: a whole kernel row where its taps touch, else
// tap by tap; none longer than a chunk.
std::vector<Piece> pieces_of(const Window& w, std::int64_t channels, std::int64_t depth,
                             std::int64_t longest) {
  const bool touching = depth == channels && w.dilation_x == 1;
  const std::int64_t taps = touching ? 1 : w.width;
  const std::int64_t length = touching ? w.width * channels : depth;
  std::vector<Piece> pieces;
  for (std::int64_t y = 0; y < w.height; ++y) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      for (std::int64_t at = 0; at < length; at += longest) {
        const std::int64_t start = tap * w.dilation_x * channels + at;
        pieces.push_back({y * w.dilation_y, start, std::min(longest, length - at)});
      }
    }
  }
  return pieces;
}

std::vector<Chunk> chunks_of(const std::vector<Piece>& pieces, std::int64_t depth) {
  std::vector<Chunk> chunks;
  Chunk chunk = {0, 0, 0};
  for (const Piece& piece : pieces) {
    chunk.depth += piece.length;
    ++chunk.last;
    if (chunk.depth < depth) continue;
    chunks.push_back(chunk);
    chunk = {chunk.last, chunk.last, 0};
  }
  if (chunk.depth > 0) chunks.push_back(chunk);
  return chunks;
}

class Conv2D final : public Step {
 public:
  Conv2D(const Dims& in, const Dims& out, const Window& window, std::int64_t groups,
         const float* kernel, const float* bias, Activation activation)
      : kernels_(kernels()),
        window_(window),
        activation_(activation),
        groups_(groups),
        channels_(in[2] / groups),
        filters_(out[2] / groups),
        depth_(count({window.height, window.width, channels_})),
        image_pixels_(count({out[0], out[1]})),
        input_bytes_(static_cast<double>(count(in)) * 4),
        output_bytes_(static_cast<double>(count(out)) * 4),
        pieces_(pieces_of(window, in[2], channels_, kernels_.chunk_depth)),
        chunks_(chunks_of(pieces_, kernels_.chunk_depth)) {
    block_ = std::int64_t{kernels_.tile_vectors} * kernels_.lanes;
    blocks_ = (filters_ + block_ - 1) / block_;
    padded_ = (filters_ + kernels_.lanes - 1) / kernels_.lanes * kernels_.lanes;
    pack(kernel, bias);
  }

  const char* name() const override { return "conv2d"; }
  Border border() const override { return window_.pads; }
  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }

  bool batched() const override {
    const double weights = cost().weight_bytes;
    return weights > kManyWeightBytes && weights > 2 * (input_bytes_ + output_bytes_);
  }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    in_ = in[0];
    out_ = out;
    for (const Piece& p : pieces_) runs_.push_back({p.offset_row * in_.row() + p.offset, p.length});
    const double bytes_per_pixel = input_bytes_ / static_cast<double>(image_pixels_);
    const double pixels = kInputBlockBytes / bytes_per_pixel;
    block_tiles_ = std::max<std::int64_t>(1, std::llround(pixels / kernels_.tile_rows));
  }

  std::int64_t units(std::int64_t images) const override {
    return single_row(images) ? blocks_ : tiles(images) * groups_ * blocks_;
  }

  void run(const PerInput<Tensor>& in, const Tensor& out, std::int64_t images, std::int64_t first,
           std::int64_t last) const override {
    if (single_row(images)) {
      run_row(in[0], out, first, last);
    } else {
      run_tiles(in[0], out, images, first, last);
    }
  }

  Cost cost() const override {
    const double products =
        static_cast<double>(depth_) * static_cast<double>(filters_) * static_cast<double>(groups_);
    return {2 * products * static_cast<double>(image_pixels_), 4 * products};
  }

 private:
  // [group][block][depth][block's columns], the last block padded to whole vectors.
  void pack(const float* kernel, const float* bias) {
    weights_ = Block(count({groups_, depth_, padded_}));
    bias_ = Block(count({groups_, padded_}));
    const std::int64_t row = groups_ * filters_;
    finite_ = true;
    float* to = weights_.data();
    for (std::int64_t g = 0; g < groups_; ++g) {
      for (std::int64_t n = 0; n < filters_; n += block_) {
        const std::int64_t columns = std::min(block_, filters_ - n);
        const std::int64_t width = std::min(block_, padded_ - n);
        for (std::int64_t k = 0; k < depth_; ++k, to += width) {
          const float* from = kernel + k * row + g * filters_ + n;
          std::memcpy(to, from, static_cast<std::size_t>(columns) * sizeof(float));
          std::fill(to + columns, to + width, 0.0F);
          for (std::int64_t i = 0; i < columns; ++i) finite_ = finite_ && std::isfinite(from[i]);
        }
      }
      float* group_bias = bias_.data() + g * padded_;
      std::fill(group_bias, group_bias + padded_, 0.0F);
      if (bias != nullptr) std::copy_n(bias + g * filters_, filters_, group_bias);
    }
  }

  bool single_row(std::int64_t images) const {
    return images * image_pixels_ == 1 && window_.height * window_.width == 1 && groups_ == 1;
  }

  std::int64_t tiles(std::int64_t images) const {
    return (images * image_pixels_ + kernels_.tile_rows - 1) / kernels_.tile_rows;
  }

  void run_row(const Tensor& in, const Tensor& out, std::int64_t first, std::int64_t last) const {
    GemvTask task;
    task.x = in.data;
    task.depth = depth_;
    task.weights = weights_.data();
    task.bias = bias_.data();
    task.activation = activation_;
    task.out = out.data;
    task.columns = filters_;
    task.skip_zeros = finite_;
    kernels_.gemv(task, first, last);
  }

  // Units are tiles, inside a column block, inside a block of pixels whose input stays in
  // cache while every column block reads it.
  void run_tiles(const Tensor& in, const Tensor& out, std::int64_t images, std::int64_t first,
                 std::int64_t last) const {
    const std::int64_t pixels = images * image_pixels_;
    const std::int64_t all_tiles = tiles(images);
    const std::int64_t column_blocks = groups_ * blocks_;
    ConvTask task = task_for(in);
    while (first < last) {
      const std::int64_t pixel_block = first / (block_tiles_ * column_blocks);
      const std::int64_t start = pixel_block * block_tiles_;
      const std::int64_t size = std::min(block_tiles_, all_tiles - start);
      const std::int64_t inside = first - start * column_blocks;
      const std::int64_t tile = inside % size;
      const std::int64_t run = std::min(size - tile, last - first);
      select_columns(task, in, out, inside / size);
      const std::int64_t from = (start + tile) * kernels_.tile_rows;
      kernels_.conv(task, from, std::min(pixels, from + run * kernels_.tile_rows));
      first += run;
    }
  }

  ConvTask task_for(const Tensor& in) const {
    ConvTask task = {};
    task.x_strides = {in.image, window_.stride_y * in_.row(), window_.stride_x * in_.pixel()};
    task.runs = runs_.data();
    task.chunks = chunks_.data();
    task.chunk_count = static_cast<std::int32_t>(chunks_.size());
    task.activation = activation_;
    task.width = out_.width;
    task.height = out_.height;
    return task;
  }

  void select_columns(ConvTask& task, const Tensor& in, const Tensor& out,
                      std::int64_t column_block) const {
    const std::int64_t group = column_block / blocks_;
    const std::int64_t column = column_block % blocks_ * block_;
    task.x = in.data - window_.pads.top * in_.row() - window_.pads.left * in_.pixel() +
             group * channels_;
    task.weights = weights_.data() + (group * padded_ + column) * depth_;
    task.bias = bias_.data() + group * padded_ + column;
    task.out = out.data + group * filters_ + column;
    task.out_strides = {out.image, out_.row(), out_.pixel()};
    task.columns = static_cast<std::int32_t>(std::min(block_, filters_ - column));
  }

  const Kernels& kernels_;
  Window window_;
  Activation activation_;
  std::int64_t groups_;
  std::int64_t channels_;  // of a group
  std::int64_t filters_;   // of a group
  std::int64_t depth_;     // products in an output
  std::int64_t image_pixels_;
  double input_bytes_;
  double output_bytes_;
  std::vector<Piece> pieces_;
  std::vector<Chunk> chunks_;
  std::vector<Run> runs_;
  std::int64_t block_ = 0;   // columns of a whole block
  std::int64_t blocks_ = 0;  // of a group
  std::int64_t padded_ = 0;  // filters of a group, up to whole vectors
  std::int64_t block_tiles_ = 1;
  Block weights_;
  Block bias_;
  bool finite_ = true;
  Layout in_;
  Layout out_;
};

}  // namespace

std::unique_ptr<Step> make_conv2d(const Dims& in, const Dims& out, const Window& window,
                                  std::int64_t groups, const float* kernel, const float* bias,
                                  Activation activation) {
  check_window(window, in, out);
  if (groups < 1 || in[2] < 1 || out[2] < 1 || in[2] % groups != 0 || out[2] % groups != 0) {
    throw std::invalid_argument("groups must divide the channels and the filters");
  }
  return std::make_unique<Conv2D>(in, out, window, groups, kernel, bias, activation);
}

}  // namespace cnnfast
