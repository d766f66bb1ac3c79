// Which threads run a job, and how many.
#pragma once

#include <string>
#include <vector>

#include "job.hpp"

namespace cnnfast {

// Who runs jobs: threads of our own, or those of an OpenMP region for each job. The bits of what
// is run do not depend on it.
enum class Threading { crew, openmp };

// What was compiled in, the default first.
std::vector<Threading> threadings();
std::string name_of(Threading threading);

// For the process, from the next job on; one of `threadings`.
void set_threading(Threading threading);
// What runs the next job: the crew in a process that is a copy of another one, whatever was set. A
// region would wait there for threads that only the other process has.
Threading threading();

// Runs the job on the calling thread, number 0, and at most `threads` - 1 others, which is at most
// kMostThreads: nobody waits for a thread that has no part in hand before the next phase opens.
void run_job(Job& job, int threads);

// At most `threads` and kMostThreads, and no more than the calling thread is limited to, as
// threadpoolctl does; 1 where the system gives no more.
int within_limit(int threads);

}  // namespace cnnfast
