// Which instruction sets were compiled in, which this machine can run, which one is used.
#pragma once

#include <string>
#include <vector>

#include "kernels/table.hpp"

namespace cnnfast {

// Compiled in and runnable here, best first.
std::vector<std::string> available_isas();

// The kernels in use: the best available, or what CNNFAST_ISA names. Throws
// std::invalid_argument where that is unknown here.
const Kernels& kernels();
// Those of one of available_isas(), for tests; std::out_of_range for another name.
const Kernels& kernels_of(const std::string& isa);

}  // namespace cnnfast
