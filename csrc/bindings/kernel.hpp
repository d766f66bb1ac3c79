// Kernels of convolutions, dense and recurrent layers, from arrays or functions of Python.
#pragma once

#include <variant>

#include "../packing.hpp"
#include "arrays.hpp"

namespace cnnfast {

// Numbers, or a function that returns rows [first, last) of the last axis, asked for a few
// at a time or all `at_once`. It is called again for each form that its kernel is packed in.
using KernelSource = std::variant<WeightArray, py::function>;

// A kernel and its shape, which the sizes of a step must agree with.
struct BoundKernel {
  SharedKernel kernel;
  Dims shape;

  BoundKernel(const KernelSource& source, Dims dims, bool at_once = false);
};

// A kernel that plans share, or the source of one that this step has for itself.
using GivenKernel = std::variant<const BoundKernel*, WeightArray, py::function>;

// Of this shape; std::invalid_argument for another one.
SharedKernel kernel_of(const GivenKernel& given, const Dims& shape);

}  // namespace cnnfast
