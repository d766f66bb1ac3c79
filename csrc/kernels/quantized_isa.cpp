// Compiled once per instruction set, as isa.cpp, and once more for those with products of bytes;
// with -ffp-contract=off, so that all of them give the same bits.
#include "look_up.hpp"
#include "quantization.hpp"
#include "quantized_conv.hpp"
#include "quantized_depthwise.hpp"
#include "quantized_elementwise.hpp"
#include "quantized_pool.hpp"

#define CNNFAST_JOIN_(a, b) a##b
#define CNNFAST_JOIN(a, b) CNNFAST_JOIN_(a, b)
#define CNNFAST_TEXT_(a) #a
#define CNNFAST_TEXT(a) CNNFAST_TEXT_(a)

namespace cnnfast {

extern const QuantizedKernels CNNFAST_JOIN(quantized_kernels_, CNNFAST_ISA);
constinit const QuantizedKernels CNNFAST_JOIN(quantized_kernels_, CNNFAST_ISA) = {
    .name = CNNFAST_TEXT(CNNFAST_ISA),
    .lanes = kLanes,
    .tile_rows = kTileRows,
    .tile_vectors = kTileVectors,
    .byte_products = kByteProducts,
    .quantize = quantize,
    .dequantize = dequantize,
    .conv = quantized_conv,
    .quantized_depthwise = quantized_depthwise,
    .quantized_max_pool = quantized_max_pool,
    .quantized_average_pool = quantized_average_pool,
    .quantized_mean = quantized_mean,
    .quantized_add = quantized_pair<SumOfPair>,
    .quantized_multiply = quantized_pair<ProductOfPair>,
    .quantized_affine = quantized_affine,
    .look_up = look_up,
};

}  // namespace cnnfast
