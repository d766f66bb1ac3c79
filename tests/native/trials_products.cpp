// Trials of products of matrices: register tiles, rows, packing.
#include "narrowing.hpp"
#include "trials.hpp"

namespace cnnfast::trials {

namespace {

// Numbers that every element type holds.
Numbers coarse(std::int64_t n) {
  Numbers numbers = normal(n, 16);
  for (float& number : numbers) number = std::clamp(std::round(number), -127.0F, 127.0F) / 16;
  return numbers;
}

// One column block of weights as an element stores them.
struct Weights {
  Element element;
  std::vector<char> bytes;

  Weights(Element type, const Numbers& numbers) : element(type) {
    with_element(type, [&]<Element E>() {
      using Number = typename Narrowing<E>::Number;
      bytes.resize(numbers.size() * sizeof(Number));
      std::transform(numbers.begin(), numbers.end(), reinterpret_cast<Number*>(bytes.data()),
                     Narrowing<E>::narrow);
    });
  }
};

// rows x depth times depth x columns, and a bias.
struct Product {
  static constexpr std::int64_t kRows = 29;
  static constexpr std::int64_t kDepth = 700;
  std::int64_t columns;
  Numbers x = normal(kRows * kDepth);
  Numbers matrix;
  Numbers bias;
  double operations;

  explicit Product(std::int64_t columns_of_matrix)
      : columns(columns_of_matrix),
        matrix(coarse(kDepth * columns)),
        bias(normal(columns)),
        operations(2.0 * kRows * kDepth * static_cast<double>(columns)) {}
  // Of a whole block: the matrix is its own packed form.
  explicit Product(const Kernels& k) : Product(blocks_of(k, kDepth, 1).widest) {}

  // Without the products of a weight of -0.
  std::vector<double> expected() const {
    std::vector<double> sums;
    for (std::int64_t row = 0; row < kRows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        double sum = at(bias, column);
        for (std::int64_t i = 0; i < kDepth; ++i) {
          const double weight = at(matrix, i * columns + column);
          if (!std::signbit(weight) || weight != 0) sum += at(x, row * kDepth + i) * weight;
        }
        sums.push_back(sum);
      }
    }
    return sums;
  }
  std::vector<double> expected_row() const {
    const std::vector<double> all = expected();
    return {all.begin(), all.begin() + columns};
  }

  void run_conv(const Kernels& k, const Weights& weights, bool joined, float* out) const {
    const std::int64_t chunk = k.tuning.chunk_depth;
    const Span spans[] = {{0, chunk}, {chunk, kDepth - chunk}};
    const Chunk chunks[] = {{0, 1, spans[0].length}, {1, 2, spans[1].length}};
    Numbers widened(static_cast<std::size_t>(chunk * columns));
    ConvTask task = {};
    task.x = x.data();
    task.x_strides = {0, 0, kDepth};
    task.spans = spans;
    task.chunks = chunks;
    task.last_chunk = task.chunk_count = 2;
    task.weights = weights.bytes.data();
    task.element = weights.element;
    task.widened = widened.data();
    task.epilogue.bias = bias.data();
    task.out = out;
    task.out_strides = {0, 0, columns};
    task.width = kRows;
    task.height = 1;
    task.columns = static_cast<std::int32_t>(columns);
    task.joined = joined;
    k.conv(task, 0, kRows);
  }
};

Trial conv(const Kernels& k, Element element) {
  const Product p(k);
  const Weights weights(element, p.matrix);
  return {p.operations, [=, &k](float* out) { p.run_conv(k, weights, false, out); }, p.expected()};
}

// A weight of -0 is no product: NaN in front of a row of them does not reach a sum.
Trial conv_joined(const Kernels& k) {
  Product p(k.tuning.lanes);
  for (std::size_t i = 0; i < p.matrix.size(); i += 3) p.matrix[i] = -0.0F;
  std::fill_n(p.matrix.begin() + 7 * p.columns, p.columns, -0.0F);
  for (std::int64_t row = 0; row < Product::kRows; ++row) {
    p.x[static_cast<std::size_t>(row * Product::kDepth + 7)] = NAN;
  }
  const Weights weights(Element::float32, p.matrix);
  return {p.operations, [=, &k](float* out) { p.run_conv(k, weights, true, out); }, p.expected()};
}

// `zeros`: half of the inputs are, and may be left out.
Trial gemv(const Kernels& k, Element element, bool zeros) {
  Product p(k);
  if (zeros) {
    for (float& number : p.x) number = std::max(number, 0.0F);
  }
  const Weights weights(element, p.matrix);
  const auto run = [=, &k](float* out) {
    GemvTask task = {};
    task.x = p.x.data();
    task.depth = Product::kDepth;
    task.weights = weights.bytes.data();
    task.epilogue.bias = p.bias.data();
    task.out = out;
    task.columns = p.columns;
    task.skip_zeros = zeros;
    k.gemv[static_cast<int>(element)](task, 0, 1);
  };
  return {p.operations / Product::kRows, run, p.expected_row()};
}

Trial multiply_row(const Kernels& k) {
  Product p(k);
  std::fill(p.bias.begin(), p.bias.end(), 0.0F);
  const auto run = [p, &k](float* out) {
    k.multiply_row(p.x.data(), {p.matrix.data(), p.columns, 0, Product::kDepth}, out);
  };
  return {p.operations / Product::kRows, run, p.expected_row()};
}

Trial pack_columns(const Kernels& k) {
  constexpr std::int64_t kRows = 37;
  const std::int64_t columns = 2 * blocks_of(k, kRows, 1).widest + 3;
  const Numbers matrix = normal(kRows * columns);
  const Numbers to = packed(blocks_of(k, kRows, columns), matrix);
  const auto run = [=, &k](float* out) {
    k.pack_columns({matrix.data(), columns, 0, kRows}, kRows, out);
  };
  return {static_cast<double>(kRows * columns), run, {to.begin(), to.end()}};
}

}  // namespace

std::vector<Named> product_trials() {
  std::vector<Named> all = {
      {"conv_joined", conv_joined}, {"multiply_row", multiply_row}, {"pack_columns", pack_columns}};
  for (int i = 0; i < kWidenedElements; ++i) {
    const auto element = static_cast<Element>(i);
    const std::string name = kElementNames[i];
    all.push_back({"conv_" + name, [=](const Kernels& k) { return conv(k, element); }});
    all.push_back({"gemv_" + name, [=](const Kernels& k) { return gemv(k, element, false); }});
    all.push_back(
        {"gemv_" + name + "_zeros", [=](const Kernels& k) { return gemv(k, element, true); }});
  }
  return all;
}

}  // namespace cnnfast::trials
