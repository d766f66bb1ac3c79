// What a forked child has to know and to find free.
#pragma once

#include <mutex>

namespace cnnfast {

// Whether this process was forked from one that had loaded the core. libgomp's worker threads do
// not survive a fork, and a child that waits for them hangs: it runs with one thread.
bool is_forked_child();

// Guards the short changes of what runs share: pools of workspaces, the store of packed weights.
// One for all, because it is held during a fork: another thread that held it would not exist in
// the child to release it.
std::mutex& shared_state_mutex();

}  // namespace cnnfast
