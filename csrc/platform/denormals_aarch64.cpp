#include "denormals.hpp"

namespace cnnfast {

const std::uint64_t kFlushDenormals = std::uint64_t{1} << 24;  // FZ of FPCR

std::uint64_t float_control() {
  std::uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}

void set_float_control(std::uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value)); }

}  // namespace cnnfast
