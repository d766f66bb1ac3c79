#include <array>
#include <cmath>

#include "../platform/caches.hpp"
#include "conv.hpp"

namespace cnnfast {

namespace {

// Tiles transformed at a time. Transformed tiles and products stay in a core's L2; beside them the
// weights too where they can, else the more tiles a block has the fewer times they are read.
std::int64_t tiles_of_block(std::int64_t bytes_per_tile, std::int64_t weight_bytes,
                            std::int64_t tiles, std::int64_t rows) {
  const std::int64_t cache = l2_bytes();
  const std::int64_t share = weight_bytes < cache / 2 ? cache / 5 : cache * 7 / 10;
  const std::int64_t fitting = share / bytes_per_tile;
  return tiles <= fitting ? tiles : std::clamp<std::int64_t>(fitting / rows, 1, 8) * rows;
}

// Floats from one position's tiles to the next: an odd number of cache lines, for a tile's numbers
// would be in few sets of the caches if they stood a power of two apart.
std::int64_t position_step(std::int64_t floats) {
  constexpr std::int64_t kLine = 16;
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

// G k G^T as a matrix: what each tap is multiplied with at each position, [position][tap].
std::vector<double> kernel_transform(const WinogradForm& form) {
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

class WinogradConv2D final : public Step {
 public:
  WinogradConv2D(const ConvSpec& spec, int m)
      : kernels_(kernels()),
        form_(*winograd_form(spec, m)),
        window_(stored_window(spec)),
        pads_(spec.window.pads),
        channels_(spec.in[2]),
        filters_(spec.out[2]),
        pooled_(spec.max_pool),
        tiles_y_(form_.tiles_y(convolved(spec)[0])),
        tiles_x_(form_.tiles_x(convolved(spec)[1])),
        batched_(prefers_batches(spec)),
        channel_data_(spec, kernels_.lanes),
        sums_(static_cast<double>(count(convolved(spec)))),
        moved_bytes_(moved_bytes(spec)),
        columns_(column_blocks(positions() * channels_, filters_)) {
    // Tiles at the edge reach beyond the window of the last pixel.
    const std::int64_t height = tiles_y_ * form_.kernels->outputs_y + form_.kernels->taps_y - 1;
    const std::int64_t width = tiles_x_ * form_.kernels->outputs_x + form_.kernels->taps_x - 1;
    pads_.bottom = std::max(pads_.bottom, height - pads_.top - spec.in[0]);
    pads_.right = std::max(pads_.right, width - pads_.left - spec.in[1]);
    block_tiles_ = tiles_of_block(positions() * (channels_ + columns_.widest) * 4,
                                  columns_.size() * 4, tiles_y_ * tiles_x_, kernels_.tile_rows);
    packed_ = spec.kernel.packed(Packing::winograd,
                                 {form_.m(), form_.rows(), form_.columns(), channels_, filters_},
                                 [&](const KernelRows& kernel) { return pack(kernel); });
  }

  const char* name() const override { return "conv2d"; }
  Border border() const override { return pads_; }
  bool reads_slices() const override { return true; }
  bool writes_slices() const override { return true; }
  bool batched() const override { return batched_; }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    in_ = in[0];
    residual_ = in[1];
    out_ = out;
  }

  std::int64_t scratch() const override {
    return positions() * (position_step(block_tiles_ * channels_) +
                          position_step(block_tiles_ * columns_.widest));
  }

  // A unit is a column block of a block of tiles.
  std::int64_t units(std::int64_t images) const override {
    return (images * tiles_y_ * tiles_x_ + block_tiles_ - 1) / block_tiles_ * columns_.count();
  }
  std::int64_t grain() const override { return columns_.count(); }

  void run(const Work& w) const override {
    WinogradTask task = task_for(w);
    const std::int64_t tiles = w.images * tiles_y_ * tiles_x_;
    const std::int64_t blocks = columns_.count();
    for (std::int64_t unit = w.first; unit < w.last; ++unit) {
      if (unit == w.first || unit % blocks == 0) {
        task.first = unit / blocks * block_tiles_;
        task.count = std::min(block_tiles_, tiles - task.first);
        form_.kernels->input(task);
      }
      run_columns(task, w, unit % blocks);
    }
  }

  const Window* rows_window() const override { return batched_ ? nullptr : &window_; }
  std::int64_t rows_together() const override {
    return pooled_ ? form_.kernels->outputs_y / 2 : form_.kernels->outputs_y;
  }

  void run_rows(const Work& w) const override {
    WinogradTask task = task_for(w);
    const std::int64_t together = rows_together();
    const std::int64_t end = (w.last + together - 1) / together * tiles_x_;
    for (task.first = w.first / together * tiles_x_; task.first < end; task.first += task.count) {
      task.count = std::min(block_tiles_, end - task.first);
      form_.kernels->input(task);
      for (std::int64_t block = 0; block < columns_.count(); ++block) run_columns(task, w, block);
    }
  }

  Cost cost() const override {
    const auto weights = static_cast<double>(positions() * channels_ * filters_);
    const double products = 2 * weights * static_cast<double>(tiles_y_ * tiles_x_);
    return {2 * static_cast<double>(taps() * channels_) * sums_,
            products + sums_ * channel_data_.activation_flops(), 4 * weights, moved_bytes_};
  }
  const char* algorithm(std::int64_t /*images*/) const override {
    return form_.m() == 2 ? "winograd2" : "winograd4";
  }
  std::vector<const Packed*> packed() const override { return {packed_.get()}; }
  std::int64_t packed_bytes() const override { return packed_->bytes() + channel_data_.bytes(); }

 private:
  std::int64_t positions() const { return form_.positions(); }
  std::int64_t taps() const { return form_.kernels->taps_y * form_.kernels->taps_x; }

  // A column block of the task's tiles.
  void run_columns(WinogradTask& task, const Work& w, std::int64_t block) const {
    const std::int64_t column = columns_.first(block);
    task.weights = static_cast<const float*>(packed_->columns(0, block));
    task.epilogue = channel_data_.epilogue(0, column, w.in[1], residual_);
    task.out = w.out.data + column;
    task.columns = static_cast<std::int32_t>(columns_.stored(block));
    form_.kernels->output(task);
  }

  WinogradTask task_for(const Work& w) const {
    WinogradTask task = {};
    task.x = w.in[0].data - pads_.top * in_.row() - pads_.left * in_.pixel();
    task.x_strides = {w.in[0].image, in_.row(), in_.pixel()};
    task.channels = channels_;
    task.transformed = w.scratch;
    task.transformed_step = position_step(block_tiles_ * channels_);
    task.product = w.scratch + positions() * task.transformed_step;
    task.product_step = position_step(block_tiles_ * columns_.widest);
    task.out_strides = {w.out.image, out_.row(), out_.pixel()};
    task.width = pooled_ ? 2 * out_.width : out_.width;
    task.height = pooled_ ? 2 * out_.height : out_.height;
    task.pooled = pooled_;
    task.tiles_x = tiles_x_;
    task.tiles_y = tiles_y_;
    return task;
  }

  // [block][position][channel][block's columns], transformed in double precision.
  Packed pack(const KernelRows& rows) const {
    Block place;
    const KernelRows all = rows.all(place);
    const float* const kernel = all.numbers();
    Packed packed(columns_, 1, WeightDtype::float32);
    std::fill_n(packed.data(), packed.size(), 0.0F);
    const std::vector<double> transform = kernel_transform(form_);
    for (std::int64_t block = 0; block < columns_.count(); ++block) {
      const std::int64_t n = columns_.first(block);
      const std::int64_t width = columns_.width(block);
      const std::int64_t end = n + columns_.stored(block);
      float* const to = packed.data() + columns_.place(block);
      for (std::int64_t c = 0; c < channels_; ++c) {
        for (std::int64_t at = n; at < end; at += kFiltersAtOnce) {
          transform_columns(transform, kernel + c * filters_ + at,
                            std::min<std::int64_t>(kFiltersAtOnce, end - at),
                            to + c * width + at - n, channels_ * width);
        }
      }
    }
    return packed;
  }

  // All positions of some columns of a channel, whose taps stand `channels_ * filters_` apart.
  void transform_columns(const std::vector<double>& transform, const float* kernel,
                         std::int64_t columns, float* to, std::int64_t step) const {
    std::array<std::array<double, kFiltersAtOnce>, kMostTaps> window = {};
    for (std::int64_t i = 0; i < taps(); ++i) {
      std::copy_n(kernel + i * channels_ * filters_, columns,
                  window[static_cast<std::size_t>(i)].begin());
    }
    const double* factor = transform.data();
    for (std::int64_t position = 0; position < positions(); ++position, to += step) {
      std::array<double, kFiltersAtOnce> sums = {};
      for (std::int64_t i = 0; i < taps(); ++i, ++factor) {
        const auto& tap = window[static_cast<std::size_t>(i)];
        for (std::size_t j = 0; j < kFiltersAtOnce; ++j) sums[j] += *factor * tap[j];
      }
      std::copy_n(sums.begin(), columns, to);
    }
  }

  const Kernels& kernels_;
  WinogradForm form_;
  Window window_;
  Border pads_;
  std::int64_t channels_;
  std::int64_t filters_;
  bool pooled_;
  std::int64_t tiles_y_;
  std::int64_t tiles_x_;
  bool batched_;
  ChannelData channel_data_;
  double sums_;
  double moved_bytes_;
  ColumnBlocks columns_;          // rows are [position][channel]
  std::int64_t block_tiles_ = 0;  // transformed at a time
  std::shared_ptr<const Packed> packed_;
  Layout in_;
  Layout residual_;
  Layout out_;
};

}  // namespace

std::optional<WinogradForm> winograd_form(const ConvSpec& spec, int m) {
  const Window& w = spec.window;
  const bool touching = w.dilation_y == 1 && w.dilation_x == 1;
  if (w.stride_y != 1 || w.stride_x != 1 || !touching || spec.groups != 1) return std::nullopt;
  for (const WinogradKernels& kernels : kernels().winograd) {
    const WinogradForm form = {&kernels};
    if (kernels.taps_y != w.height || kernels.taps_x != w.width || form.m() != m) continue;
    // A maximum over 2 x 2 pixels needs tiles that are even both ways.
    if (!spec.max_pool || !form.along_one_axis()) return form;
  }
  return std::nullopt;
}

std::unique_ptr<Step> make_winograd_conv2d(const ConvSpec& spec, int m) {
  return std::make_unique<WinogradConv2D>(spec, m);
}

}  // namespace cnnfast
