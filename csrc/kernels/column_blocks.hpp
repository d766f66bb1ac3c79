// Where the columns of a matrix stand once it is packed.
#pragma once

#include <cstdint>

namespace cnnfast {

// Always inlined, so that no object of an instruction set defines them for others.
#define CNNFAST_PLACE [[gnu::always_inline]] inline

// [block][row][block's columns]: a block is as wide as the widest register tile, the last one as
// many whole vectors as it needs, filled with zeros. Of 5 columns in vectors of 2, two a block:
// (0 1 2 3) of each row, then (4 -) of each row.
struct ColumnBlocks {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t lanes;   // numbers in a vector
  std::int64_t widest;  // block, in numbers

  CNNFAST_PLACE std::int64_t count() const { return (columns + widest - 1) / widest; }
  CNNFAST_PLACE std::int64_t padded() const { return (columns + lanes - 1) / lanes * lanes; }
  CNNFAST_PLACE std::int64_t size() const { return rows * padded(); }

  // Of a block: its first column, how many there are, and with the zeros.
  CNNFAST_PLACE std::int64_t first(std::int64_t block) const { return block * widest; }
  CNNFAST_PLACE std::int64_t stored(std::int64_t block) const {
    const std::int64_t left = columns - first(block);
    return left < widest ? left : widest;
  }
  CNNFAST_PLACE std::int64_t width(std::int64_t block) const {
    const std::int64_t left = padded() - first(block);
    return left < widest ? left : widest;
  }
  // Of the block's numbers in `row` and those below, counted from the matrix' first.
  CNNFAST_PLACE std::int64_t place(std::int64_t block, std::int64_t row = 0) const {
    return first(block) * rows + row * width(block);
  }
};

#undef CNNFAST_PLACE

}  // namespace cnnfast
