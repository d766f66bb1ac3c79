#include <pthread.h>

#include <exception>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "fork.hpp"

namespace cnnfast {

void around_forks(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  pthread_atfork(before, in_parent, in_child);
}

// The flags are the seventh field behind the name, which stands in parentheses and may hold any
// character. The bit is set from a fork until an exec (PF_FORKNOEXEC in the kernel's sched.h).
bool began_as_a_fork() noexcept {
  try {
    constexpr unsigned long kForkNoExec = 0x40;
    std::ifstream file("/proc/self/stat");
    const std::string all(std::istreambuf_iterator<char>(file), {});
    std::istringstream behind_name(all.substr(all.rfind(')') + 1));
    std::string skipped;
    for (int field = 0; field < 6; ++field) behind_name >> skipped;
    unsigned long flags = 0;
    behind_name >> flags;
    return (flags & kForkNoExec) != 0;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace cnnfast
