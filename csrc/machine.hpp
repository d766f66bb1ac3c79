// What the machine can do at best, measured.
#pragma once

#include <cstdint>

namespace cnnfast {

// GFLOP/s of multiply-adds in registers, `threads` cores together: the best of `seconds`.
double fma_peak(double seconds, int threads);

// GB/s of reading `bytes` again and again, shared among `threads`: the best of `seconds`.
double read_peak(std::int64_t bytes, double seconds, int threads);

}  // namespace cnnfast
