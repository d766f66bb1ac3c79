#include "conv.hpp"

namespace cnnfast {

RoundedInput::RoundedInput(const ConvSpec& spec, std::int64_t together)
    : window_(stored_window(spec)),
      stride_y_(spec.window.stride_y),
      stride_x_(spec.window.stride_x),
      groups_(spec.groups),
      channels_(spec.in[2] / spec.groups),
      group_words_(words_of(channels_, together)),
      padded_(group_words_ * together != channels_),
      pixels_only_(window_.height * window_.width == 1),
      height_(spec.out[0]),
      width_(spec.out[1]),
      in_width_(window_.pads.left + spec.in[1] + window_.pads.right),
      pixel_(groups_ * group_words_),
      row_((pixels_only_ ? width_ : in_width_) * pixel_),
      image_(pixels_only_ ? height_ : (height_ - 1) * window_.stride_y + window_.height) {}

double RoundedInput::words_per_pixel() const {
  return static_cast<double>(image_ * row_) / static_cast<double>(height_ * width_);
}

// Where images meet, the last rows of one and the first of the next are both there.
std::int64_t RoundedInput::size(std::int64_t pixels) const {
  if (pixels_only_) return pixels * pixel_;
  const std::int64_t rows = (pixels - 2) / width_ + 2;
  const std::int64_t meetings = (height_ + rows - 2) / height_;
  const std::int64_t between = std::max<std::int64_t>(window_.height - window_.stride_y, 0);
  return ((rows - 1) * window_.stride_y + window_.height + meetings * between) * row_;
}

Strides RoundedInput::strides() const {
  if (pixels_only_) return {image_ * row_, row_, pixel_};
  return {image_ * row_, stride_y_ * row_, stride_x_ * pixel_};
}

// Pixels `step` apart: at once where they stand in memory as their words will.
void RoundedInput::round_run(Round round, const float* from, std::int64_t step, std::int64_t pixels,
                             float* words) const {
  if (padded_) {
    for (std::int64_t g = 0; g < groups_; ++g) {
      round(from + g * channels_, step, words + g * group_words_, pixel_, pixels, channels_);
    }
    return;
  }
  const std::int64_t channels = groups_ * channels_;
  if (step == channels) {
    round(from, 0, words, 0, 1, pixels * channels);
  } else {
    round(from, step, words, pixel_, pixels, channels);
  }
}

const float* RoundedInput::fill(Round round, const Tensor& in, const Layout& layout,
                                std::int64_t first, std::int64_t last, float* words) const {
  const Border& pads = window_.pads;
  const Image image = {in.floats() - pads.top * layout.row() - pads.left * layout.pixel(),
                       {in.image, layout.row(), layout.pixel()}};
  return pixels_only_ ? fill_pixels(round, image, first, last, words)
                      : fill_rows(round, image, first / width_, (last - 1) / width_, words);
}

const float* RoundedInput::fill_pixels(Round round, const Image& from, std::int64_t first,
                                       std::int64_t last, float* words) const {
  const std::int64_t step = window_.stride_x * from.strides.pixel;
  for (std::int64_t at = first; at < last;) {
    const std::int64_t row = at / width_;
    const std::int64_t pixels = std::min(last - at, width_ - at % width_);
    const float* numbers = from.row(row / height_, row % height_ * window_.stride_y);
    round_run(round, numbers + at % width_ * step, step, pixels, words + (at - first) * pixel_);
    at += pixels;
  }
  return words - first * pixel_;
}

// Rows of the output from one to the other. Those of the images that they read are numbered as they
// are, `image_` of them to an image.
const float* RoundedInput::fill_rows(Round round, const Image& from, std::int64_t first_row,
                                     std::int64_t last_row, float* words) const {
  const std::int64_t held = first_row / height_ * image_ + first_row % height_ * window_.stride_y;
  for (std::int64_t image = first_row / height_; image <= last_row / height_; ++image) {
    const std::int64_t top = std::max(first_row - image * height_, std::int64_t{0});
    const std::int64_t bottom = std::min(last_row - image * height_, height_ - 1);
    const std::int64_t end = bottom * window_.stride_y + window_.height;
    for (std::int64_t y = top * window_.stride_y; y < end; ++y) {
      round_run(round, from.row(image, y), from.strides.pixel, in_width_,
                words + (image * image_ + y - held) * row_);
    }
  }
  return words - held * row_;
}

}  // namespace cnnfast
