// As POSIX has it, for systems without words of their own.
#include <cstdlib>

#include "../layout.hpp"
#include "memory.hpp"

namespace cnnfast {

void* allocate(std::size_t bytes) {
  void* data = nullptr;
  return posix_memalign(&data, kAlignment, bytes) == 0 ? data : nullptr;
}

void release(void* data, std::size_t /*bytes*/) { std::free(data); }

}  // namespace cnnfast
