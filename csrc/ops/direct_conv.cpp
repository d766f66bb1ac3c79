#include <cmath>

#include "../narrowing.hpp"
#include "conv.hpp"
#include "conv_spans.hpp"

namespace cnnfast {

namespace {

constexpr int kPanelsToShare = 8;  // of an image's tiles, for the threads,
constexpr int kLeastTiles = 2;     // each of so many at least

std::vector<Chunk> chunks_of(const std::vector<WindowSpan>& spans, std::int64_t depth) {
  std::vector<Chunk> chunks;
  Chunk chunk = {0, 0, 0};
  for (const WindowSpan& span : spans) {
    chunk.depth += span.length;
    ++chunk.last;
    if (chunk.depth < depth) continue;
    chunks.push_back(chunk);
    chunk = {chunk.last, chunk.last, 0};
  }
  if (chunk.depth > 0) chunks.push_back(chunk);
  return chunks;
}

std::string name_of(Element element) {
  const std::string name = "conv2d";
  return element == Element::float32 ? name : name + "_" + kElementNames[static_cast<int>(element)];
}

// The numbers of a direct convolution; `joined`: how many pixels of the image are one of `spec`.
// Channels, depth, spans and chunks count words: numbers, or what these are rounded to.
struct DirectShape {
  Window window;
  std::int64_t joined;
  std::int64_t groups;
  std::optional<RoundedInput> rounded;
  std::int64_t channels;      // of a group
  std::int64_t filters;       // of a group
  std::int64_t depth;         // of an output
  std::int64_t products;      // in an output
  std::int64_t image_pixels;  // of the output
  std::int64_t image_sums;    // of as many pixels before the pooling
  std::int64_t tile_pixels;   // of the output, computed together
  std::vector<WindowSpan> spans;
  std::vector<Chunk> chunks;
  ColumnBlocks columns;           // of a group
  double input_bytes;             // of the words
  std::int64_t cached_tiles = 1;  // whose input stays in cache
  std::int64_t panel_tiles = 1;   // as many at most, so that threads share them

  DirectShape(const ConvSpec& spec, std::int64_t joined_pixels, bool rounds)
      : window(spec.window),
        joined(joined_pixels),
        groups(spec.groups),
        rounded(rounds ? std::optional<RoundedInput>({spec, bfloat16_kernels().together})
                       : std::nullopt),
        channels(words_of(spec.in[2] / groups, rounds ? bfloat16_kernels().together : 1)),
        filters(spec.out[2] / spec.groups),
        depth(count({window.height, window.width, channels})),
        products(count({window.height, window.width, spec.in[2] / groups})),
        image_pixels(count({spec.out[0], spec.out[1]})),
        image_sums(count({convolved(spec)[0], convolved(spec)[1]})),
        tile_pixels(kernels().tuning.tile_rows / spec.pooling.side),
        spans(spans_of(window, groups * channels, channels, kernels().tuning.chunk_depth)),
        chunks(chunks_of(spans, kernels().tuning.chunk_depth)),
        columns(column_blocks(depth, filters)),
        input_bytes(rounded ? kFloatBytes * rounded->words_per_pixel() *
                                  static_cast<double>(image_pixels)
                            : bytes_of({spec.in})) {
    cut_panels();
  }

  // One pixel times a matrix. A pad before the image would put the one tap outside of it.
  bool is_row() const {
    return image_sums == 1 && window.height * window.width == 1 && groups == 1 &&
           window.pads.top == 0 && window.pads.left == 0;
  }
  std::int64_t tiles(std::int64_t images) const {
    return (images * image_pixels + tile_pixels - 1) / tile_pixels;
  }
  std::int64_t deepest_chunk() const {
    std::int64_t deepest = 0;
    for (const Chunk& chunk : chunks) deepest = std::max(deepest, chunk.depth);
    return deepest;
  }

 private:
  void cut_panels() {
    const Tuning& tuning = kernels().tuning;
    double bytes_per_pixel = input_bytes / static_cast<double>(image_pixels);
    // Of deep windows only a chunk has to stay: they are done chunk by chunk. What is rounded is
    // there for all of them.
    if (!rounded) {
      bytes_per_pixel =
          std::min(bytes_per_pixel, static_cast<double>(float_bytes(tuning.chunk_depth)));
    }
    const double cached_pixels = static_cast<double>(tuning.input_panel_bytes) / bytes_per_pixel;
    cached_tiles =
        std::max<std::int64_t>(1, std::llround(cached_pixels / static_cast<double>(tile_pixels)));
    panel_tiles = cached_tiles;
    // Threads that share an image should take pixels, which they find in their caches, rather than
    // columns: small weights may be read several times.
    const std::int64_t outputs = filters * groups;
    const auto weights = static_cast<double>(float_bytes(depth * outputs));
    const auto made = static_cast<double>(float_bytes(image_pixels * outputs));
    if (weights < std::min(input_bytes + made, static_cast<double>(bytes_of_l2(tuning.l2_small)))) {
      const std::int64_t shared = tiles(1) / kPanelsToShare;
      panel_tiles = std::min(panel_tiles, std::max<std::int64_t>(kLeastTiles, shared));
    }
  }
};

class DirectConv2D final : public Step {
 public:
  DirectConv2D(const ConvSpec& spec, DirectShape shape, std::shared_ptr<const Packed> packed,
               ChannelData channel_data)
      : Step(traits_of(spec, shape, packed, channel_data)),
        shape_(std::move(shape)),
        packed_(std::move(packed)),
        channel_data_(std::move(channel_data)),
        moved_bytes_(moved_bytes(spec)) {}

  Cost cost() const override {
    const auto outputs = static_cast<double>(shape_.filters * shape_.groups);
    const auto pixels = static_cast<double>(shape_.image_sums);
    const auto width = static_cast<double>(shape_.window.width);
    const std::int64_t stride = shape_.window.stride_x / shape_.joined;
    const auto others = static_cast<double>(shape_.window.stride_x - stride);
    const double sums = outputs * pixels;
    const double flops = 2 * static_cast<double>(shape_.products) * sums;
    // The operation itself has those of one window.
    return {.flops = flops * (width - others) / width,
            .own_flops =
                sums * (2 * static_cast<double>(shape_.depth) + channel_data_.activation_flops()),
            .weight_bytes = static_cast<double>(packed_->number_bytes() * shape_.depth) * outputs,
            .moved_bytes = moved_bytes_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundDirectConv2D;

  static StepTraits traits_of(const ConvSpec& spec, const DirectShape& shape,
                              const std::shared_ptr<const Packed>& packed,
                              const ChannelData& channel_data) {
    const bool alone = shape.joined == 1;
    const bool float32 = packed->element() == Element::float32;
    const bool rounds = shape.rounded.has_value();
    StepTraits traits = {
        .name = name_of(rounds ? Element::bfloat16 : packed->element()),
        .algorithm = rounds  ? "direct_bfloat16"
                     : alone ? "direct"
                             : "joined",
        .candidates = spec.candidates,
        .reads = rounds || (alone && shape.window.width == 1) ? Access::slice : Access::bordered,
        .writes = alone ? Access::slice : Access::bordered,
        .border = shape.window.pads,
        .batched = prefers_batches(spec),
        // A chunk of a column block in float32, where the weights are not.
        .scratch = float32 ? 0 : float_bytes(shape.deepest_chunk() * shape.columns.widest),
        .packed = {packed},
        .own_bytes = channel_data.bytes()};
    if (rounds) {
      traits.grain = shape.panel_tiles * shape.groups * shape.columns.count();
      traits.scratch = float_bytes(shape.rounded->size(shape.cached_tiles * shape.tile_pixels));
    }
    if (shape.is_row()) traits.algorithm_of_one = "gemv";
    if (!traits.batched && float32) traits.rows = {stored_window(spec)};
    return traits;
  }

  DirectShape shape_;
  std::shared_ptr<const Packed> packed_;
  ChannelData channel_data_;
  double moved_bytes_;
};

// Units are tiles, inside a column block, inside a panel of pixels whose input stays in cache while
// every column block reads it.
class BoundDirectConv2D final : public BoundByRows {
 public:
  BoundDirectConv2D(const DirectConv2D& step, const Layouts& layouts)
      : kernels_(kernels()),
        conv_(step.shape_.rounded ? bfloat16_kernels().conv : kernels_.conv),
        step_(step),
        shape_(step.shape_),
        in_(layouts.in[0]),
        residual_(layouts.in[1]),
        out_(layouts.out) {
    for (const WindowSpan& s : shape_.spans) {
      const std::int64_t row = shape_.rounded ? shape_.rounded->row() : in_.row();
      spans_.push_back({s.offset_row * row + s.offset, s.length});
    }
  }

  std::int64_t units(std::int64_t images) const override {
    if (is_row(images)) return shape_.columns.count();
    return shape_.tiles(images) * shape_.groups * shape_.columns.count();
  }

  void run(const Work& w) const override {
    if (is_row(w.images)) {
      run_row(w);
    } else {
      run_tiles(w);
    }
  }

  void run_rows(const Work& w) const override {
    ConvTask task = task_for(w.in[0]);
    const std::int64_t end = w.last * task.width;
    const std::int64_t step = shape_.cached_tiles * shape_.tile_pixels;
    for (std::int64_t start = w.first * task.width; start < end; start += step) {
      Panel panel = {start, std::min(end, start + step), 0, 0};
      panel.last = tiles_of(panel) * shape_.groups * shape_.columns.count();
      run_panel(task, w, panel);
    }
  }

 private:
  bool is_row(std::int64_t images) const { return images == 1 && shape_.is_row(); }

  void run_row(const Work& w) const {
    GemvTask task;
    task.x = w.in[0].floats();
    task.depth = shape_.depth;
    task.weights = step_.packed_->columns(0, 0);
    task.epilogue = step_.channel_data_.epilogue(0, 0, w.in[1], residual_);
    task.out = w.out.floats();
    task.columns = shape_.filters;
    task.skip_zeros = step_.packed_->finite();
    kernels_.gemv[static_cast<int>(step_.packed_->element())](task, w.first, w.last);
  }

  void run_tiles(const Work& w) const {
    const std::int64_t all_tiles = shape_.tiles(w.images);
    const std::int64_t column_blocks = shape_.groups * shape_.columns.count();
    ConvTask task = task_for(w.in[0]);
    task.widened = w.scratch_floats();
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t panel = unit / (shape_.panel_tiles * column_blocks);
      const std::int64_t start = panel * shape_.panel_tiles;
      const std::int64_t size = std::min(shape_.panel_tiles, all_tiles - start);
      const std::int64_t inside = unit - start * column_blocks;
      const std::int64_t end = std::min(size * column_blocks, inside + w.last - unit);
      const std::int64_t last_pixel =
          std::min(w.images * shape_.image_pixels, (start + size) * shape_.tile_pixels);
      run_panel(task, w, {start * shape_.tile_pixels, last_pixel, inside, end});
      unit += end - inside;
    }
  }

  struct Panel {
    std::int64_t first_pixel;
    std::int64_t last_pixel;
    std::int64_t first;  // units inside the panel
    std::int64_t last;
  };

  std::int64_t tiles_of(const Panel& p) const {
    return (p.last_pixel - p.first_pixel + shape_.tile_pixels - 1) / shape_.tile_pixels;
  }

  // Chunk by chunk where the pixels' windows do not stay in cache from one column block to the
  // next, and the output has room for each sum meanwhile.
  void run_panel(ConvTask& task, const Work& w, const Panel& p) const {
    task.x = input_of(w, p);
    const auto chunk_count = static_cast<std::int32_t>(shape_.chunks.size());
    const std::int64_t bytes = float_bytes(tiles_of(p) * shape_.tile_pixels * shape_.depth);
    const bool by_chunk = shape_.image_sums == shape_.image_pixels &&
                          p.last - p.first > tiles_of(p) &&
                          bytes > bytes_of_l2(kernels_.tuning.l2_kept);
    const std::int32_t step = by_chunk ? 1 : chunk_count;
    std::int64_t done = 0;  // products
    for (std::int32_t c = 0; c < chunk_count; c += step) {
      task.first_chunk = c;
      task.last_chunk = c + step;
      run_columns(task, w, p, done);
      done += shape_.chunks[static_cast<std::size_t>(c)].depth;
    }
  }

  // The window of pixel 0, in the image or where what the panel reads of it is rounded.
  const float* input_of(const Work& w, const Panel& p) const {
    const Border& pads = shape_.window.pads;
    if (!shape_.rounded) return w.in[0].floats() - pads.top * in_.row() - pads.left * in_.pixel();
    return shape_.rounded->fill(bfloat16_kernels().round, w.in[0], in_, p.first_pixel, p.last_pixel,
                                w.scratch_floats());
  }

  // The task's chunks, of which `done` words are behind, for every column block.
  void run_columns(ConvTask& task, const Work& w, const Panel& p, std::int64_t done) const {
    const std::int64_t size = tiles_of(p);
    const float* const x = task.x;
    for (std::int64_t unit = p.first; unit < p.last;) {
      const std::int64_t tile = unit % size;
      const std::int64_t tiles = std::min(size - tile, p.last - unit);
      task.x = x + unit / size / shape_.columns.count() * shape_.channels;  // of the group
      select_columns(task, w, unit / size, done);
      const std::int64_t first = p.first_pixel + tile * shape_.tile_pixels;
      conv_(task, first, std::min(p.last_pixel, first + tiles * shape_.tile_pixels));
      unit += tiles;
    }
    task.x = x;
  }

  ConvTask task_for(const Tensor& in) const {
    ConvTask task = {};
    const Window& window = shape_.window;
    task.x_strides = {in.image, window.stride_y * in_.row(), window.stride_x * in_.pixel()};
    if (shape_.rounded) task.x_strides = shape_.rounded->strides();
    task.element = step_.packed_->element();
    task.spans = spans_.data();
    task.chunks = shape_.chunks.data();
    task.chunk_count = static_cast<std::int32_t>(shape_.chunks.size());
    task.last_chunk = task.chunk_count;
    task.width = out_.width / shape_.joined;
    task.joined = shape_.joined > 1;
    task.height = out_.height;
    return task;
  }

  void select_columns(ConvTask& task, const Work& w, std::int64_t column_block,
                      std::int64_t done) const {
    const ColumnBlocks& columns = shape_.columns;
    const std::int64_t group = column_block / columns.count();
    const std::int64_t block = column_block % columns.count();
    const std::int64_t column = columns.first(block);
    task.weights = step_.packed_->columns(group, block, done);
    task.epilogue = step_.channel_data_.epilogue(group, column, w.in[1], residual_);
    task.epilogue.residual.strides.pixel *= shape_.joined;
    task.out = w.out.floats() + group * shape_.filters + column;
    task.out_strides = {w.out.image, out_.row(), shape_.joined * out_.pixel()};
    task.columns = static_cast<std::int32_t>(columns.stored(block));
  }

  const Kernels& kernels_;
  decltype(Kernels::conv) conv_;
  const DirectConv2D& step_;
  const DirectShape& shape_;
  Layout in_;
  Layout residual_;
  Layout out_;
  std::vector<Span> spans_;
};

std::unique_ptr<const BoundStep> DirectConv2D::bind(const Layouts& layouts) const {
  return std::make_unique<BoundDirectConv2D>(*this, layouts);
}

bool all_fit(Element dtype, const KernelRows& kernel) {
  if (dtype == Element::float32) return true;
  bool all = true;
  kernel.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
    all = all && fits(dtype, numbers, (last - first) * kernel.width());
  });
  return all;
}

// Words of neighbouring channels; nothing where a number would not stay finite.
Packed pack_bfloat16(const KernelRows& kernel, std::int64_t channels, std::int64_t groups,
                     std::int64_t together, const ColumnBlocks& columns) {
  if (!all_fit(Element::bfloat16, kernel)) return Packed(0);
  Packed packed(columns, groups, Element::float32);
  std::fill_n(packed.data(), packed.size(), 0.0F);
  kernel.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
    for (std::int64_t row = first; row < last; ++row) {
      const std::int64_t channel = row % channels;
      const std::int64_t word = row / channels * words_of(channels, together) + channel / together;
      for (std::int64_t g = 0; g < groups; ++g, numbers += columns.columns) {
        for (std::int64_t block = 0; block < columns.count(); ++block) {
          fill_words(numbers + columns.first(block), columns.stored(block),
                     packed.data() + g * columns.size() + columns.place(block, word),
                     channel % together, together);
        }
      }
    }
  });
  return packed;
}

}  // namespace

Packed pack_kernel(const KernelRows& kernel, std::int64_t groups, Element dtype) {
  const ColumnBlocks columns = column_blocks(kernel.rows(), kernel.width() / groups);
  const Element element = all_fit(dtype, kernel) ? dtype : Element::float32;
  Packed packed(columns, groups, element);
  with_element(element, [&]<Element E>() {
    kernel.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
      for (std::int64_t g = 0; g < groups; ++g) {
        packed.fill<typename Narrowing<E>::Number>(g, first, last, numbers + g * columns.columns,
                                                   kernel.width(),
                                                   [](float x) { return Narrowing<E>::narrow(x); });
      }
    });
  });
  if (element == Element::float32) {
    packed.set_finite(fits(element, packed.floats(), packed.size()));
  }
  return packed;
}

std::unique_ptr<const Step> make_direct_conv2d(const ConvSpec& spec,
                                               std::shared_ptr<const Packed> packed,
                                               std::int64_t joined) {
  return std::make_unique<DirectConv2D>(spec, DirectShape(spec, joined, false), std::move(packed),
                                        ChannelData(spec, kernels().tuning.lanes));
}

std::unique_ptr<const Step> make_direct_conv2d(const ConvSpec& spec) {
  const std::int64_t filters = spec.out[2] / spec.groups;
  const std::int64_t channels = spec.in[2] / spec.groups;
  const std::int64_t depth = count({spec.window.height, spec.window.width, channels});
  auto packed = spec.kernel.packed(
      Packing::direct, {static_cast<std::int64_t>(spec.weight_dtype), spec.groups, depth, filters},
      [&](const KernelRows& kernel) {
        return pack_kernel(kernel, spec.groups, spec.weight_dtype);
      });
  return make_direct_conv2d(spec, std::move(packed), 1);
}

std::unique_ptr<const Step> make_bfloat16_conv2d(const ConvSpec& spec) {
  DirectShape shape(spec, 1, true);
  const std::int64_t together = bfloat16_kernels().together;
  const std::int64_t channels = spec.in[2] / spec.groups;
  auto packed = spec.kernel.packed(
      Packing::bfloat16_direct, {together, spec.groups, shape.depth, channels, shape.filters},
      [&](const KernelRows& kernel) {
        return pack_bfloat16(kernel, channels, spec.groups, together, shape.columns);
      });
  if (packed->size() == 0) return nullptr;
  return std::make_unique<DirectConv2D>(spec, std::move(shape), std::move(packed),
                                        ChannelData(spec, kernels().tuning.lanes));
}

}  // namespace cnnfast
