#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "affinity.hpp"

namespace cnnfast {

namespace {

constexpr std::size_t kMostProcessors = 8192;  // of any Linux

// A set of processors, as the system has it.
class Processors {
 public:
  static Processors of_this_thread() {
    Processors all;
    if (sched_getaffinity(0, kBytes, all.words_.data()) != 0) return {};
    return all;
  }

  void add(int number) {
    if (number >= 0) CPU_SET_S(static_cast<std::size_t>(number), kBytes, words_.data());
  }
  std::vector<int> numbers() const {
    std::vector<int> all;
    for (std::size_t i = 0; i < kMostProcessors; ++i) {
      if (CPU_ISSET_S(i, kBytes, words_.data())) all.push_back(static_cast<int>(i));
    }
    return all;
  }
  const cpu_set_t* words() const { return words_.data(); }

  static constexpr std::size_t kBytes = kMostProcessors / 8;

 private:
  std::array<cpu_set_t, kBytes / sizeof(cpu_set_t)> words_ = {};
};

// Whether the user has asked for threads that are bound. The runtimes are not asked otherwise: one
// that nobody has used yet would start.
bool asks_for_binding() {
  constexpr std::array kNames = {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY",
                                 "KMP_AFFINITY"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [](const char* name) { return std::getenv(name) != nullptr; });
}

// What an OpenMP runtime tells of its places. None of it binds the thread that asks.
struct Runtime {
  int (*place_count)();
  int (*processor_count)(int);
  void (*processors)(int, int*);

  std::vector<int> place(int number) const {
    std::vector<int> all(static_cast<std::size_t>(std::max(processor_count(number), 0)));
    if (!all.empty()) processors(number, all.data());
    std::sort(all.begin(), all.end());
    return all;
  }
};

std::vector<std::string> loaded_libraries() {
  std::vector<std::string> names;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* to) {
        static_cast<std::vector<std::string>*>(to)->emplace_back(info->dlpi_name);
        return 0;
      },
      &names);
  return names;
}

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

// A process may hold several runtimes: torch and scikit-learn bring theirs.
std::vector<Runtime> runtimes() {
  std::vector<Runtime> all;
  for (const std::string& path : loaded_libraries()) {
    if (path.substr(path.rfind('/') + 1).find("omp") == std::string::npos) continue;
    void* const library = dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    Runtime runtime = {};
    if (find(library, "omp_get_num_places", runtime.place_count) &&
        find(library, "omp_get_place_num_procs", runtime.processor_count) &&
        find(library, "omp_get_place_proc_ids", runtime.processors)) {
      all.push_back(runtime);
    }
    dlclose(library);
  }
  return all;
}

}  // namespace

// A runtime that was loaded first has bound the thread and knows all processors; one that came
// later knows those of the first's first place alone.
std::vector<int> processors_of_places() {
  if (!asks_for_binding()) return {};
  const std::vector<int> own = Processors::of_this_thread().numbers();
  std::vector<int> most = own;
  for (const Runtime& runtime : runtimes()) {
    if (runtime.place_count() < 2 || runtime.place(0) != own) continue;
    Processors all;
    for (int i = 0; i < runtime.place_count(); ++i) {
      for (const int number : runtime.place(i)) all.add(number);
    }
    if (all.numbers().size() > most.size()) most = all.numbers();
  }
  return most == own ? std::vector<int>() : most;
}

std::vector<int> allowed_processors() {
  std::vector<int> all = processors_of_places();
  return all.empty() ? Processors::of_this_thread().numbers() : all;
}

void let_run_on(std::thread::native_handle_type thread, const std::vector<int>& processors) {
  if (processors.empty()) return;
  Processors all;
  for (const int number : processors) all.add(number);
  pthread_setaffinity_np(thread, Processors::kBytes, all.words());
}

void let_this_thread_run_on(const std::vector<int>& processors) {
  let_run_on(pthread_self(), processors);
}

}  // namespace cnnfast
