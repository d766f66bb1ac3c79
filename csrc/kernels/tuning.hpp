// The numbers that are tuned to an instruction set or a processor: first those that the kernels of
// this object are compiled with, then the record for the steps.
#pragma once

#include "simd.hpp"
#include "table.hpp"

namespace {

// The register tile. 32 registers (AVX-512): 14 x 2 sums, 2 weights, 1 input. 16 registers: 6 x 2,
// 2 and 1. NEON has 32, and loads are what it has fewest of: 6 x 4. Of evenly spaced pixels and one
// vector kEvenRows: six sums would wait for themselves.
#if CNNFAST_VECTOR_BYTES == 64
constexpr int kTileRows = 14;
constexpr int kTileVectors = 2;
constexpr int kEvenRows = 14;
#elif defined(__aarch64__)
constexpr int kTileRows = 6;
constexpr int kTileVectors = 4;
constexpr int kEvenRows = 0;
#else
constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;
constexpr int kEvenRows = 12;
#endif
constexpr int kMostRows = kEvenRows > kTileRows ? kEvenRows : kTileRows;
constexpr std::int64_t kChunkDepth = 512;
constexpr std::int64_t kLineFloats = 16;  // of a cache line
static_assert((kTileRows + 1) * kTileVectors + 1 <= (kTileRows * kTileVectors > 12 ? 32 : 16));

// Vectors of sums that are under way at once, to hide their latency.
constexpr int kSumsUnderWay = 8;

// A few rows at a time: what is written of a column block is then whole lines one after the other.
constexpr std::int64_t kPackedRows = 8;

// Of 16 registers a 5 x 5 window takes 5 for a row of weights, 1 for an input and 8 for sums.
constexpr int kDepthwisePixels = 8;

// Done for all rows together: their weights and the rows of inputs that windows share stay in the
// L1, and each pixel's are enough cache lines in a row for the prefetcher.
constexpr std::int64_t kDepthwiseChannels = 64;

// Floats of pooled columns at a time, which stay in the L1.
constexpr std::int64_t kPooledFloats = 1024;

// Up to so many units and sequences of a recurrent layer, one sequence after the other takes less
// time than all together.
constexpr std::int64_t kSmallUnits = 24;
constexpr std::int64_t kFewSequences = 3;

constexpr cnnfast::Tuning kTuning = {
    .lanes = kLanes,
    .tile_rows = kTileRows,
    .tile_vectors = kTileVectors,
    .chunk_depth = static_cast<std::int32_t>(kChunkDepth),
    .packed_rows = static_cast<std::int32_t>(kPackedRows),
    .long_row = 256,
    .few_channels = 16,
    .reduced_columns = 64,
    .input_panel_bytes = 256 * 1024,
    .row_panel_bytes = 256 * 1024,
    .band_bytes = 512 * 1024,
    .l2_kept = 0.5,
    .l2_small = 0.25,
    .l2_tiles = 0.2,
    .l2_tiles_alone = 0.7,
    .shared_cache_bytes = 8 * 1024 * 1024,
    .flops_per_byte = 5.0,
    .cached_weight_bytes = 1024 * 1024,
    .transform_flops = 10.0,
    .line_transform_flops = 25.0,
    .short_sum_flops = 12.0,
    .most_joined = 4,
    .batched_weight_bytes = 256 * 1024,
    .rows_to_pack = 4,
    .products_to_pack = 1024,
    .sequences_together = 24,
    .large_image_bytes = 1024 * 1024,
    .huge_image_bytes = 64 * 1024 * 1024,
    .light_weight_bytes = 64 * 1024,
    .light_last_bytes = 512 * 1024,
    .flops_per_second = 60e9,
    .bytes_per_second = 20e9,
    .wake_seconds = 15e-6,
    .strip_floats = 16 * 1024,
    .slow_flops_per_second = 10e9,
    .slow_bytes_per_second = 2e9,
};

}  // namespace
