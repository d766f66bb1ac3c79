// Products of two matrices that are both computed. The second is packed as weights are, by a step
// of its own that threads share, and the register tiles of a convolution multiply.
#include "../cpu.hpp"
#include "ops.hpp"
#include "product.hpp"

namespace cnnfast {

namespace {

constexpr std::int64_t kUnitsToShare = 16;  // of the smallest products

std::int64_t divided_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

double matrix_bytes(std::int64_t a, std::int64_t b, std::int64_t c = 1) {
  return kFloatBytes * static_cast<double>(a) * static_cast<double>(b) * static_cast<double>(c);
}

// A unit is a few rows of one matrix.
class PackOperand final : public DenseStep {
 public:
  explicit PackOperand(const MatrixProduct& of)
      : DenseStep({.name = "pack"}),
        of_(of),
        rows_together_(kernels().tuning.packed_rows),
        groups_(divided_up(of.k, rows_together_)),
        packed_(column_blocks(of.k, of.n)) {}

  std::int64_t units(std::int64_t images) const override { return images * of_.matrices * groups_; }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t matrix = unit / groups_;  // of all images
      const std::int64_t group = unit % groups_;
      const std::int64_t end = std::min(groups_, group + w.last - unit);
      const std::int64_t image = matrix / of_.matrices;
      const std::int64_t inside = matrix % of_.matrices;
      const float* from = w.in[0].floats(image) + inside * of_.k * of_.n;
      float* to = w.out.floats(image) + inside * packed_.size();
      kernels().pack_columns(
          {from, of_.n, group * rows_together_, std::min(of_.k, end * rows_together_)}, of_.k, to);
      unit += end - group;
    }
  }

  Cost cost() const override {
    return moving(matrix_bytes(of_.matrices, of_.k, of_.n) +
                  matrix_bytes(of_.matrices, packed_.size()));
  }

 private:
  MatrixProduct of_;
  std::int64_t rows_together_;
  std::int64_t groups_;
  ColumnBlocks packed_;
};

// Where the second matrix has so many columns in memory.
Cost product_cost(const MatrixProduct& of, std::int64_t columns) {
  const double products = matrix_bytes(of.matrices * of.m, of.k, of.n) / 2;
  return {.flops = products,
          .own_flops = products,
          .weight_bytes = 0,
          .moved_bytes = matrix_bytes(of.matrices, of.k, of.m + columns) +
                         matrix_bytes(of.matrices, of.m, of.n)};
}

// A unit is a column block of a panel of rows, which stay in cache while the columns next to each
// other read them.
class MatMul final : public DenseStep {
 public:
  explicit MatMul(const MatrixProduct& of)
      : DenseStep({.name = "matmul"}),
        of_(of),
        kernels_(kernels()),
        columns_(column_blocks(of.k, of.n)),
        depth_(of.k, kernels_.tuning.chunk_depth),
        bias_(static_cast<std::size_t>(columns_.widest), 0.0F) {
    const std::int64_t cached =
        kernels_.tuning.row_panel_bytes /
        float_bytes(std::min<std::int64_t>(of.k, kernels_.tuning.chunk_depth));
    const std::int64_t wanted = divided_up(kUnitsToShare, of.matrices * columns_.count());
    const std::int64_t rows = std::min(cached, divided_up(of.m, wanted));
    row_panel_ = divided_up(std::max<std::int64_t>(rows, 1), kernels_.tuning.tile_rows) *
                 kernels_.tuning.tile_rows;
    row_panels_ = divided_up(of.m, row_panel_);
  }

  std::int64_t units(std::int64_t images) const override {
    return images * of_.matrices * row_panels_ * columns_.count();
  }

  void run(const Work& w) const override {
    const std::int64_t columns = columns_.count();
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t rows = unit / columns;  // a panel of them, of all matrices of all images
      const std::int64_t first = unit % columns;
      const std::int64_t last = std::min(columns, first + w.last - unit);
      run_columns(w, rows, first, last);
      unit += last - first;
    }
  }

  Cost cost() const override { return product_cost(of_, columns_.padded()); }

 private:
  // Chunk by chunk where the rows do not stay in cache from one column block to the next.
  void run_columns(const Work& w, std::int64_t rows, std::int64_t first, std::int64_t last) const {
    const std::int64_t matrix = rows / row_panels_;
    const std::int64_t image = matrix / of_.matrices;
    const std::int64_t inside = matrix % of_.matrices;
    const std::int64_t row = rows % row_panels_ * row_panel_;
    const float* packed = w.in[1].floats(image) + inside * columns_.size();
    float* out = w.out.floats(image) + (inside * of_.m + row) * of_.n;
    ConvTask task = {};
    task.x = w.in[0].floats(image) + (inside * of_.m + row) * of_.k;
    task.width = std::min(row_panel_, of_.m - row);
    task.height = 1;
    task.x_strides = {task.width * of_.k, task.width * of_.k, of_.k};
    task.out_strides = {task.width * of_.n, task.width * of_.n, of_.n};
    task.spans = depth_.spans.data();
    task.chunks = depth_.chunks.data();
    task.chunk_count = static_cast<std::int32_t>(depth_.chunks.size());
    task.epilogue.bias = bias_.data();
    const bool by_chunk =
        last - first > 1 && float_bytes(task.width * of_.k) > bytes_of_l2(kernels_.tuning.l2_kept);
    const std::int32_t step = by_chunk ? 1 : task.chunk_count;
    for (std::int32_t chunk = 0; chunk < task.chunk_count; chunk += step) {
      task.first_chunk = chunk;
      task.last_chunk = chunk + step;
      for (std::int64_t block = first; block < last; ++block) {
        task.weights =
            packed + columns_.place(block, std::int64_t{chunk} * kernels_.tuning.chunk_depth);
        task.out = out + columns_.first(block);
        task.columns = static_cast<std::int32_t>(columns_.stored(block));
        kernels_.conv(task, 0, task.width);
      }
    }
  }

  MatrixProduct of_;
  const Kernels& kernels_;
  ColumnBlocks columns_;
  DenseDepth depth_;
  std::vector<float> bias_;  // zeros
  std::int64_t row_panel_ = 0;
  std::int64_t row_panels_ = 0;
};

// Too few rows to pack for. A row is one row of the product.
class MatMulRows final : public RowsStep {
 public:
  explicit MatMulRows(const MatrixProduct& of)
      : RowsStep({.name = "matmul"}, of.matrices * of.m), of_(of) {}
  Cost cost() const override { return product_cost(of_, of_.n); }

 protected:
  void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                      std::int64_t last) const override {
    for (std::int64_t row = first; row < last; ++row) {
      const float* b = in[1] + row / of_.m * of_.k * of_.n;
      kernels().multiply_row(in[0] + row * of_.k, {b, of_.n, 0, of_.k}, out + row * of_.n);
    }
  }

 private:
  MatrixProduct of_;
};

void need(bool good, const char* rule) {
  if (!good) throw std::invalid_argument(rule);
}

}  // namespace

MatrixProduct matrix_product(const Dims& a, const Dims& b, const Dims& out) {
  need(a.size() >= 2 && a.size() == b.size() && a.size() == out.size(),
       "matmul needs operands of one rank, at least 2");
  const std::size_t rank = a.size();
  MatrixProduct of = {1, a[rank - 2], a[rank - 1], b[rank - 1]};
  for (std::size_t axis = 0; axis + 2 < rank; ++axis) {
    need(a[axis] == b[axis] && a[axis] == out[axis], "matmul needs the same leading axes");
    of.matrices *= a[axis];
  }
  need(of.k == b[rank - 2] && out[rank - 2] == of.m && out[rank - 1] == of.n,
       "matmul needs (m, k) and (k, n) for (m, n)");
  return of;
}

Dims packed_operand(const MatrixProduct& of) {
  const Tuning& tuning = kernels().tuning;
  if (of.m < tuning.rows_to_pack || of.m * of.k * of.n < tuning.products_to_pack) return {};
  return {of.matrices, of.k, column_blocks(of.k, of.n).padded()};
}

std::unique_ptr<const Step> make_pack_operand(const MatrixProduct& of) {
  return std::make_unique<PackOperand>(of);
}

std::unique_ptr<const Step> make_matmul(const MatrixProduct& of) {
  if (packed_operand(of).empty()) return std::make_unique<MatMulRows>(of);
  return std::make_unique<MatMul>(of);
}

}  // namespace cnnfast
