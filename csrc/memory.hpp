// Aligned blocks of floats.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "layout.hpp"
#include "platform/memory.hpp"

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
