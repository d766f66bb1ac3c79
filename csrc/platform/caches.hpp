// What the system tells of a core's caches.
#pragma once

#include <cstdint>

namespace cnnfast {

// The second level's bytes, asked once; an assumption where the system does not tell.
std::int64_t l2_bytes();

constexpr std::int64_t kAssumedL2Bytes = 512 * 1024;

}  // namespace cnnfast
