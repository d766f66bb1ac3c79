// Aligned memory.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#include "layout.hpp"
#include "platform/memory.hpp"

namespace cnnfast {

// Bytes, not set.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t bytes);
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer();

  std::byte* data() const { return data_; }
  float* floats() const { return reinterpret_cast<float*>(data_); }
  std::int64_t bytes() const { return bytes_; }

 private:
  std::size_t reserved() const;  // bytes
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  std::byte* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

inline Buffer::Buffer(std::int64_t bytes) : bytes_(bytes) {
  data_ = static_cast<std::byte*>(allocate(reserved()));
  if (data_ == nullptr) throw std::bad_alloc();
}

inline Buffer::~Buffer() {
  if (data_ != nullptr) release(data_, reserved());
}

inline std::size_t Buffer::reserved() const {
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(bytes_, 1));
  const std::size_t unit = wanted < kHugePage ? std::size_t{kAlignment} : kSmallPage;
  return (wanted + unit - 1) / unit * unit;
}

// Numbers of float32 in one, not set.
class Floats {
 public:
  Floats() = default;
  explicit Floats(std::int64_t size) : buffer_(float_bytes(size)), size_(size) {}

  float* data() const { return buffer_.floats(); }
  std::int64_t size() const { return size_; }
  std::int64_t bytes() const { return buffer_.bytes(); }

 private:
  Buffer buffer_;
  std::int64_t size_ = 0;
};

}  // namespace cnnfast
