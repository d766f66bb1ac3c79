#include "cpu.hpp"

#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cnnfast {

// Each is there where CMakeLists.txt builds it, and says so: CNNFAST_HAS_ and its name.
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx2_wide;
extern const Kernels kernels_x86_64_v2;
extern const Kernels kernels_neon;
extern const Kernels kernels_portable;

namespace {

struct Isa {
  const Kernels* kernels;
  bool (*runs_here)();
};

[[maybe_unused]] bool always() { return true; }

#if defined(__x86_64__)
// By its bit: older compilers do not know the name.
bool has_f16c() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}

[[maybe_unused]] bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

[[maybe_unused]] bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

[[maybe_unused]] bool has_x86_64_v2() {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}
#endif

// Best first. avx2_wide is the 64-byte source on AVX2: slow, large and built for tests alone, so
// that the AVX-512 logic can be tested on any x86-64 machine with AVX2.
const Isa kIsas[] = {
#ifdef CNNFAST_HAS_avx512
    {&kernels_avx512, has_avx512},
#endif
#ifdef CNNFAST_HAS_avx2
    {&kernels_avx2, has_avx2},
#endif
#ifdef CNNFAST_HAS_x86_64_v2
    {&kernels_x86_64_v2, has_x86_64_v2},
#endif
#ifdef CNNFAST_HAS_neon
    {&kernels_neon, always},
#endif
#ifdef CNNFAST_HAS_portable
    {&kernels_portable, always},
#endif
#ifdef CNNFAST_HAS_avx2_wide
    {&kernels_avx2_wide, has_avx2},
#endif
};

const Kernels& choose() {
  const char* wanted = std::getenv("CNNFAST_ISA");
  const bool forced = wanted != nullptr && *wanted != '\0';
  std::string names;
  for (const Isa& isa : kIsas) {
    if (!isa.runs_here()) continue;
    if (!forced || std::string(wanted) == isa.kernels->name) return *isa.kernels;
    names += std::string(names.empty() ? "" : ", ") + isa.kernels->name;
  }
  throw std::invalid_argument("CNNFAST_ISA must be one of " + names +
                              " on this machine. Received: " + wanted);
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : kIsas) {
    if (isa.runs_here()) names.emplace_back(isa.kernels->name);
  }
  return names;
}

const Kernels& kernels_of(const std::string& isa) {
  for (const Isa& one : kIsas) {
    if (isa == one.kernels->name && one.runs_here()) return *one.kernels;
  }
  throw std::out_of_range(isa);
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace cnnfast
