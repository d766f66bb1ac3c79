// The same on every system that has the standard library's threads.
#include "threads.hpp"

#include <thread>
#include <utility>

#include "affinity.hpp"

namespace cnnfast {

void start_thread(std::function<void()> work, const std::vector<int>& processors) {
  std::thread thread(std::move(work));
  let_run_on(thread.native_handle(), processors);
  thread.detach();
}

}  // namespace cnnfast
