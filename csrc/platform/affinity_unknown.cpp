// For systems that do not tell, or where nobody has made them tell yet.
#include "affinity.hpp"

namespace cnnfast {

std::vector<int> allowed_processors() { return {}; }
std::vector<int> processors_of_places() { return {}; }
void let_run_on(std::thread::native_handle_type /*thread*/,
                const std::vector<int>& /*processors*/) {}
void let_this_thread_run_on(const std::vector<int>& /*processors*/) {}

}  // namespace cnnfast
