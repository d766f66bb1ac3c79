#include <array>
#include <cmath>

#include "conv.hpp"

namespace cnnfast {

namespace {

// Tiles transformed at a time. Transformed tiles and products stay in a core's L2; beside them the
// weights too where they can, else the more tiles a panel has the fewer times they are read.
std::int64_t tiles_of_panel(std::int64_t bytes_per_tile, std::int64_t weight_bytes,
                            std::int64_t tiles, std::int64_t rows) {
  constexpr std::int64_t kMostTogether = 8;  // register tiles
  const Tuning& tuning = kernels().tuning;
  const bool kept = weight_bytes < bytes_of_l2(tuning.l2_kept);
  const std::int64_t share = bytes_of_l2(kept ? tuning.l2_tiles : tuning.l2_tiles_alone);
  const std::int64_t fitting = share / bytes_per_tile;
  if (tiles <= fitting) return tiles;
  return std::clamp<std::int64_t>(fitting / rows, 1, kMostTogether) * rows;
}

// Floats from one position's tiles to the next: an odd number of cache lines, for a tile's numbers
// would be in few sets of the caches if they stood a power of two apart.
std::int64_t position_step(std::int64_t floats) {
  constexpr std::int64_t kLine = kAlignment / bytes_of(Element::float32);
  return ((floats + kLine - 1) / kLine | 1) * kLine;
}

constexpr std::size_t kMostTaps = 25;
constexpr std::size_t kFiltersAtOnce = 8;

// The finite points of tiles of so many pixels along an axis.
std::vector<double> points_of(std::int64_t size) {
  if (size == 1) return {};
  if (size == 4) return {0, 1, -1};
  return {0, std::sqrt(0.5), -std::sqrt(0.5), std::sqrt(2), -std::sqrt(2)};
}

// The kernel's transform G along an axis, for a point p: (1, p, p^2, ...) / product of (p - q) over
// the other finite points q; infinity takes the last coefficient.
std::vector<std::vector<double>> axis_transform(std::int64_t size, std::int64_t taps) {
  const std::vector<double> points = points_of(size);
  std::vector<std::vector<double>> rows;
  for (const double p : points) {
    double coefficient = 1;
    for (const double q : points) coefficient /= p == q ? 1 : p - q;
    std::vector<double> row;
    for (std::int64_t i = 0; i < taps; ++i, coefficient *= p) row.push_back(coefficient);
    rows.push_back(row);
  }
  rows.emplace_back(taps, 0.0);
  rows.back().back() = 1;
  return rows;
}

// The numbers of a convolution by tiles. Rows of weights and numbers of tiles count words:
// channels, or what these are rounded to.
struct WinogradShape {
  WinogradForm form;
  std::int64_t channels;
  std::int64_t words;  // of a pixel's channels
  std::int64_t filters;
  std::int64_t tiles_y;
  std::int64_t tiles_x;
  std::int64_t rows;  // of the output that are made together
  Border pads;
  ColumnBlocks columns;          // rows are [position][word]
  std::int64_t panel_tiles = 0;  // transformed at a time

  WinogradShape(const ConvSpec& spec, const WinogradForm& chosen, std::int64_t together = 1)
      : form(chosen),
        channels(spec.in[2]),
        words(words_of(channels, together)),
        filters(spec.out[2]),
        tiles_y(form.tiles_y(convolved(spec)[0])),
        tiles_x(form.tiles_x(convolved(spec)[1])),
        rows(form.kernels->outputs_y / spec.pooling.side),
        pads(spec.window.pads),
        columns(column_blocks(positions() * words, filters)) {
    // Tiles at the edge reach beyond the window of the last pixel.
    const std::int64_t height = tiles_y * form.kernels->outputs_y + form.kernels->taps_y - 1;
    const std::int64_t width = tiles_x * form.kernels->outputs_x + form.kernels->taps_x - 1;
    pads.bottom = std::max(pads.bottom, height - pads.top - spec.in[0]);
    pads.right = std::max(pads.right, width - pads.left - spec.in[1]);
    panel_tiles =
        tiles_of_panel(float_bytes(positions() * (words + columns.widest)),
                       float_bytes(columns.size()), tiles_y * tiles_x, kernels().tuning.tile_rows);
  }

  std::int64_t positions() const { return form.positions(); }
  std::int64_t taps() const {
    return static_cast<std::int64_t>(form.kernels->taps_y) * form.kernels->taps_x;
  }
  std::int64_t transformed_step() const { return position_step(panel_tiles * words); }
  std::int64_t product_step() const { return position_step(panel_tiles * columns.widest); }
};

// All positions of some columns of a channel, whose taps stand `channels * filters` apart.
void transform_columns(const WinogradShape& shape, const std::vector<double>& transform,
                       const float* kernel, std::int64_t columns, float* to, std::int64_t step) {
  std::array<std::array<double, kFiltersAtOnce>, kMostTaps> window = {};
  for (std::int64_t i = 0; i < shape.taps(); ++i) {
    std::copy_n(kernel + i * shape.channels * shape.filters, columns,
                window[static_cast<std::size_t>(i)].begin());
  }
  const double* factor = transform.data();
  for (std::int64_t position = 0; position < shape.positions(); ++position, to += step) {
    std::array<double, kFiltersAtOnce> sums = {};
    for (std::int64_t i = 0; i < shape.taps(); ++i, ++factor) {
      const auto& tap = window[static_cast<std::size_t>(i)];
      for (std::size_t j = 0; j < kFiltersAtOnce; ++j) sums[j] += *factor * tap[j];
    }
    std::copy_n(sums.begin(), columns, to);
  }
}

// [block][position][channel][block's columns], transformed in double precision.
Packed pack(const WinogradShape& shape, const KernelRows& rows) {
  Floats place;
  const KernelRows all = rows.all(place);
  const float* const kernel = all.numbers();
  const ColumnBlocks& columns = shape.columns;
  Packed packed(columns, 1, Element::float32);
  std::fill_n(packed.data(), packed.size(), 0.0F);
  const std::vector<double> transform = winograd_transform(shape.form);
  for (std::int64_t block = 0; block < columns.count(); ++block) {
    const std::int64_t n = columns.first(block);
    const std::int64_t width = columns.width(block);
    const std::int64_t end = n + columns.stored(block);
    float* const to = packed.data() + columns.place(block);
    for (std::int64_t c = 0; c < shape.channels; ++c) {
      for (std::int64_t at = n; at < end; at += kFiltersAtOnce) {
        transform_columns(shape, transform, kernel + c * shape.filters + at,
                          std::min<std::int64_t>(kFiltersAtOnce, end - at), to + c * width + at - n,
                          shape.channels * width);
      }
    }
  }
  return packed;
}

// The same as words; nothing where a number would not stay finite.
Packed pack_bfloat16(const WinogradShape& shape, const Packed& numbers, std::int64_t together) {
  if (!fits(Element::bfloat16, numbers.floats(), numbers.size())) return Packed(0);
  Packed packed(shape.columns, 1, Element::float32);
  std::fill_n(packed.data(), packed.size(), 0.0F);
  for (std::int64_t block = 0; block < shape.columns.count(); ++block) {
    const std::int64_t width = shape.columns.width(block);
    const float* from = numbers.floats() + numbers.blocks().place(block);
    float* to = packed.data() + shape.columns.place(block);
    for (std::int64_t position = 0; position < shape.positions(); ++position) {
      for (std::int64_t c = 0; c < shape.channels; ++c, from += width) {
        fill_words(from, width, to + c / together * width, c % together, together);
      }
      to += shape.words * width;
    }
  }
  return packed;
}

class WinogradConv2D final : public Step {
 public:
  WinogradConv2D(const ConvSpec& spec, const WinogradShape& shape, std::string algorithm,
                 std::shared_ptr<const Packed> packed, ChannelData channel_data)
      : Step(traits_of(spec, shape, std::move(algorithm), packed, channel_data)),
        shape_(shape),
        packed_(std::move(packed)),
        channel_data_(std::move(channel_data)),
        sums_(static_cast<double>(count(convolved(spec)))),
        moved_bytes_(moved_bytes(spec)) {}

  Cost cost() const override {
    const auto weights = static_cast<double>(shape_.columns.rows * shape_.filters);
    const double products = 2 * weights * static_cast<double>(shape_.tiles_y * shape_.tiles_x);
    return {.flops = 2 * static_cast<double>(shape_.taps() * shape_.channels) * sums_,
            .own_flops = products + sums_ * channel_data_.activation_flops(),
            .weight_bytes = kFloatBytes * weights,
            .moved_bytes = moved_bytes_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundWinogradConv2D;

  static StepTraits traits_of(const ConvSpec& spec, const WinogradShape& shape,
                              std::string algorithm, const std::shared_ptr<const Packed>& packed,
                              const ChannelData& channel_data) {
    const bool rounds = algorithm.ends_with("bfloat16");
    StepTraits traits = {.name = rounds ? "conv2d_bfloat16" : "conv2d",
                         .algorithm = std::move(algorithm),
                         .candidates = spec.candidates,
                         .reads = Access::slice,
                         .writes = Access::slice,
                         .border = shape.pads,
                         .batched = prefers_batches(spec),
                         .grain = shape.columns.count(),
                         .scratch = float_bytes(shape.positions() *
                                                (shape.transformed_step() + shape.product_step())),
                         .packed = {packed},
                         .own_bytes = channel_data.bytes()};
    if (!traits.batched) traits.rows = {stored_window(spec), shape.rows};
    return traits;
  }

  WinogradShape shape_;
  std::shared_ptr<const Packed> packed_;
  ChannelData channel_data_;
  double sums_;
  double moved_bytes_;
};

// A unit is a column block of a panel of tiles.
class BoundWinogradConv2D final : public BoundByRows {
 public:
  BoundWinogradConv2D(const WinogradConv2D& step, const Layouts& layouts)
      : step_(step),
        shape_(step.shape_),
        in_(layouts.in[0]),
        residual_(layouts.in[1]),
        out_(layouts.out) {}

  std::int64_t units(std::int64_t images) const override {
    const std::int64_t tiles = images * shape_.tiles_y * shape_.tiles_x;
    return (tiles + shape_.panel_tiles - 1) / shape_.panel_tiles * shape_.columns.count();
  }

  void run(const Work& w) const override {
    WinogradTask task = task_for(w);
    const std::int64_t tiles = w.images * shape_.tiles_y * shape_.tiles_x;
    const std::int64_t blocks = shape_.columns.count();
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      if (unit == w.first || unit % blocks == 0) {
        task.first = unit / blocks * shape_.panel_tiles;
        task.last = std::min(tiles, task.first + shape_.panel_tiles);
        shape_.form.kernels->input(task);
      }
      run_columns(task, w, unit % blocks);
    }
  }

  void run_rows(const Work& w) const override {
    WinogradTask task = task_for(w);
    const std::int64_t together = shape_.rows;
    const std::int64_t end = (w.last + together - 1) / together * shape_.tiles_x;
    task.first = w.first / together * shape_.tiles_x;
    for (; task.first < end; task.first = task.last) {
      task.last = std::min(end, task.first + shape_.panel_tiles);
      shape_.form.kernels->input(task);
      for (std::int64_t block = 0; block < shape_.columns.count(); ++block) {
        run_columns(task, w, block);
      }
    }
  }

 private:
  // A column block of the task's tiles.
  void run_columns(WinogradTask& task, const Work& w, std::int64_t block) const {
    const std::int64_t column = shape_.columns.first(block);
    task.weights = static_cast<const float*>(step_.packed_->columns(0, block));
    task.epilogue = step_.channel_data_.epilogue(0, column, w.in[1], residual_);
    task.out = w.out.floats() + column;
    task.columns = static_cast<std::int32_t>(shape_.columns.stored(block));
    shape_.form.kernels->output(task);
  }

  WinogradTask task_for(const Work& w) const {
    WinogradTask task = {};
    task.x = w.in[0].floats() - shape_.pads.top * in_.row() - shape_.pads.left * in_.pixel();
    task.x_strides = {w.in[0].image, in_.row(), in_.pixel()};
    task.channels = shape_.channels;
    task.transformed = w.scratch_floats();
    task.transformed_step = shape_.transformed_step();
    task.product = task.transformed + shape_.positions() * task.transformed_step;
    task.product_step = shape_.product_step();
    task.out_strides = {w.out.image, out_.row(), out_.pixel()};
    task.width = out_.width;
    task.height = out_.height;
    task.tiles_x = shape_.tiles_x;
    task.tiles_y = shape_.tiles_y;
    return task;
  }

  const WinogradConv2D& step_;
  const WinogradShape& shape_;
  Layout in_;
  Layout residual_;
  Layout out_;
};

std::unique_ptr<const BoundStep> WinogradConv2D::bind(const Layouts& layouts) const {
  return std::make_unique<BoundWinogradConv2D>(*this, layouts);
}

}  // namespace

std::optional<WinogradForm> winograd_form(const ConvSpec& spec, int m, bool bfloat16) {
  const Window& w = spec.window;
  const bool touching = w.dilation_y == 1 && w.dilation_x == 1;
  if (w.stride_y != 1 || w.stride_x != 1 || !touching || spec.groups != 1) return std::nullopt;
  for (const WinogradKernels& kernels :
       bfloat16 ? bfloat16_kernels().winograd : kernels().winograd) {
    const WinogradForm form = {&kernels};
    if (kernels.taps_y != w.height || kernels.taps_x != w.width || form.m() != m) continue;
    const std::int32_t side = spec.pooling.side;
    if (kernels.outputs_y % side == 0 && kernels.outputs_x % side == 0) return form;
  }
  return std::nullopt;
}

// G k G^T as a matrix.
std::vector<double> winograd_transform(const WinogradForm& form) {
  const auto along_y = axis_transform(form.rows(), form.kernels->taps_y);
  const auto along_x = axis_transform(form.columns(), form.kernels->taps_x);
  std::vector<double> factors;
  for (const std::vector<double>& row : along_y) {
    for (const std::vector<double>& column : along_x) {
      for (const double y : row) {
        for (const double x : column) factors.push_back(y * x);
      }
    }
  }
  return factors;
}

std::unique_ptr<const Step> make_winograd_conv2d(const ConvSpec& spec, int m) {
  const WinogradShape shape(spec, winograd_form(spec, m).value());
  const WinogradForm& form = shape.form;
  auto packed = spec.kernel.packed(
      Packing::winograd, {form.m(), form.rows(), form.columns(), shape.channels, shape.filters},
      [&](const KernelRows& kernel) { return pack(shape, kernel); });
  return std::make_unique<WinogradConv2D>(spec, shape, "winograd" + std::to_string(m),
                                          std::move(packed),
                                          ChannelData(spec, kernels().tuning.lanes));
}

std::unique_ptr<const Step> make_bfloat16_winograd_conv2d(const ConvSpec& spec, int m) {
  const std::int64_t together = bfloat16_kernels().together;
  const WinogradForm form = winograd_form(spec, m, true).value();
  const WinogradShape shape(spec, form, together);
  auto packed = spec.kernel.packed(
      Packing::bfloat16_winograd,
      {together, form.m(), form.rows(), form.columns(), shape.channels, shape.filters},
      [&](const KernelRows& kernel) {
        return pack_bfloat16(shape, pack(WinogradShape(spec, form), kernel), together);
      });
  if (packed->size() == 0) return nullptr;
  return std::make_unique<WinogradConv2D>(spec, shape, "winograd" + std::to_string(m) + "_bfloat16",
                                          std::move(packed),
                                          ChannelData(spec, kernels().tuning.lanes));
}

}  // namespace cnnfast
