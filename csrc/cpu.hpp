// Which instruction sets were compiled in, which this machine can run, which one is used.
#pragma once

#include <string>
#include <vector>

#include "kernels/quantized_table.hpp"
#include "kernels/table.hpp"

namespace cnnfast {

// Compiled in and runnable here, best first.
std::vector<std::string> available_isas();

// The kernels in use: the best available, or what CNNFAST_ISA names. Throws
// std::invalid_argument where that is unknown here.
const Kernels& kernels();
const QuantizedKernels& quantized_kernels();
// What available_isas() calls it.
const char* isa_in_use();
// What products of bfloat16 take beside these kernels: on pairs, where the machine multiplies them.
const Bfloat16Kernels& bfloat16_kernels_of(const Kernels& kernels);
inline const Bfloat16Kernels& bfloat16_kernels() { return bfloat16_kernels_of(kernels()); }
// Those of one of available_isas(), for tests; std::out_of_range for another name.
const Kernels& kernels_of(const std::string& isa);
const QuantizedKernels& quantized_kernels_of(const std::string& isa);

}  // namespace cnnfast
