#include <cmath>

#include "../narrowing.hpp"
#include "../platform/caches.hpp"
#include "conv.hpp"

namespace cnnfast {

namespace {

constexpr std::int64_t kInputBlockBytes = 256 * 1024;  // stays in a core's L2 with the weights
constexpr std::int64_t kMostJoined = 4;                // pixels; more meet more zeros

constexpr int kBlocksToShare = 8;

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

class DirectConv2D final : public Step {
 public:
  // `joined`: how many pixels of the image are one of `spec`.
  DirectConv2D(const ConvSpec& spec, std::int64_t joined)
      : kernels_(kernels()),
        window_(spec.window),
        stored_window_(stored_window(spec)),
        joined_(joined),
        groups_(spec.groups),
        channels_(spec.in[2] / spec.groups),
        filters_(spec.out[2] / spec.groups),
        depth_(count({window_.height, window_.width, channels_})),
        pooled_(spec.max_pool),
        tile_pixels_(pooled_ ? kernels_.tile_rows / 2 : kernels_.tile_rows),
        image_pixels_(count({spec.out[0], spec.out[1]})),
        input_bytes_(bytes_of({spec.in})),
        moved_bytes_(moved_bytes(spec)),
        batched_(prefers_batches(spec)),
        pieces_(pieces_of(window_, spec.in[2], channels_, kernels_.chunk_depth)),
        chunks_(chunks_of(pieces_, kernels_.chunk_depth)),
        channel_data_(spec, kernels_.lanes),
        columns_(column_blocks(depth_, filters_)) {
    if (joined_ > 1) {
      packed_ = spec.kernel.packed(Packing::joined,
                                   {joined_, window_.height, window_.width, spec.in[2], filters_},
                                   [&](const KernelRows& kernel) { return pack_joined(kernel); });
    } else {
      packed_ = spec.kernel.packed(
          Packing::direct,
          {static_cast<std::int64_t>(spec.weight_dtype), groups_, depth_, filters_},
          [&](const KernelRows& kernel) { return pack(kernel, spec.weight_dtype); });
    }
  }

  const char* name() const override {
    switch (packed_->dtype()) {
      case WeightDtype::float16: return "conv2d_float16";
      case WeightDtype::bfloat16: return "conv2d_bfloat16";
      case WeightDtype::float32: break;
    }
    return "conv2d";
  }
  Border border() const override { return window_.pads; }
  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }
  bool reads_slices() const override { return joined_ == 1 && window_.width == 1; }
  bool writes_slices() const override { return joined_ == 1; }

  bool batched() const override { return batched_; }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    in_ = in[0];
    residual_ = in[1];
    out_ = out;
    for (const Piece& p : pieces_) runs_.push_back({p.offset_row * in_.row() + p.offset, p.length});
    // Of deep windows only a chunk has to stay: they are done chunk by chunk.
    const double bytes_per_pixel = std::min(input_bytes_ / static_cast<double>(image_pixels_),
                                            4.0 * static_cast<double>(kernels_.chunk_depth));
    const double pixels = kInputBlockBytes / bytes_per_pixel;
    cached_tiles_ =
        std::max<std::int64_t>(1, std::llround(pixels / static_cast<double>(tile_pixels_)));
    block_tiles_ = cached_tiles_;
    // Threads that share an image should take pixels, which they find in their caches, rather than
    // columns: small weights may be read several times.
    const auto weights = static_cast<double>(depth_ * filters_ * groups_) * 4;
    const auto output_bytes = static_cast<double>(image_pixels_ * filters_ * groups_) * 4;
    if (weights < std::min(input_bytes_ + output_bytes, static_cast<double>(l2_bytes()) / 4)) {
      block_tiles_ = std::min(block_tiles_, std::max<std::int64_t>(2, tiles(1) / kBlocksToShare));
    }
  }

  // A chunk of a column block in float32, where the weights are not.
  std::int64_t scratch() const override {
    if (packed_->dtype() == WeightDtype::float32) return 0;
    const auto shallower = [](const Chunk& a, const Chunk& b) { return a.depth < b.depth; };
    return std::max_element(chunks_.begin(), chunks_.end(), shallower)->depth * columns_.widest;
  }

  std::int64_t units(std::int64_t images) const override {
    return single_row(images) ? columns_.count() : tiles(images) * groups_ * columns_.count();
  }

  void run(const Work& w) const override {
    if (single_row(w.images)) {
      run_row(w);
    } else {
      run_tiles(w);
    }
  }

  const Window* rows_window() const override {
    return batched_ || packed_->dtype() != WeightDtype::float32 ? nullptr : &stored_window_;
  }

  void run_rows(const Work& w) const override {
    ConvTask task = task_for(w.in[0]);
    const std::int64_t end = w.last * task.width;
    const std::int64_t step = cached_tiles_ * tile_pixels_;
    for (std::int64_t start = w.first * task.width; start < end; start += step) {
      PixelBlock block = {start, std::min(end, start + step), 0, 0};
      block.last = tiles_of(block) * groups_ * columns_.count();
      run_pixel_block(task, w, block);
    }
  }

  Cost cost() const override {
    const double weights = static_cast<double>(depth_) * static_cast<double>(filters_ * groups_);
    const auto pixels = static_cast<double>(pooled_ ? 4 * image_pixels_ : image_pixels_);
    const auto width = static_cast<double>(window_.width);
    const std::int64_t stride = window_.stride_x / joined_;
    const auto others = static_cast<double>(window_.stride_x - stride);
    const double products = 2 * weights * pixels;  // the operation itself has those of one window
    const auto sums = pixels * static_cast<double>(filters_ * groups_);
    return {products * (width - others) / width, products + sums * channel_data_.activation_flops(),
            static_cast<double>(packed_->number_bytes()) * weights, moved_bytes_};
  }
  const char* algorithm(std::int64_t images) const override {
    if (joined_ > 1) return "joined";
    return single_row(images) ? "gemv" : "direct";
  }
  std::vector<const Packed*> packed() const override { return {packed_.get()}; }
  std::int64_t packed_bytes() const override { return packed_->bytes() + channel_data_.bytes(); }

 private:
  // Weights that do not fit into 16 bits stay as they are.
  Packed pack(const KernelRows& kernel, WeightDtype dtype) const {
    if (dtype == WeightDtype::float32 || !all_fit(dtype, kernel)) {
      Packed packed(columns_, groups_, WeightDtype::float32);
      pack_as<float>(kernel, packed, [](float x) { return x; });
      packed.set_finite(fits(WeightDtype::float32, packed.floats(), packed.size()));
      return packed;
    }
    Packed packed(columns_, groups_, dtype);
    pack_as<std::uint16_t>(kernel, packed,
                           dtype == WeightDtype::float16 ? to_float16 : to_bfloat16);
    return packed;
  }

  // The kernel of one window for all joined windows side by side: [y][x][channel][pixel][filter],
  // -0 where a pixel's own window does not reach, and nowhere else.
  Packed pack_joined(const KernelRows& rows) const {
    const std::int64_t stride = window_.stride_x / joined_;
    const std::int64_t own_width = window_.width - (joined_ - 1) * stride;
    const std::int64_t filters = filters_ / joined_;
    Block kernel(count({depth_, filters_}));
    std::fill(kernel.data(), kernel.data() + kernel.size(), -0.0F);
    Block held;
    const KernelRows all = rows.all(held);
    const float* from = all.numbers();
    for (std::int64_t y = 0; y < window_.height; ++y) {
      for (std::int64_t i = 0; i < own_width * channels_; ++i, from += filters) {
        for (std::int64_t p = 0; p < joined_; ++p) {
          const std::int64_t row = (y * window_.width + p * stride) * channels_ + i;
          std::transform(from, from + filters, kernel.data() + (row * joined_ + p) * filters,
                         [](float weight) { return weight + 0.0F; });
        }
      }
    }
    return pack({kernel.data(), depth_, filters_}, WeightDtype::float32);
  }

  static bool all_fit(WeightDtype dtype, const KernelRows& kernel) {
    bool all = true;
    kernel.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
      all = all && fits(dtype, numbers, (last - first) * kernel.width());
    });
    return all;
  }

  template <class Number, class Convert>
  void pack_as(const KernelRows& kernel, Packed& packed, Convert convert) const {
    kernel.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
      for (std::int64_t g = 0; g < groups_; ++g) {
        packed.fill<Number>(g, first, last, numbers + g * filters_, kernel.width(), convert);
      }
    });
  }

  // A pad before the image would put the one tap outside of it.
  bool single_row(std::int64_t images) const {
    return images * image_pixels_ == 1 && window_.height * window_.width == 1 && groups_ == 1 &&
           window_.pads.top == 0 && window_.pads.left == 0 && !pooled_;
  }

  std::int64_t tiles(std::int64_t images) const {
    return (images * image_pixels_ + tile_pixels_ - 1) / tile_pixels_;
  }

  void run_row(const Work& w) const {
    GemvTask task;
    task.x = w.in[0].data;
    task.depth = depth_;
    task.weights = packed_->columns(0, 0);
    task.epilogue = channel_data_.epilogue(0, 0, w.in[1], residual_);
    task.out = w.out.data;
    task.columns = filters_;
    task.skip_zeros = packed_->finite();
    kernels_.gemv[static_cast<int>(packed_->dtype())](task, w.first, w.last);
  }

  // Units are tiles, inside a column block, inside a block of pixels whose input stays in
  // cache while every column block reads it.
  void run_tiles(const Work& w) const {
    const std::int64_t all_tiles = tiles(w.images);
    const std::int64_t column_blocks = groups_ * columns_.count();
    ConvTask task = task_for(w.in[0]);
    task.widened = w.scratch;
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t pixel_block = unit / (block_tiles_ * column_blocks);
      const std::int64_t start = pixel_block * block_tiles_;
      const std::int64_t size = std::min(block_tiles_, all_tiles - start);
      const std::int64_t inside = unit - start * column_blocks;
      const std::int64_t end = std::min(size * column_blocks, inside + w.last - unit);
      const std::int64_t last_pixel =
          std::min(w.images * image_pixels_, (start + size) * tile_pixels_);
      run_pixel_block(task, w, {start * tile_pixels_, last_pixel, inside, end});
      unit += end - inside;
    }
  }

  struct PixelBlock {
    std::int64_t start;  // in pixels
    std::int64_t end;
    std::int64_t first;  // units inside the block
    std::int64_t last;
  };

  std::int64_t tiles_of(const PixelBlock& b) const {
    return (b.end - b.start + tile_pixels_ - 1) / tile_pixels_;
  }

  // Chunk by chunk where the pixels' windows do not stay in cache from one column block to the
  // next.
  void run_pixel_block(ConvTask& task, const Work& w, const PixelBlock& b) const {
    const auto chunk_count = static_cast<std::int32_t>(chunks_.size());
    const std::int64_t bytes = tiles_of(b) * tile_pixels_ * depth_ * 4;
    const bool by_chunk = !pooled_ && b.last - b.first > tiles_of(b) && bytes > l2_bytes() / 2;
    const std::int32_t step = by_chunk ? 1 : chunk_count;
    std::int64_t done = 0;  // products
    for (std::int32_t c = 0; c < chunk_count; c += step) {
      task.first_chunk = c;
      task.last_chunk = c + step;
      run_columns(task, w, b, done);
      done += chunks_[static_cast<std::size_t>(c)].depth;
    }
  }

  // The task's chunks, of which `done` products are behind, for every column block.
  void run_columns(ConvTask& task, const Work& w, const PixelBlock& b, std::int64_t done) const {
    const std::int64_t size = tiles_of(b);
    const auto conv = pooled_ ? kernels_.conv_pool : kernels_.conv;
    for (std::int64_t unit = b.first; unit < b.last;) {
      const std::int64_t tile = unit % size;
      const std::int64_t run = std::min(size - tile, b.last - unit);
      select_columns(task, w, unit / size, done);
      const std::int64_t from = b.start + tile * tile_pixels_;
      conv(task, from, std::min(b.end, from + run * tile_pixels_));
      unit += run;
    }
  }

  ConvTask task_for(const Tensor& in) const {
    ConvTask task = {};
    task.x_strides = {in.image, window_.stride_y * in_.row(), window_.stride_x * in_.pixel()};
    task.dtype = packed_->dtype();
    task.runs = runs_.data();
    task.chunks = chunks_.data();
    task.chunk_count = static_cast<std::int32_t>(chunks_.size());
    task.last_chunk = task.chunk_count;
    task.width = out_.width / joined_;
    task.joined = joined_ > 1;
    task.height = out_.height;
    return task;
  }

  void select_columns(ConvTask& task, const Work& w, std::int64_t column_block,
                      std::int64_t done) const {
    const std::int64_t group = column_block / columns_.count();
    const std::int64_t block = column_block % columns_.count();
    const std::int64_t column = columns_.first(block);
    task.x = w.in[0].data - window_.pads.top * in_.row() - window_.pads.left * in_.pixel() +
             group * channels_;
    task.weights = packed_->columns(group, block, done);
    task.epilogue = channel_data_.epilogue(group, column, w.in[1], residual_);
    task.epilogue.residual_strides.pixel *= joined_;
    task.out = w.out.data + group * filters_ + column;
    task.out_strides = {w.out.image, out_.row(), joined_ * out_.pixel()};
    task.columns = static_cast<std::int32_t>(columns_.stored(block));
  }

  const Kernels& kernels_;
  Window window_;
  Window stored_window_;
  std::int64_t joined_;
  std::int64_t groups_;
  std::int64_t channels_;  // of a group
  std::int64_t filters_;   // of a group
  std::int64_t depth_;     // products in an output
  bool pooled_;
  std::int64_t tile_pixels_;  // of the output, computed together
  std::int64_t image_pixels_;
  double input_bytes_;
  double moved_bytes_;
  bool batched_;
  std::vector<Piece> pieces_;
  std::vector<Chunk> chunks_;
  ChannelData channel_data_;
  std::vector<Run> runs_;
  ColumnBlocks columns_;           // of a group
  std::int64_t cached_tiles_ = 1;  // whose input stays in cache
  std::int64_t block_tiles_ = 1;   // as many at most, so that threads share them
  std::shared_ptr<const Packed> packed_;
  Layout in_;
  Layout residual_;
  Layout out_;
};

// Rows of `filters` numbers, each `times` over, as a convolution of joined pixels has them.
std::vector<float> repeated(const float* row, std::int64_t filters, std::int64_t times) {
  std::vector<float> all;
  for (std::int64_t i = 0; row != nullptr && i < times; ++i) {
    all.insert(all.end(), row, row + filters);
  }
  return all;
}

}  // namespace

std::unique_ptr<Step> make_direct_conv2d(const ConvSpec& spec) {
  return std::make_unique<DirectConv2D>(spec, 1);
}

std::int64_t joined_pixels(const ConvSpec& spec) {
  if (spec.groups != 1 || spec.window.dilation_x != 1 || spec.max_pool) return 1;
  for (std::int64_t pixels = kMostJoined; pixels > 1; --pixels) {
    if (spec.out[1] % pixels == 0 && pixels * spec.out[2] <= kernels().lanes) return pixels;
  }
  return 1;
}

std::unique_ptr<Step> make_joined_conv2d(const ConvSpec& spec) {
  const std::int64_t pixels = joined_pixels(spec);
  const std::vector<float> bias = repeated(spec.bias, spec.out[2], pixels);
  const std::vector<float> scale = repeated(spec.scale, spec.out[2], pixels);
  const std::vector<float> shift = repeated(spec.shift, spec.out[2], pixels);
  ConvSpec joined = spec;
  joined.out = {spec.out[0], spec.out[1] / pixels, pixels * spec.out[2]};
  joined.window.width += (pixels - 1) * spec.window.stride_x;
  joined.window.stride_x *= pixels;
  joined.bias = bias.empty() ? nullptr : bias.data();
  joined.scale = scale.empty() ? nullptr : scale.data();
  joined.shift = shift.empty() ? nullptr : shift.data();
  joined.weight_dtype = WeightDtype::float32;
  return std::make_unique<DirectConv2D>(joined, pixels);
}

}  // namespace cnnfast
