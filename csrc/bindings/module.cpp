// The extension module. Only the files of this folder include pybind11.
#include "bindings.hpp"

using namespace cnnfast;

namespace {

bool in_main_interpreter() { return PyInterpreterState_Get() == PyInterpreterState_Main(); }

constexpr const char* kMainOnly =
    "cnnfast runs in the main interpreter of a process only. Received: an import in a "
    "subinterpreter; use a process of its own, or a thread";

}  // namespace

// Runs share only what csrc guards by locks of its own; a builder belongs to one thread.
PYBIND11_MODULE(core, m, py::mod_gil_not_used(), py::multiple_interpreters::not_supported()) {
  if (!in_main_interpreter()) throw py::import_error(kMainOnly);
  m.attr("__version__") = CNNFAST_VERSION;
  bind_enums(m);
  bind_kernel(m);
  bind_plan(m);
  bind_builder(m);
  bind_machine(m);
}

// Before Python 3.12, pybind11 itself waits for ever in a subinterpreter; from 3.13 on the main
// interpreter may call this for another.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that Python calls
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (in_main_interpreter()) return PyInit_core();
  PyErr_SetString(PyExc_ImportError, kMainOnly);
  return nullptr;
}
