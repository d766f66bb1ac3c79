#include <windows.h>

#include <vector>

#include "caches.hpp"

namespace cnnfast {

std::int64_t l2_bytes() {
  static const std::int64_t found = [] {
    DWORD bytes = 0;
    GetLogicalProcessorInformation(nullptr, &bytes);
    std::vector<SYSTEM_LOGICAL_PROCESSOR_INFORMATION> all(bytes / sizeof all[0]);
    if (!all.empty() && GetLogicalProcessorInformation(all.data(), &bytes) != 0) {
      for (const auto& one : all) {
        if (one.Relationship == RelationCache && one.Cache.Level == 2) {
          return std::int64_t{one.Cache.Size};
        }
      }
    }
    return kAssumedL2Bytes;
  }();
  return found;
}

}  // namespace cnnfast
