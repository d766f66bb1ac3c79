// What a plan asks of an operation. To add one: a file in ops/ and a method of PlanBuilder.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "../interrupt.hpp"
#include "../layout.hpp"
#include "../packing.hpp"
#include "window.hpp"

namespace cnnfast {

// What a step does per image, for choosing and for reports.
struct Cost {
  double flops;      // of the operation, however it is computed
  double own_flops;  // of the algorithm; see flops.hpp
  double weight_bytes;
  double moved_bytes;  // of activations: read and written
};

// Of a step that computes nothing.
inline Cost moving(double bytes) {
  return {.flops = 0, .own_flops = 0, .weight_bytes = 0, .moved_bytes = bytes};
}

// Of all numbers of these tensors.
inline double bytes_of(std::initializer_list<Dims> tensors, Element element = Element::float32) {
  double bytes = 0;
  for (const Dims& dims : tensors) bytes += static_cast<double>(count(dims) * bytes_of(element));
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

struct Layouts {
  PerInput<Layout> in;
  Layout out;
};

// How a tensor may stand in memory; who can do one can do those before it.
enum class Access {
  dense,
  bordered,  // with a border around each image
  slice,     // some of the channels of another tensor
};

// How a step makes some rows of its output from the rows of its first input that they read.
struct ByRows {
  Window window;
  // It makes so many together, counted from the first row of the output, and reads what all of them
  // need, zeros below the image's last.
  std::int64_t together = 1;
};

// What a plan may do with a step; fixed when the step is made.
struct StepTraits {
  std::string name;
  // How it computes, and an image that comes alone if that is another way; "" where there is one
  // way only.
  std::string algorithm = {};
  std::string algorithm_of_one = algorithm;
  // What it was chosen from; empty where there was no choice.
  std::vector<Candidate> candidates = {};

  Access reads = Access::dense;
  Access writes = Access::dense;
  Border border = {};                // that it reads around its first input
  Element takes = Element::float32;  // of all that it reads
  Element makes = Element::float32;
  float fill = 0;  // around what it makes; of uint8 the zero point
  // Its output may stand where an input of that size does, both dense: each number is read before
  // the one in its place is written, and by the same unit.
  bool overwrites = false;

  bool batched = false;  // many images at once are better than one after the other
  std::optional<ByRows> rows = {};
  // Units that share work with their neighbours, so many at a time: parts that are cut between such
  // groups repeat less.
  std::int64_t grain = 1;
  // It asks for an interrupt between its units, and ends there: to cut parts that take no longer
  // than an interrupt may wait would repeat work.
  bool heeds_interrupt = false;
  std::int64_t scratch = 0;  // bytes that each thread needs

  // Weights that other steps may hold, too, and bytes of those that are its own.
  std::vector<std::shared_ptr<const Packed>> packed = {};
  std::int64_t own_bytes = 0;

  std::int64_t packed_bytes() const {
    std::int64_t bytes = own_bytes;
    for (const auto& weights : packed) bytes += weights->bytes();
    return bytes;
  }
};

// Units [first, last) of a step on so many images.
struct Work {
  PerInput<Tensor> in;
  Tensor out;
  std::int64_t images;
  std::int64_t first;
  std::int64_t last;
  std::byte* scratch;              // the calling thread's
  Interrupt* interrupt = nullptr;  // for steps that heed it

  float* scratch_floats() const { return reinterpret_cast<float*>(scratch); }
};

// A step that knows where its tensors' numbers stand. It may refer to its step, which lives longer.
class BoundStep {
 public:
  BoundStep() = default;
  virtual ~BoundStep() = default;
  BoundStep(const BoundStep&) = delete;
  BoundStep& operator=(const BoundStep&) = delete;

  // The work for so many images, in equal units; any split of them gives the same bits.
  virtual std::int64_t units(std::int64_t images) const = 0;
  virtual void run(const Work& work) const = 0;
};

// Of a step whose traits say how it makes rows.
class BoundByRows : public BoundStep {
 public:
  // Rows [first, last) of one image's output, in whole groups of those that it makes together but
  // for the image's last.
  virtual void run_rows(const Work& work) const = 0;
};

class Step {
 public:
  explicit Step(StepTraits traits) : traits_(std::move(traits)) {}
  virtual ~Step() = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  const StepTraits& traits() const { return traits_; }
  // From the shapes and weights alone.
  virtual Cost cost() const = 0;
  virtual std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const = 0;

 private:
  StepTraits traits_;
};

// A step over dense tensors, whose layouts say nothing that it does not know.
class DenseStep : public Step {
 public:
  using Step::Step;
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const final;

  // As those of a bound step.
  virtual std::int64_t units(std::int64_t images) const = 0;
  virtual void run(const Work& work) const = 0;
};

// One whose units are rows of an image's output, over tensors of such numbers.
template <class Number>
class RowsOf : public DenseStep {
 public:
  RowsOf(StepTraits traits, std::int64_t rows) : DenseStep(std::move(traits)), rows_(rows) {}

  std::int64_t units(std::int64_t images) const final { return images * rows_; }
  void run(const Work& work) const final;

 protected:
  // Rows [first, last) of one image.
  virtual void run_image_rows(const PerInput<const Number*>& in, Number* out, std::int64_t first,
                              std::int64_t last) const = 0;

  std::int64_t rows() const { return rows_; }

 private:
  std::int64_t rows_;
};
extern template class RowsOf<float>;
extern template class RowsOf<std::uint8_t>;
using RowsStep = RowsOf<float>;

// make(number) for a step that moves numbers of this element type, as they are.
template <class Make>
std::unique_ptr<const Step> make_moving(Element element, const Make& make) {
  if (element == Element::uint8) return make(std::uint8_t{});
  return make(float{});
}

// The traits of a step that moves numbers.
template <class Number>
StepTraits moving_traits(StepTraits traits, float fill = 0) {
  if constexpr (std::is_same_v<Number, std::uint8_t>) {
    traits.takes = traits.makes = Element::uint8;
    traits.fill = fill;
  }
  return traits;
}

}  // namespace cnnfast
