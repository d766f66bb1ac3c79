#include "cpu.hpp"

#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cnnfast {

// Each is there where CMakeLists.txt builds it, and says so: CNNFAST_HAS_ and its name. Those with
// products of bytes have the float32 kernels of the instruction set without.
extern const Kernels kernels_avx512;
extern const Kernels kernels_avx2;
extern const Kernels kernels_avx2_wide;
extern const Kernels kernels_x86_64_v2;
extern const Kernels kernels_neon;
extern const Kernels kernels_portable;
extern const QuantizedKernels quantized_kernels_avx512_vnni;
extern const QuantizedKernels quantized_kernels_avx512;
extern const QuantizedKernels quantized_kernels_avx2_vnni;
extern const QuantizedKernels quantized_kernels_avx2;
extern const QuantizedKernels quantized_kernels_avx2_wide;
extern const QuantizedKernels quantized_kernels_x86_64_v2;
extern const QuantizedKernels quantized_kernels_neon;
extern const QuantizedKernels quantized_kernels_portable;
extern const Bfloat16Kernels kernels_avx512_bf16;

namespace {

struct Isa {
  const Kernels* kernels;
  const QuantizedKernels* quantized;
  bool (*runs_here)();

  const char* name() const { return quantized->name; }
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

[[maybe_unused]] bool has_avx2_vnni() {
  constexpr unsigned kAvxVnni = 1U << 4;  // EAX of leaf 7, subleaf 1
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnni) != 0;
}

[[maybe_unused]] bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

[[maybe_unused]] bool has_avx512_vnni() {
  return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

// By its bit, too.
[[maybe_unused]] bool has_avx512_bf16() {
  constexpr unsigned kBit = 1U << 5;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return has_avx512() && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kBit) != 0;
}

[[maybe_unused]] bool has_x86_64_v2() {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}
#endif

// Best first. avx2_wide is the 64-byte source on AVX2: slow, large and built for tests alone, so
// that the AVX-512 logic can be tested on any x86-64 machine with AVX2.
const Isa kIsas[] = {
#ifdef CNNFAST_HAS_avx512_vnni
    {&kernels_avx512, &quantized_kernels_avx512_vnni, has_avx512_vnni},
#endif
#ifdef CNNFAST_HAS_avx512
    {&kernels_avx512, &quantized_kernels_avx512, has_avx512},
#endif
#ifdef CNNFAST_HAS_avx2_vnni
    {&kernels_avx2, &quantized_kernels_avx2_vnni, has_avx2_vnni},
#endif
#ifdef CNNFAST_HAS_avx2
    {&kernels_avx2, &quantized_kernels_avx2, has_avx2},
#endif
#ifdef CNNFAST_HAS_x86_64_v2
    {&kernels_x86_64_v2, &quantized_kernels_x86_64_v2, has_x86_64_v2},
#endif
#ifdef CNNFAST_HAS_neon
    {&kernels_neon, &quantized_kernels_neon, always},
#endif
#ifdef CNNFAST_HAS_portable
    {&kernels_portable, &quantized_kernels_portable, always},
#endif
#ifdef CNNFAST_HAS_avx2_wide
    {&kernels_avx2_wide, &quantized_kernels_avx2_wide, has_avx2},
#endif
};

const Isa& choose() {
  const char* wanted = std::getenv("CNNFAST_ISA");
  const bool forced = wanted != nullptr && *wanted != '\0';
  std::string names;
  for (const Isa& isa : kIsas) {
    if (!isa.runs_here()) continue;
    if (!forced || std::string(wanted) == isa.name()) return isa;
    names += std::string(names.empty() ? "" : ", ") + isa.name();
  }
  throw std::invalid_argument("CNNFAST_ISA must be one of " + names +
                              " on this machine. Received: " + wanted);
}

const Isa& chosen() {
  static const Isa& isa = choose();
  return isa;
}

const Isa& isa_of(const std::string& name) {
  for (const Isa& isa : kIsas) {
    if (name == isa.name() && isa.runs_here()) return isa;
  }
  throw std::out_of_range(name);
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Isa& isa : kIsas) {
    if (isa.runs_here()) names.emplace_back(isa.name());
  }
  return names;
}

const Kernels& kernels() {
  static const Kernels& kernels = *chosen().kernels;
  return kernels;
}

const Bfloat16Kernels& bfloat16_kernels_of(const Kernels& kernels) {
#ifdef CNNFAST_HAS_avx512_bf16
  static const bool pairs = has_avx512_bf16();
  if (pairs && &kernels == &kernels_avx512) return kernels_avx512_bf16;
#endif
  return kernels.bfloat16;
}

const QuantizedKernels& quantized_kernels() {
  static const QuantizedKernels& kernels = *chosen().quantized;
  return kernels;
}

const char* isa_in_use() { return chosen().name(); }

const Kernels& kernels_of(const std::string& isa) { return *isa_of(isa).kernels; }

const QuantizedKernels& quantized_kernels_of(const std::string& isa) {
  return *isa_of(isa).quantized;
}

}  // namespace cnnfast
