// Packed weights: made once for all plans of a model, and held once where those of other models
// are the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>

#include "kernel_rows.hpp"
#include "kernels/column_blocks.hpp"
#include "memory.hpp"

namespace cnnfast {

// Numbers as a step keeps them: how many to a number of bytes, and where a matrix' columns are.
class Packed {
 public:
  // Numbers in an order that the step knows; not set yet.
  explicit Packed(std::int64_t size) : Packed({size, 1, 1, 1}, 1, Element::float32) {}
  // One matrix after the other, each in column blocks.
  Packed(ColumnBlocks blocks, std::int64_t groups, Element element)
      : blocks_(blocks), groups_(groups), element_(element) {
    const std::int64_t bytes = (size() * number_bytes() + kWord - 1) / kWord * kWord;
    numbers_ = Buffer(bytes);
    if (bytes > 0) numbers_.floats()[bytes / kWord - 1] = 0;  // half of it may stay as it is
  }

  const ColumnBlocks& blocks() const { return blocks_; }
  Element element() const { return element_; }
  bool finite() const { return finite_; }  // every number
  std::int64_t size() const { return groups_ * blocks_.size(); }
  std::int64_t bytes() const { return numbers_.bytes(); }
  std::int64_t number_bytes() const { return bytes_of(element_); }

  // A column block of a group from a row on.
  const void* columns(std::int64_t group, std::int64_t block, std::int64_t row = 0) const {
    const std::int64_t at = group * blocks_.size() + blocks_.place(block, row);
    return numbers_.data() + at * number_bytes();
  }
  const float* floats() const { return numbers_.floats(); }

  // While it is packed.
  float* data() { return numbers_.floats(); }
  // Rows [first, last) of a group, which are `row` apart at `from`, each number put through
  // `convert`; `Number` is what the element type is stored as.
  template <class Number, class Convert>
  void fill(std::int64_t group, std::int64_t first, std::int64_t last, const float* from,
            std::int64_t row, Convert convert) {
    auto* const matrix = reinterpret_cast<Number*>(numbers_.data()) + group * blocks_.size();
    for (std::int64_t block = 0; block < blocks_.count(); ++block) {
      const std::int64_t stored = blocks_.stored(block);
      const std::int64_t width = blocks_.width(block);
      const float* numbers = from + blocks_.first(block);
      Number* to = matrix + blocks_.place(block, first);
      for (std::int64_t k = first; k < last; ++k, numbers += row, to += width) {
        std::fill(std::transform(numbers, numbers + stored, to, convert), to + width, Number{0});
      }
    }
  }
  void set_finite(bool finite) { finite_ = finite; }

 private:
  static constexpr std::int64_t kWord = 4;  // bytes that are compared together

  Buffer numbers_;
  ColumnBlocks blocks_;
  std::int64_t groups_;
  Element element_;
  bool finite_ = true;
};

// The forms in which kernels are packed.
enum class Packing : std::int64_t {
  plain,
  direct,
  joined,
  winograd,
  depthwise,
  recurrent,
  quads,  // of bytes, and the sums of columns behind them
  quantized_depthwise,
  bfloat16_direct,
  bfloat16_winograd,
};

// A kernel: its numbers, and what was packed of them. Copies are the same kernel.
class SharedKernel {
 public:
  using Pack = std::function<Packed(const KernelRows&)>;

  explicit SharedKernel(KernelRows rows);
  SharedKernel(const float* numbers, std::int64_t rows, std::int64_t width)
      : SharedKernel(KernelRows(numbers, rows, width)) {}

  // What pack(rows) returned for this form, of which `order` says whatever else the places of the
  // numbers depend on; what is asked for the first time is packed, which takes no lock.
  std::shared_ptr<const Packed> packed(Packing form, Dims order, const Pack& pack) const;
  // The numbers as they are.
  std::shared_ptr<const Packed> plain() const;
  // Whatever was packed so far.
  std::vector<std::shared_ptr<const Packed>> all() const;

 private:
  struct State {
    KernelRows rows;
    std::map<Dims, std::shared_ptr<const Packed>> packed;  // guarded by shared_state_mutex
  };
  std::shared_ptr<State> state_;
};

// Of all packed weights of the process, each counted once.
std::int64_t packed_bytes();

}  // namespace cnnfast
