// What a plan asks of an operation. To add one: a file in ops/ and a method of PlanBuilder.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <vector>

#include "../interrupt.hpp"
#include "../layout.hpp"
#include "../packing.hpp"

namespace cnnfast {

// What a step does per image, for choosing and for reports.
struct Cost {
  double flops;      // of the operation, however it is computed
  double own_flops;  // of the algorithm; see flops.hpp
  double weight_bytes;
  double moved_bytes;  // of activations: read and written
};

// Of all numbers of these tensors.
inline double bytes_of(std::initializer_list<Dims> tensors) {
  double bytes = 0;
  for (const Dims& dims : tensors) bytes += 4 * static_cast<double>(count(dims));
  return bytes;
}

// An algorithm that a step could have taken, and what the cost model expected of it.
struct Candidate {
  const char* algorithm;
  double cost;
};

constexpr std::size_t kMostInputs = 2;
template <class T>
using PerInput = std::array<T, kMostInputs>;

// Units [first, last) of a step on so many images.
struct Work {
  PerInput<Tensor> in;
  Tensor out;
  std::int64_t images;
  std::int64_t first;
  std::int64_t last;
  float* scratch;                  // the calling thread's
  Interrupt* interrupt = nullptr;  // for steps that heed it
};

struct Window;

class Step {
 public:
  virtual ~Step() = default;

  virtual const char* name() const = 0;

  // Zeros that it reads around its first input.
  virtual Border border() const { return {}; }
  // Whether it can read an input, or write an output, that is a slice.
  virtual bool reads_slices() const { return false; }
  virtual bool writes_slices() const { return false; }
  // The same for one that has a border; who can do slices can do borders.
  virtual bool reads_borders() const { return reads_slices(); }
  virtual bool writes_borders() const { return writes_slices(); }
  // Whether many images at once are better than one after the other.
  virtual bool batched() const { return false; }

  // Whether its output may stand where an input of that size does, both dense: each number is read
  // before the one in its place is written, and by the same unit.
  virtual bool overwrites() const { return false; }

  // Fixes the layouts, once: precomputes offsets.
  virtual void bind(const PerInput<Layout>& /*in*/, const Layout& /*out*/) {}

  // The work for so many images, in equal units; any split of them gives the same bits.
  virtual std::int64_t units(std::int64_t images) const = 0;
  // Units that share work with their neighbours, so many at a time: parts that are cut between
  // such groups repeat less.
  virtual std::int64_t grain() const { return 1; }
  virtual void run(const Work& work) const = 0;
  // Whether it asks for an interrupt between its units, and ends there: to cut parts that take no
  // longer than an interrupt may wait would repeat work.
  virtual bool heeds_interrupt() const { return false; }

  // The window of a step that can make some rows of its output from the rows of its first input
  // that they read; null for others.
  virtual const Window* rows_window() const { return nullptr; }
  // How many of them it makes together, counted from the first row of the output: it reads what all
  // of them need, zeros below the image's last.
  virtual std::int64_t rows_together() const { return 1; }
  // Rows [first, last) of one image's output, in whole groups of these but for the image's last.
  virtual void run_rows(const Work& work) const { run(work); }

  // Floats of scratch memory that each thread needs; known once the layouts are.
  virtual std::int64_t scratch() const { return 0; }

  // From the shapes and weights alone: known before the layouts are.
  virtual Cost cost() const = 0;

  // How it computes so many images at once; "" where there is one way only.
  virtual const char* algorithm(std::int64_t /*images*/) const { return ""; }
  // What the step keeps: packed weights.
  virtual std::int64_t packed_bytes() const {
    return static_cast<std::int64_t>(cost().weight_bytes);
  }
  // The part of them that other steps may hold, too.
  virtual std::vector<const Packed*> packed() const { return {}; }

  // What it was chosen from; empty where there was no choice.
  std::vector<Candidate> candidates;
};

// A step over dense tensors whose units are rows of one image's output.
class RowsStep : public Step {
 public:
  explicit RowsStep(std::int64_t rows) : rows_(rows) {}

  std::int64_t units(std::int64_t images) const override { return images * rows_; }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t image = unit / rows_;
      const std::int64_t row = unit % rows_;
      const std::int64_t end = std::min(rows_, row + w.last - unit);
      run_image_rows({w.in[0].data + image * w.in[0].image, w.in[1].data + image * w.in[1].image},
                     w.out.data + image * w.out.image, row, end);
      unit += end - row;
    }
  }

 protected:
  // Rows [first, last) of one image.
  virtual void run_image_rows(const PerInput<const float*>& in, float* out, std::int64_t first,
                              std::int64_t last) const = 0;

  std::int64_t rows() const { return rows_; }

 private:
  std::int64_t rows_;
};

}  // namespace cnnfast
