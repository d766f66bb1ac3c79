// The machine and the process: instruction sets, threads, memory that is shared.
#include "../machine.hpp"

#include "../cpu.hpp"
#include "../digest.hpp"
#include "../packing.hpp"
#include "../platform/affinity.hpp"
#include "../threading/threading.hpp"
#include "../workspaces.hpp"
#include "bindings.hpp"
#include "gil.hpp"

namespace cnnfast {

namespace {

using ByteArray = py::array_t<std::uint8_t, py::array::c_style>;
using WordArray = py::array_t<std::uint64_t, py::array::c_style>;

std::vector<std::string> threading_names() {
  std::vector<std::string> names;
  for (const Threading one : threadings()) names.push_back(name_of(one));
  return names;
}

void set_threading_by(const std::string& name) {
  for (const Threading one : threadings()) {
    if (name_of(one) == name) return set_threading(one);
  }
  throw std::invalid_argument("there is no threading of that name");
}

WordArray digests_of(const ByteArray& data, std::size_t block, std::uint64_t seed) {
  if (block == 0) throw std::invalid_argument("a block must have at least one byte");
  const auto size = static_cast<std::size_t>(data.size());
  WordArray result(static_cast<py::ssize_t>(size / block + (size % block != 0)));
  const std::span bytes(reinterpret_cast<const std::byte*>(data.data()), size);
  const std::span words(result.mutable_data(), static_cast<std::size_t>(result.size()));
  const WithoutGil without;
  digest_blocks(bytes, block, seed, words);
  return result;
}

}  // namespace

void bind_machine(py::module_& m) {
  m.def("isa", [] { return std::string(isa_in_use()); });
  m.def("available_isas", &available_isas);
  m.def("threadings", &threading_names);
  m.def("threading", [] { return name_of(threading()); });
  m.def("set_threading", &set_threading_by, py::arg("name"));
  m.def("allowed_processors", &allowed_processors);
  m.def("digest_blocks", &digests_of, py::arg("data").noconvert(), py::arg("block"),
        py::arg("seed"));
  m.def("packed_bytes", &packed_bytes);
  m.def("workspace_limit", &workspace_limit);
  m.def("set_workspace_limit", &set_workspace_limit, py::arg("bytes"));
  m.def("idle_workspace_bytes", &idle_workspace_bytes);
  m.def("release_idle_workspaces", &release_idle_workspaces);
  m.def("fma_peak", &fma_peak, py::arg("seconds"), py::arg("threads") = 1,
        py::call_guard<WithoutGil>());
  m.def("read_peak", &read_peak, py::arg("bytes"), py::arg("seconds"), py::arg("threads") = 1,
        py::call_guard<WithoutGil>());
}

}  // namespace cnnfast
