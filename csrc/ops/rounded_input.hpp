// What the pixels of a convolution read, rounded to bfloat16 in scratch memory: once for a panel of
// them, however many column blocks and taps read it.
#pragma once

#include "../words.hpp"
#include "ops.hpp"

namespace cnnfast {

// Of a window of one tap the pixels stand one behind the other; of others, all rows of the image
// that they read, with its border, so that windows are the same spans as in the image.
class RoundedInput {
 public:
  using Round = decltype(Bfloat16Kernels::round);

  RoundedInput(const ConvSpec& spec, std::int64_t together);

  std::int64_t pixel() const { return pixel_; }  // words from one pixel to the next,
  std::int64_t row() const { return row_; }      // and from row to row
  // Words for each pixel of the output, roughly, and room for so many.
  double words_per_pixel() const;
  std::int64_t size(std::int64_t pixels) const;

  // From one pixel's window to the next, before the pooling.
  Strides strides() const;
  // Rounds what pixels [first, last) of the output read, numbered through all images; returns where
  // the window of pixel 0 would stand. `round` is that of the kernels.
  const float* fill(Round round, const Tensor& in, const Layout& layout, std::int64_t first,
                    std::int64_t last, float* words) const;

 private:
  // From the corner of the first window on, with the border.
  struct Image {
    const float* corner;
    Strides strides;

    const float* row(std::int64_t image, std::int64_t y) const {
      return corner + image * strides.image + y * strides.row;
    }
  };

  const float* fill_pixels(Round round, const Image& from, std::int64_t first, std::int64_t last,
                           float* words) const;
  const float* fill_rows(Round round, const Image& from, std::int64_t first_row,
                         std::int64_t last_row, float* words) const;
  void round_run(Round round, const float* from, std::int64_t step, std::int64_t pixels,
                 float* words) const;

  Window window_;          // of what is stored
  std::int64_t stride_y_;  // before the pooling
  std::int64_t stride_x_;
  std::int64_t groups_;
  std::int64_t channels_;  // of a group
  std::int64_t group_words_;
  bool padded_;  // a zero behind the channels of a group
  bool pixels_only_;
  std::int64_t height_;  // of the output
  std::int64_t width_;
  std::int64_t in_width_;  // with its border
  std::int64_t pixel_;
  std::int64_t row_;
  std::int64_t image_;  // rows
};

}  // namespace cnnfast
