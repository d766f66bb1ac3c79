// Compiled once per instruction set that multiplies pairs of bfloat16, as isa.cpp is; exports what
// such products take and nothing else.
#define CNNFAST_PAIRS
#include "conv_pool.hpp"
#include "winograd.hpp"

#define CNNFAST_JOIN_(a, b) a##b
#define CNNFAST_JOIN(a, b) CNNFAST_JOIN_(a, b)

namespace {

constexpr cnnfast::Bfloat16Kernels table() {
  cnnfast::Bfloat16Kernels all = {Words::kTogether, to_words<Words>, conv, {}};
  list_forms<Words>(all.winograd);
  return all;
}

}  // namespace

namespace cnnfast {

extern const Bfloat16Kernels CNNFAST_JOIN(kernels_, CNNFAST_ISA);
constinit const Bfloat16Kernels CNNFAST_JOIN(kernels_, CNNFAST_ISA) = table();

}  // namespace cnnfast
