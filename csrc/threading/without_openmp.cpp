#include "openmp.hpp"

#if defined(_WIN32)
#define CNNFAST_EXPORT __declspec(dllexport)
#else
#define CNNFAST_EXPORT __attribute__((visibility("default")))
#endif

namespace {

thread_local int limit = cnnfast::kMostThreads;

}  // namespace

// For threadpoolctl, which finds a library's functions by their names.
extern "C" {
CNNFAST_EXPORT int cnnfast_get_thread_limit() { return limit; }
CNNFAST_EXPORT void cnnfast_set_thread_limit(int threads) { limit = threads < 1 ? 1 : threads; }
}

namespace cnnfast {

const bool kHasOpenMP = false;

bool run_in_region(Job& /*job*/, int /*threads*/) { return false; }

int thread_limit() { return limit; }

}  // namespace cnnfast
