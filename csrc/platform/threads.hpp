// Threads beyond what the standard library says of them.
#pragma once

#include <functional>
#include <vector>

namespace cnnfast {

// In a loop that waits for another thread: lets the processor do something else for a moment.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Starts a thread that nobody joins, on `processors` as `let_run_on` takes them. Throws a
// std::exception where the system gives none.
void start_thread(std::function<void()> work, const std::vector<int>& processors);

}  // namespace cnnfast
