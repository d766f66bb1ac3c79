// Shapes and where a tensor's numbers stand in memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "kernels/element.hpp"

namespace cnnfast {

using Dims = std::vector<std::int64_t>;  // of one image, without the batch

constexpr std::int64_t kAlignment = 64;  // bytes, a cache line
// Behind an image of bytes: its last ones may be read as parts of a vector.
constexpr std::int64_t kReadBehind = 64;
constexpr std::int64_t kLargest = std::int64_t{1} << 40;  // numbers a tensor may have

// Bytes up to the next boundary of a cache line.
inline std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Of float32: bytes of a number, for estimates, and of so many.
constexpr double kFloatBytes = 4;
constexpr std::int64_t float_bytes(std::int64_t numbers) {
  return numbers * bytes_of(Element::float32);
}

// The product of dims; throws std::length_error beyond what a tensor may have.
inline std::int64_t count(const Dims& dims) {
  std::int64_t n = 1;
  for (const std::int64_t d : dims) {
    if (d < 0 || __builtin_mul_overflow(n, d, &n) || n > kLargest) {
      throw std::length_error("a tensor is too large");
    }
  }
  return n;
}

// Pixels around an image that hold its layout's fill value.
struct Border {
  std::int64_t top = 0;
  std::int64_t bottom = 0;
  std::int64_t left = 0;
  std::int64_t right = 0;

  bool empty() const { return (top | bottom | left | right) == 0; }

  void grow(const Border& other) {
    top = std::max(top, other.top);
    bottom = std::max(bottom, other.bottom);
    left = std::max(left, other.left);
    right = std::max(right, other.right);
  }
};

// Images (height, width, channels) row by row inside an optional border; a tensor of another
// rank is one row of its leading axes' pixels. A slice is some channels of a larger image's pixels.
struct Layout {
  std::int64_t height = 1;
  std::int64_t width = 1;
  std::int64_t channels = 1;
  Border border;
  std::int64_t whole = 0;  // channels of the image that it is a slice of, if it is one
  Element element = Element::float32;
  float fill = 0;  // what stands in the border

  // In numbers.
  std::int64_t pixel() const { return whole > 0 ? whole : channels; }
  std::int64_t row() const { return (border.left + width + border.right) * pixel(); }
  std::int64_t size() const { return (border.top + height + border.bottom) * row(); }
  std::int64_t origin() const { return border.top * row() + border.left * pixel(); }
  // Of so many numbers, or of the image.
  std::int64_t bytes(std::int64_t numbers) const { return numbers * bytes_of(element); }
  std::int64_t bytes() const { return bytes(size()); }
  // That a value needs in memory, for so many numbers.
  std::int64_t held_bytes(std::int64_t numbers) const {
    return bytes(numbers) + (element == Element::uint8 ? kReadBehind : 0);
  }
};

// The fill value in row `y` of an image, which begins at `data`: in all of it above and below the
// image, in the columns at both sides inside.
template <class Number>
void clear_border_of(const Layout& layout, std::byte* data, std::int64_t y) {
  const bool inside = 0 <= y && y < layout.height;
  const auto fill = static_cast<Number>(layout.fill);
  auto* const row = reinterpret_cast<Number*>(data);
  Number* const end = row + layout.row();
  std::fill(row, inside ? row + layout.border.left * layout.pixel() : end, fill);
  if (inside) std::fill(end - layout.border.right * layout.pixel(), end, fill);
}

inline void clear_border(const Layout& layout, std::byte* data, std::int64_t y) {
  if (layout.element == Element::uint8) {
    clear_border_of<std::uint8_t>(layout, data, y);
  } else {
    clear_border_of<float>(layout, data, y);
  }
}

// Numbers of an image that are bytes have their zero point around them.
inline Layout layout_of(const Dims& dims, Element element = Element::float32, float fill = 0) {
  Layout layout;
  layout.element = element;
  layout.fill = fill;
  layout.channels = dims.empty() ? 1 : dims.back();
  if (dims.size() == 3) {
    layout.height = dims[0];
    layout.width = dims[1];
  } else if (dims.size() > 1) {
    layout.width = count(Dims(dims.begin(), dims.end() - 1));
  }
  return layout;
}

// A tensor at run time: `data` is the first pixel of the first image.
struct Tensor {
  std::byte* data = nullptr;
  std::int64_t image = 0;  // numbers from one image to the next
  Element element = Element::float32;

  Tensor from_image(std::int64_t first) const {
    return {data + first * image * bytes_of(element), image, element};
  }
  // The first pixel of an image.
  template <class Number>
  Number* numbers(std::int64_t of_image = 0) const {
    return reinterpret_cast<Number*>(data) + of_image * image;
  }
  float* floats(std::int64_t of_image = 0) const { return numbers<float>(of_image); }
  std::uint8_t* bytes(std::int64_t of_image = 0) const { return numbers<std::uint8_t>(of_image); }
};

}  // namespace cnnfast
