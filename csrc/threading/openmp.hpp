// What the OpenMP runtime does for jobs, where the core is built with one.
#pragma once

#include "job.hpp"

namespace cnnfast {

extern const bool kHasOpenMP;

// Runs the job in one parallel region of at most `threads`. False, and nothing is done, where there
// is no runtime or the system does not give it so many: it would end the process.
bool run_in_region(Job& job, int threads);

// To how many threads the calling one is limited: by omp_set_num_threads where there is a runtime,
// which threadpoolctl calls, else by what the core exports for it; at least kMostThreads where it
// is not, 1 where the system gives no more.
int thread_limit();

}  // namespace cnnfast
