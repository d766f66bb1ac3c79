// Processes that are copies of another one.
#pragma once

namespace cnnfast {

// Has the calls made around each fork of this process: `before` and `in_parent` in the process that
// forks, `in_child` in the new one. Nothing where the system has no forks.
void around_forks(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept;

// Whether the process was a copy of another one already when it loaded the core; false where the
// system does not tell.
bool began_as_a_fork() noexcept;

}  // namespace cnnfast
