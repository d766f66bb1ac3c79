// Convolution of bytes; see direct_conv.cpp. Sums are exact: there are no chunks.
#include <algorithm>
#include <cstring>

#include "../cpu.hpp"
#include "conv_spans.hpp"
#include "product.hpp"
#include "quantized.hpp"

namespace cnnfast {

namespace {

constexpr std::int64_t kQuad = 4;        // bytes that are multiplied together
constexpr int kPanelsToShare = 8;        // of an image's tiles, for the threads,
constexpr std::int64_t kLeastTiles = 2;  // each of so many at least
constexpr double kBatchedWeights = 2e5;  // bytes that are worth reading once for many images
constexpr std::int64_t kLongest = std::int64_t{1} << 40;

std::int64_t quads_of(std::int64_t bytes) { return (bytes + kQuad - 1) / kQuad; }

// The numbers of a convolution of bytes.
struct ByteShape {
  Window window;
  std::int64_t groups;
  std::int64_t channels;      // of a group
  std::int64_t filters;       // of a group
  std::int64_t depth;         // products in an output
  std::int64_t image_pixels;  // of the output
  std::vector<WindowSpan> spans;
  ColumnBlocks columns;  // of a group; rows are quads times the numbers in one

  explicit ByteShape(const QuantizedConvSpec& spec)
      : window(spec.window),
        groups(spec.groups),
        channels(spec.in[2] / spec.groups),
        filters(spec.out[2] / spec.groups),
        depth(count({window.height, window.width, channels})),
        image_pixels(count({spec.out[0], spec.out[1]})),
        spans(spans_of(window, spec.in[2], channels, kLongest)) {
    std::int64_t quads = 0;
    for (const WindowSpan& span : spans) quads += quads_of(span.length);
    const QuantizedKernels& k = quantized_kernels();
    columns = {kQuad * quads, filters, k.lanes, std::int64_t{k.tile_vectors} * k.lanes};
  }

  std::int64_t tile_pixels() const { return quantized_kernels().tile_rows; }
  std::int64_t tiles(std::int64_t images) const {
    return (images * image_pixels + tile_pixels() - 1) / tile_pixels();
  }
  std::int64_t padded() const { return columns.padded(); }
  std::int64_t column_blocks() const { return groups * columns.count(); }
};

Element weights_element() {
  return quantized_kernels().byte_products ? Element::int8 : Element::int16;
}

// Where byte `byte` of a quad stands for a column of a block that has `width` of them.
std::int64_t place_in_quad(std::int64_t byte, std::int64_t column, std::int64_t width) {
  if (quantized_kernels().byte_products) return column * kQuad + byte;
  return byte % 2 * width * 2 + column * 2 + byte / 2;
}

// Weights of one group in quads, from rows of all filters.
template <class Number>
class QuadPacker {
 public:
  QuadPacker(const ByteShape& shape, Number* to) : shape_(shape), to_(to) {}

  // Row k of the kernel is byte `byte` of quad `quad`.
  void put(std::int64_t quad, std::int64_t byte, const float* row) const {
    const ColumnBlocks& columns = shape_.columns;
    for (std::int64_t block = 0; block < columns.count(); ++block) {
      const std::int64_t width = columns.width(block);
      Number* const at = to_ + columns.place(block, kQuad * quad);
      for (std::int64_t c = 0; c < columns.stored(block); ++c) {
        at[place_in_quad(byte, c, width)] = integer_of(row[columns.first(block) + c]);
      }
    }
  }

 private:
  const ByteShape& shape_;
  Number* to_;
};

// Of each row of a kernel, the number of the byte among all quads.
std::vector<std::int64_t> bytes_of_rows(const ByteShape& shape) {
  std::vector<std::int64_t> bytes;
  std::int64_t quad = 0;
  for (const WindowSpan& span : shape.spans) {
    for (std::int64_t k = 0; k < span.length; ++k) bytes.push_back(quad * kQuad + k);
    quad += quads_of(span.length);
  }
  return bytes;
}

template <class Number>
void pack_groups(const ByteShape& shape, const KernelRows& kernel, Packed& packed) {
  auto* const numbers = reinterpret_cast<Number*>(packed.data());
  std::fill(numbers, numbers + packed.size(), Number{0});
  const std::vector<std::int64_t> bytes = bytes_of_rows(shape);
  kernel.visit([&](std::int64_t first, std::int64_t last, const float* row) {
    for (std::int64_t k = first; k < last; ++k, row += kernel.width()) {
      const std::int64_t byte = bytes[static_cast<std::size_t>(k)];
      for (std::int64_t g = 0; g < shape.groups; ++g) {
        const QuadPacker<Number> packer(shape, numbers + g * shape.columns.size());
        packer.put(byte / kQuad, byte % kQuad, row + g * shape.filters);
      }
    }
  });
}

Packed pack_quads(const ByteShape& shape, const KernelRows& kernel) {
  Packed packed(shape.columns, shape.groups, weights_element());
  if (weights_element() == Element::int8) {
    pack_groups<std::int8_t>(shape, kernel, packed);
  } else {
    pack_groups<std::int16_t>(shape, kernel, packed);
  }
  return packed;
}

// The sum of the weights and of their absolute values, of a column of a group.
struct ColumnSums {
  std::int64_t sum = 0;
  std::int64_t absolute = 0;
};

template <class Number>
ColumnSums sums_of(const Packed& packed, const ByteShape& shape, std::int64_t group,
                   std::int64_t block, std::int64_t column) {
  ColumnSums sums;
  const std::int64_t width = shape.columns.width(block);
  for (std::int64_t row = 0; row < shape.columns.rows; row += kQuad) {
    const auto* quad = static_cast<const Number*>(packed.columns(group, block, row));
    for (std::int64_t byte = 0; byte < kQuad; ++byte) {
      const std::int64_t weight = quad[place_in_quad(byte, column, width)];
      sums.sum += weight;
      sums.absolute += std::abs(weight);
    }
  }
  return sums;
}

// What steps keep by channel, each group's channels padded to whole vectors: what sums begin with,
// and what becomes of them.
class ByteChannels {
 public:
  ByteChannels(const QuantizedConvSpec& spec, const ByteShape& shape, const Packed& packed)
      : rounding_(spec.rounding) {
    const std::int64_t padded = shape.padded();
    const auto size = static_cast<std::size_t>(shape.groups * padded);
    offset_.resize(size);
    Rounding& r = rounding_;
    r.multiplier = r.lower = r.upper = std::vector<float>(size);
    for (std::int64_t g = 0; g < shape.groups; ++g) {
      for (std::int64_t f = 0; f < shape.filters; ++f) {
        const auto from = static_cast<std::size_t>(g * shape.filters + f);
        const auto to = static_cast<std::size_t>(g * padded + f);
        r.multiplier[to] = spec.rounding.multiplier[from];
        r.lower[to] = spec.rounding.lower[from];
        r.upper[to] = spec.rounding.upper[from];
        offset_[to] = offset_of(spec, shape, packed, g, f);
      }
    }
  }

  std::int64_t bytes() const {
    return static_cast<std::int64_t>(offset_.size()) * (4 * std::int64_t{sizeof(float)});
  }
  bool to_bytes() const { return rounding_.zero_point.has_value(); }
  const std::int32_t* offset(std::int64_t at) const { return offset_.data() + at; }
  ChannelRounding rounding(std::int64_t at) const {
    return {rounding_.multiplier.data() + at, rounding_.lower.data() + at,
            rounding_.upper.data() + at, rounding_.fill(), to_bytes()};
  }

 private:
  static std::int32_t offset_of(const QuantizedConvSpec& spec, const ByteShape& shape,
                                const Packed& packed, std::int64_t group, std::int64_t filter) {
    const std::int64_t block = filter / shape.columns.widest;
    const std::int64_t column = filter % shape.columns.widest;
    const ColumnSums sums = packed.element() == Element::int8
                                ? sums_of<std::int8_t>(packed, shape, group, block, column)
                                : sums_of<std::int16_t>(packed, shape, group, block, column);
    const std::int64_t bias =
        spec.bias.empty() ? 0 : spec.bias[static_cast<std::size_t>(group * shape.filters + filter)];
    constexpr std::int64_t kLargestSum = std::int64_t{1} << 31;
    if (255 * sums.absolute + std::abs(bias) >= kLargestSum) {
      throw std::invalid_argument("a sum of products of bytes and its bias must be an int32");
    }
    return static_cast<std::int32_t>(bias - spec.in_zero_point * sums.sum);
  }

  std::vector<std::int32_t> offset_;
  Rounding rounding_;
};

class QuantizedConv2D final : public Step {
 public:
  QuantizedConv2D(const QuantizedConvSpec& spec, ByteShape shape,
                  std::shared_ptr<const Packed> packed, ByteChannels channels)
      : Step(traits_of(spec, shape, packed, channels)),
        shape_(std::move(shape)),
        packed_(std::move(packed)),
        channels_(std::move(channels)),
        residual_{nullptr, {}, spec.residual_zero_point, spec.residual_multiplier},
        input_bytes_(bytes_of({spec.in}, Element::uint8)),
        moved_bytes_(input_bytes_ + bytes_of({spec.out}, spec.rounding.element()) +
                     (spec.residual ? bytes_of({spec.out}, Element::uint8) : 0)) {}

  Cost cost() const override {
    const auto outputs = static_cast<double>(shape_.filters * shape_.groups);
    const double weights = static_cast<double>(shape_.depth) * outputs;
    const double flops = 2 * weights * static_cast<double>(shape_.image_pixels);
    return {.flops = flops,
            .own_flops = flops,
            .weight_bytes = static_cast<double>(packed_->number_bytes()) * weights,
            .moved_bytes = moved_bytes_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundQuantizedConv2D;

  static StepTraits traits_of(const QuantizedConvSpec& spec, const ByteShape& shape,
                              const std::shared_ptr<const Packed>& packed,
                              const ByteChannels& channels) {
    StepTraits traits = {.name = "quantized_conv2d",
                         .algorithm = packed->element() == Element::int8 ? "bytes" : "words",
                         .reads = shape.window.width == 1 ? Access::slice : Access::bordered,
                         .writes = Access::slice,
                         .border = shape.window.pads,
                         .takes = Element::uint8,
                         .makes = spec.rounding.element(),
                         .fill = spec.rounding.fill(),
                         .batched = prefers_batches(spec, *packed),
                         .packed = {packed},
                         .own_bytes = channels.bytes()};
    Window rows = shape.window;
    rows.height = rows.reach();
    rows.dilation_y = 1;
    if (!traits.batched) traits.rows = {rows};
    return traits;
  }

  // More weights than activations, and enough of them.
  static bool prefers_batches(const QuantizedConvSpec& spec, const Packed& packed) {
    const auto weights = static_cast<double>(packed.bytes());
    return weights > kBatchedWeights && weights > 2 * bytes_of({spec.in, spec.out}, Element::uint8);
  }

  ByteShape shape_;
  std::shared_ptr<const Packed> packed_;
  ByteChannels channels_;
  ByteResidual residual_;
  double input_bytes_;
  double moved_bytes_;
};

// Units are tiles, inside a column block, inside a panel of pixels whose input stays in cache while
// every column block reads it.
class BoundQuantizedConv2D final : public BoundByRows {
 public:
  BoundQuantizedConv2D(const QuantizedConv2D& step, const Layouts& layouts)
      : kernels_(quantized_kernels()),
        step_(step),
        shape_(step.shape_),
        in_(layouts.in[0]),
        residual_(layouts.in[1]),
        out_(layouts.out) {
    for (const WindowSpan& s : shape_.spans) {
      spans_.push_back({s.offset_row * in_.row() + s.offset, s.length});
    }
    const auto pixels = static_cast<double>(shape_.image_pixels);
    const double bytes = step.input_bytes_ / pixels * static_cast<double>(shape_.tile_pixels());
    const auto panel = static_cast<double>(kernels().tuning.input_panel_bytes);
    panel_tiles_ = std::max<std::int64_t>(1, static_cast<std::int64_t>(panel / bytes));
    // Threads that share an image should take pixels, which they find in their caches, rather than
    // columns: small weights may be read several times.
    const auto made =
        bytes_of({{shape_.image_pixels, shape_.filters * shape_.groups}}, Element::uint8);
    const auto weights = static_cast<double>(step.packed_->bytes());
    const auto small = static_cast<double>(bytes_of_l2(kernels().tuning.l2_small));
    if (weights < std::max(std::min(step.input_bytes_ + made, small), small / 2)) {
      const std::int64_t shared = shape_.tiles(1) / kPanelsToShare;
      panel_tiles_ = std::min(panel_tiles_, std::max(kLeastTiles, shared));
    }
  }

  std::int64_t units(std::int64_t images) const override {
    return shape_.tiles(images) * shape_.column_blocks();
  }

  void run(const Work& w) const override {
    const std::int64_t all_tiles = shape_.tiles(w.images);
    const std::int64_t blocks = shape_.column_blocks();
    QuantizedConvTask task = task_for(w);
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t start = unit / (panel_tiles_ * blocks) * panel_tiles_;
      const std::int64_t size = std::min(panel_tiles_, all_tiles - start);
      const std::int64_t inside = unit - start * blocks;
      const std::int64_t end = std::min(size * blocks, inside + w.last - unit);
      const std::int64_t first = start * shape_.tile_pixels();
      const std::int64_t last =
          std::min(w.images * shape_.image_pixels, first + size * shape_.tile_pixels());
      run_panel(task, w, {first, last, inside, end});
      unit += end - inside;
    }
  }

  void run_rows(const Work& w) const override {
    QuantizedConvTask task = task_for(w);
    const std::int64_t end = w.last * task.width;
    const std::int64_t step = panel_tiles_ * shape_.tile_pixels();
    for (std::int64_t start = w.first * task.width; start < end; start += step) {
      Panel panel = {start, std::min(end, start + step), 0, 0};
      panel.last = tiles_of(panel) * shape_.column_blocks();
      run_panel(task, w, panel);
    }
  }

 private:
  struct Panel {
    std::int64_t first_pixel;
    std::int64_t last_pixel;
    std::int64_t first;  // units inside the panel
    std::int64_t last;
  };

  std::int64_t tiles_of(const Panel& p) const {
    return (p.last_pixel - p.first_pixel + shape_.tile_pixels() - 1) / shape_.tile_pixels();
  }

  void run_panel(QuantizedConvTask& task, const Work& w, const Panel& p) const {
    const std::int64_t size = tiles_of(p);
    for (std::int64_t unit = p.first; unit < p.last;) {
      const std::int64_t tile = unit % size;
      const std::int64_t tiles = std::min(size - tile, p.last - unit);
      select_columns(task, w, unit / size);
      const std::int64_t first = p.first_pixel + tile * shape_.tile_pixels();
      kernels_.conv(task, first, std::min(p.last_pixel, first + tiles * shape_.tile_pixels()));
      unit += tiles;
    }
  }

  QuantizedConvTask task_for(const Work& w) const {
    const Window& window = shape_.window;
    QuantizedConvTask task = {};
    task.x_strides = {w.in[0].image, window.stride_y * in_.row(), window.stride_x * in_.pixel()};
    task.spans = spans_.data();
    task.span_count = static_cast<std::int32_t>(spans_.size());
    task.residual = step_.residual_;
    task.residual.strides = {w.in[1].image, residual_.row(), residual_.pixel()};
    task.out_strides = {w.out.image, out_.row(), out_.pixel()};
    task.width = out_.width;
    task.height = out_.height;
    return task;
  }

  void select_columns(QuantizedConvTask& task, const Work& w, std::int64_t column_block) const {
    const ColumnBlocks& columns = shape_.columns;
    const Border& pads = shape_.window.pads;
    const std::int64_t group = column_block / columns.count();
    const std::int64_t block = column_block % columns.count();
    const std::int64_t column = columns.first(block);
    const std::int64_t filter = group * shape_.filters + column;
    const std::int64_t at = group * shape_.padded() + column;
    task.x =
        w.in[0].bytes() - pads.top * in_.row() - pads.left * in_.pixel() + group * shape_.channels;
    task.weights = step_.packed_->columns(group, block);
    task.offset = step_.channels_.offset(at);
    task.rounding = step_.channels_.rounding(at);
    if (w.in[1].data != nullptr) task.residual.numbers = w.in[1].bytes() + filter;
    task.out = w.out.data + out_.bytes(filter);
    task.columns = static_cast<std::int32_t>(columns.stored(block));
  }

  const QuantizedKernels& kernels_;
  const QuantizedConv2D& step_;
  const ByteShape& shape_;
  Layout in_;
  Layout residual_;
  Layout out_;
  std::vector<Span> spans_;
  std::int64_t panel_tiles_;
};

std::unique_ptr<const BoundStep> QuantizedConv2D::bind(const Layouts& layouts) const {
  return std::make_unique<BoundQuantizedConv2D>(*this, layouts);
}

}  // namespace

std::unique_ptr<const Step> make_quantized_conv2d(const QuantizedConvSpec& spec) {
  check_window(spec.window, spec.in, spec.out);
  if (spec.groups < 1 || spec.in[2] < 1 || spec.out[2] < 1 || spec.in[2] % spec.groups != 0 ||
      spec.out[2] % spec.groups != 0) {
    throw std::invalid_argument("groups must divide the channels and the filters");
  }
  check_rounding(spec.rounding, spec.out[2]);
  if (!spec.bias.empty() && static_cast<std::int64_t>(spec.bias.size()) != spec.out[2]) {
    throw std::invalid_argument("a bias is needed for each filter");
  }
  ByteShape shape(spec);
  Dims order = {spec.groups, shape.filters, static_cast<std::int64_t>(weights_element())};
  for (const WindowSpan& span : shape.spans) order.push_back(span.length);
  auto packed = spec.kernel.packed(
      Packing::quads, order, [&](const KernelRows& kernel) { return pack_quads(shape, kernel); });
  ByteChannels channels(spec, shape, *packed);
  return std::make_unique<QuantizedConv2D>(spec, std::move(shape), std::move(packed),
                                           std::move(channels));
}

}  // namespace cnnfast
