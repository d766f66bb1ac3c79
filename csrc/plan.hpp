// A plan: steps over values, with a place in memory for each value; and how one is built.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/table.hpp"
#include "layout.hpp"
#include "memory.hpp"
#include "ops/step.hpp"

namespace cnnfast {

// Where a value's numbers are while a plan runs.
enum class Storage {
  input,      // the caller's array
  output,     // the caller's array
  transient,  // one image's place in a thread's workspace, used again for every image
  resident,   // a place for each image of the portion
  constant,   // the same for every image
};

struct Value {
  Dims dims;
  Layout layout;
  int alias_of = -1;             // the value whose memory this one is, under another shape
  int slice_of = -1;             // the value that has these numbers among its channels,
  std::int64_t slice_start = 0;  // from this one on
  Storage storage = Storage::transient;
  // Of the input, output or constant; or the offset in bytes for one image.
  std::int64_t index = 0;

  bool owns_memory() const { return alias_of < 0 && slice_of < 0; }
};

struct PlannedStep {
  std::unique_ptr<const Step> step;
  std::vector<int> in;  // values, at most kMostInputs
  int out;
  std::string label;                       // what it is part of, for reports
  std::unique_ptr<const BoundStep> bound;  // once the layouts are known
};

// Consecutive steps that run the same way: all of them for one image after the other, or each
// of them for all images of the portion.
struct Group {
  int first;
  int last;
  bool batched;
};

// A step for a report; `cost` is that of one image.
struct StepInfo {
  std::string name;
  std::string label;
  std::string algorithm;
  std::vector<Candidate> candidates;
  std::vector<Dims> in;
  Dims out;
  Cost cost;
  std::int64_t packed_bytes;
  std::int64_t units;   // that threads can share
  std::int64_t images;  // for which it runs at once
  bool batched;
};

class Plan {
 public:
  const std::vector<Dims>& inputs() const { return inputs_; }
  const std::vector<Dims>& outputs() const { return outputs_; }
  // The steps as they run for so many images on so many threads.
  std::vector<StepInfo> steps(std::int64_t images = 1, int threads = 1) const;
  // Of all steps and constants of `plans` and of `kernels`; what several hold counts once.
  static std::int64_t packed_bytes(const std::vector<const Plan*>& plans,
                                   const std::vector<SharedKernel>& kernels);
  std::int64_t constant_bytes() const;
  // Bytes of workspace for `images` at once on `threads`.
  std::int64_t workspace(std::int64_t images, int threads) const;

  // At most `threads`, fewer where the work would not pay for waking them.
  int useful_threads(std::int64_t images, int threads) const;

  // Runs `images` images on `threads` threads, fewer where the process is limited to fewer. Any
  // number of calls at once. The bits of an image's outputs depend on neither number. A long run
  // asks `interrupt`, if there is one, a few times a second and on this thread.
  void run(const std::vector<const float*>& inputs, const std::vector<float*>& outputs,
           std::int64_t images, int threads, Interrupt* interrupt = nullptr) const;
  // Runs the same way and returns the seconds of each step; the mean over the threads, where each
  // takes images of its own.
  std::vector<double> run_profiled(const std::vector<const float*>& inputs,
                                   const std::vector<float*>& outputs, std::int64_t images,
                                   int threads, Interrupt* interrupt = nullptr) const;

 private:
  friend class PlanBuilder;
  class Execution;

  // How many images go through the plan together; the bits do not depend on it.
  std::int64_t portion(std::int64_t images, int threads) const;
  // Places for transient values: one a thread where each takes images of its own.
  std::int64_t places(std::int64_t images, int threads) const;
  // The seconds of each step, where `watched`.
  std::vector<double> execute(const std::vector<const float*>& inputs,
                              const std::vector<float*>& outputs, std::int64_t images, int threads,
                              Interrupt* interrupt, bool watched) const;

  std::vector<Value> values_;
  std::vector<PlannedStep> steps_;
  std::vector<std::shared_ptr<const Packed>> constants_;
  std::vector<Group> groups_;
  std::vector<Dims> inputs_;
  std::vector<Dims> outputs_;
  std::int64_t transient_ = 0;   // bytes for one image at a time
  std::int64_t resident_ = 0;    // bytes for each image of a portion
  std::int64_t scratch_ = 0;     // bytes that a step may use in each thread
  std::vector<Cost> costs_;      // of the steps
  std::vector<double> seconds_;  // of each step for an image, on a slow core
  double all_seconds_ = 0;
  double batched_weight_bytes_ = 0;  // read once for each portion
};

class PlanBuilder {
 public:
  explicit PlanBuilder(bool winograd = true, Element weight_dtype = Element::float32,
                       bool bfloat16 = false)
      : winograd_(winograd), weight_dtype_(weight_dtype), bfloat16_(bfloat16) {}

  // Whether convolutions may use Winograd's algorithm.
  bool winograd() const { return winograd_; }
  // How weights are stored where reading them is most of the work.
  Element weight_dtype() const { return weight_dtype_; }
  // Whether convolutions may round the operands of their products to bfloat16.
  bool bfloat16() const { return bfloat16_; }

  // What the steps added from now on are part of.
  void label(std::string text) { label_ = std::move(text); }

  int input(Dims dims);
  int constant(const SharedKernel& numbers, Dims dims);
  int add(std::unique_ptr<const Step> step, std::vector<int> in, Dims out);
  // Tensors one behind the other along `axis`: a step for each.
  int concat(const std::vector<int>& in, Dims out, int axis);
  // Axes [first, last) to one number each: a step, or one for parts of them and one for those.
  int reduce(int in, Dims out, ReductionKind kind, int first, int last);
  // Matrix products: a step, or one that packs `b` and one for the product.
  int matmul(int a, int b, Dims out);
  // The same memory under another shape.
  int reshape(int in, Dims dims);
  const Dims& dims(int value) const;
  // Of a value of uint8 the fill is its zero point.
  const Layout& layout(int value) const;

  // Empties the builder.
  std::unique_ptr<Plan> build(const std::vector<int>& outputs);

 private:
  int new_value(Dims dims, Element element = Element::float32, float fill = 0);
  // The value that owns the memory.
  int root(int value) const;
  int add_copy(std::size_t before, int of);
  void place_outputs(const std::vector<int>& outputs);
  void place_slices();
  void give_borders();
  void join_bands();
  void bind_steps();
  void group_steps();
  void reuse_inputs();
  void place_values();

  // A step of a concatenation of channels, which is left out where its input is a slice of `whole`.
  struct Join {
    const Step* step;
    int part;
    int whole;
    std::int64_t start;
  };
  bool can_be_slice(const Join& join) const;

  std::unique_ptr<Plan> plan_ = std::make_unique<Plan>();
  std::vector<Join> joins_;
  int input_count_ = 0;
  bool winograd_;
  std::string label_;
  Element weight_dtype_;
  bool bfloat16_;
};

}  // namespace cnnfast
