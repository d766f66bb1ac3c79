#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "../layout.hpp"
#include "memory.hpp"

namespace cnnfast {

namespace {

// Large blocks start on a huge page: streaming weights then misses the TLB once in 2 MB instead of
// once in 4 KB. Each is mapped by itself, so that it takes no more memory than it needs (a last
// part that fills no huge page takes small ones) and leaves no hole in the heap behind.
void* map_large(std::size_t bytes) {
  constexpr int kAccess = PROT_READ | PROT_WRITE;
  void* const all = mmap(nullptr, bytes + kHugePage, kAccess, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* const first = static_cast<std::byte*>(all);
  const std::size_t front = kHugePage - reinterpret_cast<std::uintptr_t>(first) % kHugePage;
  munmap(first, front);
  if (front < kHugePage) munmap(first + front + bytes, kHugePage - front);
  madvise(first + front, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  return first + front;
}

}  // namespace

void* allocate(std::size_t bytes) {
  return bytes >= kHugePage ? map_large(bytes) : std::aligned_alloc(kAlignment, bytes);
}

void release(void* data, std::size_t bytes) {
  if (bytes >= kHugePage) {
    munmap(data, bytes);
  } else {
    std::free(data);
  }
}

}  // namespace cnnfast
