// What a forked child has to know and to find free.
#pragma once

#include <mutex>

namespace cnnfast {

// How many forks lie between this process and the one that loaded the core. The threads of one
// process do not survive in the next.
int forks_before_this_process();

// Whether it is a copy of another process, also of one that had not loaded the core. Libraries that
// had threads there may wait for them for ever.
bool is_forked();

// Guards the short changes of what runs share: pools of workspaces, the store of packed weights.
// One for all, because it is held during a fork: another thread that held it would not exist in
// the child to release it.
std::mutex& shared_state_mutex();

}  // namespace cnnfast
