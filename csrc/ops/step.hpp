// What a plan asks of an operation. To add one: a file in ops/ and a method of PlanBuilder.
#pragma once

#include <array>
#include <memory>

#include "../layout.hpp"

namespace cnnfast {

// What a step does per image, for choosing and for reports.
struct Cost {
  double flops = 0;
  double weight_bytes = 0;
};

constexpr std::size_t kMostInputs = 2;
template <class T>
using PerInput = std::array<T, kMostInputs>;

class Step {
 public:
  virtual ~Step() = default;

  virtual const char* name() const = 0;

  // Zeros that it reads around its first input.
  virtual Border border() const { return {}; }
  // Whether it can read an input, or write an output, that has a border.
  virtual bool reads_borders() const { return false; }
  virtual bool writes_borders() const { return false; }
  // Whether many images at once are better than one after the other.
  virtual bool batched() const { return false; }

  // Fixes the layouts, once: precomputes offsets.
  virtual void bind(const PerInput<Layout>& /*in*/, const Layout& /*out*/) {}

  // The work for so many images, in equal units; any split of them gives the same bits.
  virtual std::int64_t units(std::int64_t images) const = 0;
  virtual void run(const PerInput<Tensor>& in, const Tensor& out, std::int64_t images,
                   std::int64_t first, std::int64_t last) const = 0;

  virtual Cost cost() const { return {}; }
};

// A step over dense tensors whose units are rows of one image's output.
class RowsStep : public Step {
 public:
  explicit RowsStep(std::int64_t rows) : rows_(rows) {}

  std::int64_t units(std::int64_t images) const override { return images * rows_; }

  void run(const PerInput<Tensor>& in, const Tensor& out, std::int64_t, std::int64_t first,
           std::int64_t last) const override {
    while (first < last) {
      const std::int64_t image = first / rows_;
      const std::int64_t row = first % rows_;
      const std::int64_t end = std::min(rows_, row + last - first);
      run_rows({in[0].data + image * in[0].image, in[1].data + image * in[1].image},
               out.data + image * out.image, row, end);
      first += end - row;
    }
  }

 protected:
  // Rows [first, last) of one image.
  virtual void run_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                        std::int64_t last) const = 0;

  std::int64_t rows() const { return rows_; }

 private:
  std::int64_t rows_;
};

}  // namespace cnnfast
