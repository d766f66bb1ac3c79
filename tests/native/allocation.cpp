// Lets each allocation of building and running a plan fail, one after the other: every failure
// must come out as std::bad_alloc, and the plan that is there must run on with the same bits.
#include <cstdio>
#include <cstdlib>
#include <new>

#include <dlfcn.h>
#include <sys/mman.h>

#include "network.hpp"
#include "packing.hpp"
#include "threading/crew.hpp"

namespace {

long countdown = -1;  // allocations until one fails; negative: none does

bool fails() { return countdown >= 0 && countdown-- == 0; }

}  // namespace

// Not inlined, or GCC sees free() for what operator new returned.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (fails()) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

// Take the place of libc's, which blocks of floats come from.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
  using Function = void* (*)(std::size_t, std::size_t);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "aligned_alloc"));
  return fails() ? nullptr : real(alignment, size);
}

extern "C" void* mmap(void* at, std::size_t size, int access, int flags, int file, off_t start) {
  using Function = void* (*)(void*, std::size_t, int, int, int, off_t);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "mmap"));
  return fails() ? MAP_FAILED : real(at, size, access, flags, file, start);
}

int main() {
  using namespace cnnfast;
  using namespace cnnfast::testing;
  constexpr std::int64_t kSize = 24;
  set_idle_time(std::chrono::hours(1));  // a thread that cannot be made again is no error
  const auto kept = make_network(kSize);
  const std::vector<float> expected = run(*kept, 3, 2);
  if (make_bands_network()->steps().size() != 1) return 1;
  int failures = 0;
  for (long allocation = 0;; ++allocation) {
    // Another size, so that nothing but the shared weights is there already.
    countdown = allocation;
    try {
      const auto plan = make_network(kSize - 4);
      run(*plan, 3, 2);
      run(*make_bands_network(), 1, 2);
      const bool untouched = countdown >= 0;
      countdown = -1;
      if (untouched) break;
      std::printf("allocation %ld failed, and nobody said so\n", allocation);
      return 1;
    } catch (const std::bad_alloc&) {
      countdown = -1;
      ++failures;
    }
    if (run(*kept, 3, 2) != expected) {
      std::printf("allocation %ld failed, and changed the bits of another plan\n", allocation);
      return 1;
    }
  }
  if (packed_bytes() == 0) return 1;
  std::printf("%d allocations failed, each with an error\n", failures);
  return failures > 20 ? 0 : 1;
}
