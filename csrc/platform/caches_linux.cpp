#include <unistd.h>

#include "caches.hpp"

namespace cnnfast {

std::int64_t l2_bytes() {
  static const std::int64_t found = [] {
#if defined(_SC_LEVEL2_CACHE_SIZE)  // not of every C library
    const std::int64_t told = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (told > 0) return told;
#endif
    return kAssumedL2Bytes;
  }();
  return found;
}

}  // namespace cnnfast
