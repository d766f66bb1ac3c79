// Packed weights: made once for all plans of a model, and held once where those of other models
// are the same.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "kernel_rows.hpp"
#include "memory.hpp"

namespace cnnfast {

struct Packed {
  Block block;  // of `dtype`, which may be half of a float
  WeightDtype dtype = WeightDtype::float32;
  bool finite = true;  // every number
};

// The forms in which kernels are packed.
enum class Packing : std::int64_t { plain, direct, joined, winograd, depthwise, recurrent };

// A kernel: its numbers, and what was packed of them. Copies are the same kernel.
class SharedKernel {
 public:
  using Pack = std::function<Packed(const KernelRows&)>;

  explicit SharedKernel(KernelRows rows);
  SharedKernel(const float* numbers, std::int64_t rows, std::int64_t width)
      : SharedKernel(KernelRows(numbers, rows, width)) {}

  // What pack(rows) returned for this form, of which `order` says whatever else the places of the
  // numbers depend on; what is asked for the first time is packed, which takes no lock.
  std::shared_ptr<const Packed> packed(Packing form, Dims order, const Pack& pack) const;
  // The numbers as they are.
  std::shared_ptr<const Packed> plain() const;
  // Whatever was packed so far.
  std::vector<std::shared_ptr<const Packed>> all() const;

 private:
  struct State {
    KernelRows rows;
    std::map<Dims, std::shared_ptr<const Packed>> packed;  // guarded by shared_state_mutex
  };
  std::shared_ptr<State> state_;
};

// Of all packed weights of the process, each counted once.
std::int64_t packed_bytes();

}  // namespace cnnfast
