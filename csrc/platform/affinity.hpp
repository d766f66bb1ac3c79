// Which processors threads may run on.
#pragma once

#include <thread>
#include <vector>

namespace cnnfast {

// By number, those that the calling thread may run on; where an OpenMP runtime has bound it to the
// first of its places (OMP_PROC_BIND, OMP_PLACES, GOMP_CPU_AFFINITY), those of all its places,
// which are what the process was given. Empty where the system does not tell.
std::vector<int> allowed_processors();

// The same where the calling thread is bound, and empty where it is not.
std::vector<int> processors_of_places();

// Lets `thread` run on `processors`, as far as the system allows it; as before where there are
// none.
void let_run_on(std::thread::native_handle_type thread, const std::vector<int>& processors);
void let_this_thread_run_on(const std::vector<int>& processors);

}  // namespace cnnfast
