#include <malloc.h>

#include "../layout.hpp"
#include "memory.hpp"

namespace cnnfast {

void* allocate(std::size_t bytes) { return _aligned_malloc(bytes, kAlignment); }

void release(void* data, std::size_t /*bytes*/) { _aligned_free(data); }

}  // namespace cnnfast
