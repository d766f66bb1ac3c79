// Compiled once per instruction set, with CNNFAST_ISA (its name as an identifier) and
// CNNFAST_VECTOR_BYTES; exports one table and nothing else.
#include <utility>

#include "binary.hpp"
#include "conv_pool.hpp"
#include "depthwise.hpp"
#include "elementwise.hpp"
#include "gemm.hpp"
#include "gemv.hpp"
#include "matmul.hpp"
#include "pool.hpp"
#include "probe.hpp"
#include "recurrent.hpp"
#include "reduce.hpp"
#include "softmax.hpp"
#include "tuning.hpp"
#include "winograd.hpp"

#define CNNFAST_JOIN_(a, b) a##b
#define CNNFAST_JOIN(a, b) CNNFAST_JOIN_(a, b)
#define CNNFAST_TEXT_(a) #a
#define CNNFAST_TEXT(a) CNNFAST_TEXT_(a)

namespace {

template <int... Elements>
constexpr cnnfast::Kernels table_of(std::integer_sequence<int, Elements...> /*all*/) {
  cnnfast::Kernels table = {
      .name = CNNFAST_TEXT(CNNFAST_ISA),
      .tuning = kTuning,
      .bfloat16 = {RoundedWords::kTogether, to_words<RoundedWords>, conv, {}},
      .conv = conv,
      .winograd = {},
      .gemv = {gemv<Stored<static_cast<Element>(Elements)>>...},
      .pack_columns = pack_columns,
      .multiply_row = multiply_row,
      .max_pool = pool<Maximum>,
      .average_pool = pool<Average>,
      .depthwise = depthwise,
      .recurrent = recurrent,
      .binary = binary,
      .reduce = reduce,
      .normalize = normalize,
      .weighted_sum = weighted_sum,
      .activate = activate,
      .affine = affine,
      .softmax = softmax,
      .fma_chain = fma_chain,
      .read_all = read_all,
  };
  list_forms<Words>(table.winograd);
  list_forms<RoundedWords>(table.bfloat16.winograd);
  return table;
}

}  // namespace

namespace cnnfast {

extern const Kernels CNNFAST_JOIN(kernels_, CNNFAST_ISA);
constinit const Kernels CNNFAST_JOIN(kernels_, CNNFAST_ISA) =
    table_of(std::make_integer_sequence<int, kWidenedElements>());

}  // namespace cnnfast
