// Aligned blocks of floats.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

#include "layout.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace cnnfast {

constexpr std::size_t kSmallPage = std::size_t{1} << 16;  // or a part of that
constexpr std::size_t kHugePage = std::size_t{1} << 21;

class Block {
 public:
  Block() = default;
  explicit Block(std::int64_t floats);
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Block();

  float* data() const { return data_; }
  std::int64_t size() const { return size_; }
  std::int64_t bytes() const { return size_ * std::int64_t{sizeof(float)}; }

 private:
  std::size_t reserved() const;  // bytes
  void swap(Block& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  float* data_ = nullptr;
  std::int64_t size_ = 0;
};

#if defined(__linux__)
// Large blocks start on a huge page: streaming weights then misses the TLB once in 2 MB instead of
// once in 4 KB. Each is mapped by itself, so that it takes no more memory than it needs (a last
// part that fills no huge page takes small ones) and leaves no hole in the heap behind.
inline void* map_large(std::size_t bytes) {
  constexpr int kAccess = PROT_READ | PROT_WRITE;
  void* const all = mmap(nullptr, bytes + kHugePage, kAccess, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* const first = static_cast<std::byte*>(all);
  const std::size_t front = kHugePage - reinterpret_cast<std::uintptr_t>(first) % kHugePage;
  munmap(first, front);
  if (front < kHugePage) munmap(first + front + bytes, kHugePage - front);
  madvise(first + front, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return first + front;
}
#endif

inline void* allocate(std::size_t bytes) {
#if defined(__linux__)
  if (bytes >= kHugePage) return map_large(bytes);
#endif
  return std::aligned_alloc(kAlignment, bytes);
}

inline void release(void* data, std::size_t bytes) {
#if defined(__linux__)
  if (bytes >= kHugePage) {
    munmap(data, bytes);
    return;
  }
#endif
  std::free(data);
}

inline Block::Block(std::int64_t floats) : size_(floats) {
  data_ = static_cast<float*>(allocate(reserved()));
  if (data_ == nullptr) throw std::bad_alloc();
}

inline Block::~Block() {
  if (data_ != nullptr) release(data_, reserved());
}

inline std::size_t Block::reserved() const {
  const std::size_t wanted = static_cast<std::size_t>(std::max<std::int64_t>(size_, 1)) * 4;
  const std::size_t unit = wanted < kHugePage ? std::size_t{kAlignment} : kSmallPage;
  return (wanted + unit - 1) / unit * unit;
}

}  // namespace cnnfast
