// Kernels by their names, each with the same numbers from its definition; kernels.cpp runs them.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "cpu.hpp"
#include "kernels/column_blocks.hpp"

namespace cnnfast::trials {

using Numbers = std::vector<float>;

// A kernel on some numbers. `out` is what it writes, `expected` the same from the definition.
struct Trial {
  double operations;
  std::function<void(float* out)> run;
  std::vector<double> expected;
  double tolerance = 1e-4;  // relative, of sums below 1 absolute
  bool bytes = false;       // `out` is of bytes
};

// The name is that of the slot in the table of kernels, and what is special behind it:
// gemv_float16.
struct Named {
  std::string name;
  std::function<Trial(const Kernels&)> make;
  std::function<Trial(const QuantizedKernels&)> make_quantized = nullptr;  // instead
};

std::vector<Named> bfloat16_trials();

inline Named quantized(const char* name, Trial (*make)(const QuantizedKernels&)) {
  return {name, nullptr, make};
}

std::vector<Named> product_trials();
std::vector<Named> recurrent_trials();
std::vector<Named> window_trials();
std::vector<Named> row_trials();
std::vector<Named> quantized_trials();
std::vector<Named> quantized_row_trials();

inline Numbers normal(std::int64_t n, float scale = 1) {
  static std::mt19937 generator(20240607);
  std::normal_distribution<float> draw;
  Numbers numbers(static_cast<std::size_t>(n));
  for (float& number : numbers) number = scale * draw(generator);
  return numbers;
}

inline double at(const Numbers& numbers, std::int64_t i) {
  return numbers[static_cast<std::size_t>(i)];
}

inline ColumnBlocks blocks_of(const Kernels& k, std::int64_t rows, std::int64_t columns) {
  const Tuning& tuning = k.tuning;
  return {rows, columns, tuning.lanes, std::int64_t{tuning.tile_vectors} * tuning.lanes};
}

// A matrix in column blocks, zeros behind.
inline Numbers packed(const ColumnBlocks& blocks, const Numbers& matrix) {
  Numbers to(static_cast<std::size_t>(blocks.size()));
  for (std::int64_t block = 0; block < blocks.count(); ++block) {
    for (std::int64_t row = 0; row < blocks.rows; ++row) {
      std::copy_n(matrix.data() + row * blocks.columns + blocks.first(block), blocks.stored(block),
                  to.data() + blocks.place(block, row));
    }
  }
  return to;
}

}  // namespace cnnfast::trials
