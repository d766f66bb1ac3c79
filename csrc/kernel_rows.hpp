// The numbers of a kernel as rows of its last axis: in memory, or made when they are asked for.
#pragma once

#include <functional>
#include <memory>

#include "memory.hpp"

namespace cnnfast {

class KernelRows {
 public:
  using Numbers = std::shared_ptr<const float>;  // there as long as it is held
  // Rows [first, last). May be called by several threads at once.
  using Make = std::function<Numbers(std::int64_t first, std::int64_t last)>;

  // Of numbers that outlive these rows.
  KernelRows(const float* numbers, std::int64_t rows, std::int64_t width)
      : KernelRows(Numbers(Numbers(), numbers), rows, width) {}
  KernelRows(Numbers numbers, std::int64_t rows, std::int64_t width)
      : numbers_(std::move(numbers)), rows_(rows), width_(width) {}
  // Made a few at a time, or all `at_once`.
  KernelRows(Make make, std::int64_t rows, std::int64_t width, bool at_once = false)
      : make_(std::move(make)), rows_(rows), width_(width), at_once_(at_once) {}

  std::int64_t rows() const { return rows_; }
  std::int64_t width() const { return width_; }
  std::int64_t size() const { return rows_ * width_; }
  bool in_memory() const { return make_ == nullptr; }

  // Calls visit(first, last, numbers) for all rows in their order, a few at a time unless they are
  // in memory. Each time but the last they are a multiple of eight.
  template <class Visit>
  void visit(const Visit& visit) const {
    if (in_memory()) return visit(0, rows_, numbers());
    for (std::int64_t first = 0; first < rows_; first += step()) {
      const std::int64_t last = std::min(first + step(), rows_);
      visit(first, last, make_(first, last).get());
    }
  }

  // All of them in memory, if need be in `place`; there as long as that and these rows.
  KernelRows all(Floats& place) const {
    if (in_memory()) return *this;
    if (rows_ <= step()) return {make_(0, rows_), rows_, width_};
    // Mapped, as large blocks are: between packed weights it would leave a hole in the heap.
    place = Floats(std::max<std::int64_t>(size(), kHugePage / sizeof(float)));
    visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
      std::copy_n(numbers, (last - first) * width_, place.data() + first * width_);
    });
    return {place.data(), rows_, width_};
  }

  const float* numbers() const { return numbers_.get(); }  // null unless in memory

 private:
  // Rows made at a time: a quarter of a megabyte, or eight.
  std::int64_t step() const {
    constexpr std::int64_t kFloats = std::int64_t{1} << 16;
    constexpr std::int64_t kLeast = 8;
    if (at_once_) return rows_;
    const std::int64_t width = std::max<std::int64_t>(width_, 1);
    return std::max<std::int64_t>(kFloats / width / kLeast, 1) * kLeast;
  }

  Numbers numbers_;
  Make make_;
  std::int64_t rows_;
  std::int64_t width_;
  bool at_once_ = false;
};

}  // namespace cnnfast
