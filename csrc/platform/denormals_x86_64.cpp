#include <immintrin.h>

#include "denormals.hpp"

namespace cnnfast {

const std::uint64_t kFlushDenormals = 0x8040;  // FTZ and DAZ of MXCSR

std::uint64_t float_control() { return _mm_getcsr(); }

void set_float_control(std::uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }

}  // namespace cnnfast
