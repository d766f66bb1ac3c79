// Compiled once per instruction set, with CNNFAST_ISA (its name as an identifier) and
// CNNFAST_VECTOR_BYTES; exports one table and nothing else.
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
#include "winograd.hpp"

#define CNNFAST_JOIN_(a, b) a##b
#define CNNFAST_JOIN(a, b) CNNFAST_JOIN_(a, b)
#define CNNFAST_TEXT_(a) #a
#define CNNFAST_TEXT(a) CNNFAST_TEXT_(a)

namespace cnnfast {

extern const Kernels CNNFAST_JOIN(kernels_, CNNFAST_ISA);
const Kernels CNNFAST_JOIN(kernels_, CNNFAST_ISA) = {
    .name = CNNFAST_TEXT(CNNFAST_ISA),
    .tuning = {.lanes = kLanes,
               .tile_rows = kTileRows,
               .tile_vectors = kTileVectors,
               .chunk_depth = static_cast<std::int32_t>(kChunkDepth),
               .input_block_bytes = 256 * 1024,
               .row_block_bytes = 256 * 1024,
               .band_bytes = 512 * 1024,
               .flops_per_byte = 5.0,
               .cached_weight_bytes = 1024 * 1024,
               .transform_flops = 10.0,
               .line_transform_flops = 25.0,
               .short_sum_flops = 12.0,
               .most_joined = 4,
               .rows_to_pack = 4,
               .products_to_pack = 1024,
               .sequences_together = 24,
               .large_image_bytes = 1024 * 1024,
               .huge_image_bytes = 64 * 1024 * 1024,
               .light_weight_bytes = 64 * 1024,
               .light_last_bytes = 512 * 1024},
    .conv = conv,
    .winograd = {kWinograd<2, 2, 3, 3>, kWinograd<4, 4, 3, 3>, kWinograd<2, 2, 5, 5>,
                 kWinograd<1, 4, 1, 3>, kWinograd<4, 1, 3, 1>, kWinograd<1, 2, 1, 5>,
                 kWinograd<2, 1, 5, 1>},
    .gemv = {gemv<Float32>, gemv<Float16>, gemv<Bfloat16>},
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

}  // namespace cnnfast
