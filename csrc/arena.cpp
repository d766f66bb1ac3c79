#include "arena.hpp"

#include <algorithm>
#include <numeric>

namespace cnnfast {

namespace {

bool alive_together(const Lifetime& a, const Lifetime& b) {
  return a.first < b.last && b.first < a.last;
}

// The lowest offset at which `buffer` overlaps none of `placed`, which is sorted by offset.
std::int64_t lowest_gap(const Lifetime& buffer, const std::vector<const Lifetime*>& placed) {
  std::int64_t offset = 0;
  for (const Lifetime* other : placed) {
    if (!alive_together(buffer, *other)) continue;
    if (offset + aligned(buffer.bytes) <= other->offset) break;
    offset = std::max(offset, other->offset + aligned(other->bytes));
  }
  return offset;
}

}  // namespace

std::int64_t place(std::vector<Lifetime>& buffers) {
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return buffers[a].bytes != buffers[b].bytes ? buffers[a].bytes > buffers[b].bytes : a < b;
  });
  std::vector<const Lifetime*> placed;
  std::int64_t total = 0;
  for (const std::size_t i : order) {
    Lifetime& buffer = buffers[i];
    buffer.offset = lowest_gap(buffer, placed);
    total = std::max(total, buffer.offset + aligned(buffer.bytes));
    const auto behind = std::find_if(placed.begin(), placed.end(), [&](const Lifetime* other) {
      return other->offset > buffer.offset;
    });
    placed.insert(behind, &buffer);
  }
  return total;
}

}  // namespace cnnfast
