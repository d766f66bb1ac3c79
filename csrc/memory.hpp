// Aligned blocks of floats.
#pragma once

#include <cstdlib>
#include <new>
#include <utility>

#include "layout.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace cnnfast {

class Block {
 public:
  Block() = default;
  explicit Block(std::int64_t floats);
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Block() { std::free(data_); }

  float* data() const { return data_; }
  std::int64_t size() const { return size_; }
  std::int64_t bytes() const { return size_ * std::int64_t{sizeof(float)}; }

 private:
  void swap(Block& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  float* data_ = nullptr;
  std::int64_t size_ = 0;
};

// Large blocks start on a huge page where the system has them: streaming weights then misses
// the TLB once in 2 MB instead of once in 4 KB.
inline Block::Block(std::int64_t floats) : size_(floats) {
  constexpr std::size_t kHugePage = std::size_t{1} << 21;
  const std::size_t wanted = static_cast<std::size_t>(std::max<std::int64_t>(floats, 1)) * 4;
  const std::size_t unit = wanted >= kHugePage ? kHugePage : std::size_t{kAlignment};
  const std::size_t bytes = (wanted + unit - 1) / unit * unit;
  data_ = static_cast<float*>(std::aligned_alloc(unit, bytes));
  if (data_ == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  if (unit == kHugePage) madvise(data_, bytes, MADV_HUGEPAGE);
#endif
}

}  // namespace cnnfast
