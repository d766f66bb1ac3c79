// As POSIX has it, for systems without words of their own.
#include <pthread.h>

#include "fork.hpp"

namespace cnnfast {

void around_forks(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  pthread_atfork(before, in_parent, in_child);
}

bool began_as_a_fork() noexcept { return false; }

}  // namespace cnnfast
