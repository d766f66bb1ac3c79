// Aligned memory from the system.
#pragma once

#include <cstddef>

namespace cnnfast {

constexpr std::size_t kSmallPage = std::size_t{1} << 16;  // or a part of that
constexpr std::size_t kHugePage = std::size_t{1} << 21;

// Memory that starts on a cache line; null where there is none. `bytes` is a multiple of a cache
// line, or of kSmallPage from kHugePage on: large memory may be mapped by itself.
void* allocate(std::size_t bytes);

// `bytes` as they were asked for.
void release(void* data, std::size_t bytes);

}  // namespace cnnfast
