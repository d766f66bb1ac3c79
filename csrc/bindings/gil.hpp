// Who holds Python's lock, also where the interpreter ends.
#pragma once

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include <pybind11/pybind11.h>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace cnnfast {

// Returns what `take` does, which takes the GIL. A daemon thread does not get it any more once the
// interpreter ends: Python up to 3.13 ends the thread by force then, through destructors that must
// not fail and frames that hold references. It stays here instead, until the process is gone.
template <class Take>
auto taking_gil(Take take) {
#if defined(__GLIBCXX__)
  try {
    return take();
  } catch (const abi::__forced_unwind&) {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
#else
  return take();
#endif
}

// Of this thread, while it is without the GIL; null while it has it.
inline constinit thread_local PyThreadState* state_without_gil = nullptr;

// The GIL is another thread's as long as this lives.
class WithoutGil {
 public:
  WithoutGil() { state_without_gil = PyEval_SaveThread(); }
  ~WithoutGil() {
    taking_gil([] { PyEval_RestoreThread(std::exchange(state_without_gil, nullptr)); });
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;
};

// The GIL is this thread's as long as this lives, also inside of a WithoutGil. pybind11's own takes
// what the interpreter has torn down already where it ends.
class WithGil {
 public:
  WithGil() : state_(std::exchange(state_without_gil, nullptr)) {
    if (state_ != nullptr) taking_gil([this] { PyEval_RestoreThread(state_); });
  }
  ~WithGil() {
    if (state_ != nullptr) state_without_gil = PyEval_SaveThread();
  }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  PyThreadState* state_;
};

// What Python objects hold, for as long as it is held; given back with the GIL, which whoever packs
// does not have.
template <class Held>
std::shared_ptr<Held> held(Held objects) {
  return {new Held(std::move(objects)), [](Held* last) {
            const WithGil gil;
            delete last;
          }};
}

}  // namespace cnnfast
