// What the products of dense rows with packed matrices share.
#pragma once

#include <algorithm>
#include <vector>

#include "../cpu.hpp"
#include "../kernels/column_blocks.hpp"
#include "../kernels/table.hpp"
#include "../platform/caches.hpp"

namespace cnnfast {

// So many products, chunk by chunk.
struct DenseDepth {
  std::vector<Span> spans;
  std::vector<Chunk> chunks;

  DenseDepth(std::int64_t depth, std::int64_t chunk_depth) {
    for (std::int64_t k = 0; k < depth; k += chunk_depth) {
      const auto at = static_cast<std::int32_t>(spans.size());
      spans.push_back({k, std::min(chunk_depth, depth - k)});
      chunks.push_back({at, at + 1, spans.back().length});
    }
  }
};

// Bytes of a core's L2, of which `share` is one that the tuning names.
inline std::int64_t bytes_of_l2(double share) {
  return static_cast<std::int64_t>(share * static_cast<double>(l2_bytes()));
}

// Of a packed matrix for the kernels in use.
inline ColumnBlocks column_blocks(std::int64_t rows, std::int64_t columns) {
  const Tuning& tuning = kernels().tuning;
  return {rows, columns, tuning.lanes, std::int64_t{tuning.tile_vectors} * tuning.lanes};
}

}  // namespace cnnfast
