// Packed weights, held once for all plans that read the same numbers in the same order: plans of
// one model for images of several sizes, models that share layers, a file that was loaded twice.
#pragma once

#include <functional>
#include <memory>

#include "kernel_rows.hpp"
#include "memory.hpp"

namespace cnnfast {

struct Packed {
  Block block;  // of `dtype`, which may be half of a float
  WeightDtype dtype = WeightDtype::float32;
  bool finite = true;  // every number
};

// What pack(kernel) returns, or what it returned for a kernel of the same numbers and the same
// `order`: whatever else packing depends on. Kernels are told apart by 128 bits of their numbers.
std::shared_ptr<const Packed> shared_packed(const KernelRows& kernel, Dims order,
                                            const std::function<Packed(const KernelRows&)>& pack);

// Of all packed weights of the process, each counted once.
std::int64_t packed_bytes();

}  // namespace cnnfast
