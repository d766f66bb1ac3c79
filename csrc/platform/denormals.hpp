// Denormal numbers cost a hundred times a normal one: flushed to zero while a plan runs.
#pragma once

#include <cstdint>

namespace cnnfast {

// The register that controls a thread's arithmetic, and what of it flushes denormals.
std::uint64_t float_control();
void set_float_control(std::uint64_t value);
extern const std::uint64_t kFlushDenormals;

// Sets flush-to-zero for the calling thread and restores its control register at the end.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(float_control()) { set_float_control(saved_ | kFlushDenormals); }
  ~FlushDenormals() { set_float_control(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::uint64_t saved_;
};

}  // namespace cnnfast
