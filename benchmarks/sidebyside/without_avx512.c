// Hides AVX-512 and AMX from a program that preloads this: the instruction CPUID faults
// (arch_prctl(2), ARCH_SET_CPUID), and the handler answers in its place, without those bits.
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { set_cpuid = 0x1012 };  // ARCH_SET_CPUID
enum { eax, ebx, ecx, edx };

// Bits of leaf 7, Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID.
static const unsigned hidden[2][4] = {
    {[ebx] = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31,
     [ecx] = 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14,
     [edx] = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25},
    {[eax] = 1u << 4 | 1u << 5 | 1u << 21 | 1u << 22 | 1u << 23,
     [edx] = 1u << 4 | 1u << 5 | 1u << 8 | 1u << 10 | 1u << 19},
};

static void let_cpuid_run(long yes) { syscall(SYS_arch_prctl, set_cpuid, yes); }

static void answer(int number, siginfo_t* info, void* context) {
  (void)info;
  greg_t* regs = ((ucontext_t*)context)->uc_mcontext.gregs;
  const unsigned char* at = (const unsigned char*)regs[REG_RIP];
  if (at[0] != 0x0f || at[1] != 0xa2) {
    signal(number, SIG_DFL);  // a fault of another kind: it happens again
    return;
  }
  const unsigned leaf = (unsigned)regs[REG_RAX];
  const unsigned subleaf = (unsigned)regs[REG_RCX];
  unsigned r[4];
  let_cpuid_run(1);
  __cpuid_count(leaf, subleaf, r[eax], r[ebx], r[ecx], r[edx]);
  let_cpuid_run(0);
  for (int i = 0; leaf == 7 && subleaf < 2 && i < 4; ++i) r[i] &= ~hidden[subleaf][i];
  regs[REG_RAX] = r[eax];
  regs[REG_RBX] = r[ebx];
  regs[REG_RCX] = r[ecx];
  regs[REG_RDX] = r[edx];
  regs[REG_RIP] += 2;
}

__attribute__((constructor)) static void start(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, NULL);
  let_cpuid_run(0);
}
