// Plans: what they say of themselves, and runs, which Python's signals end.
#include "../plan.hpp"

#include "bindings.hpp"
#include "gil.hpp"
#include "kernel.hpp"

namespace cnnfast {

namespace {

void check_batch(const std::vector<FloatArray>& arrays, const std::vector<Dims>& shapes,
                 std::int64_t images, const char* what) {
  if (arrays.size() != shapes.size()) {
    throw std::invalid_argument(std::string("the plan has another number of ") + what);
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    Dims shape = shapes[i];
    shape.insert(shape.begin(), images);
    data_of(arrays[i], shape, what);
  }
}

struct Batch {
  std::vector<const float*> inputs;
  std::vector<float*> outputs;
  std::int64_t images;
  int threads;
};

void check_threads(int threads) {
  if (threads < 1) throw std::invalid_argument("threads must be positive");
}

Batch batch_of(const Plan& plan, const std::vector<FloatArray>& inputs,
               std::vector<FloatArray>& outputs, int threads, bool useful_only) {
  if (inputs.empty() || inputs[0].ndim() < 1) throw std::invalid_argument("no input");
  check_threads(threads);
  const std::int64_t images = inputs[0].shape(0);
  check_batch(inputs, plan.inputs(), images, "inputs");
  check_batch(outputs, plan.outputs(), images, "outputs");
  if (useful_only) threads = plan.useful_threads(images, threads);
  Batch batch = {{}, {}, images, threads};
  for (const FloatArray& array : inputs) batch.inputs.push_back(array.data());
  for (FloatArray& array : outputs) batch.outputs.push_back(array.mutable_data());
  return batch;
}

// Python's handlers of signals, such as that of Ctrl-C: they run on the main thread, also while a
// long run has it. A run ends where one of them raises.
class SignalHandlers final : public Interrupt {
 public:
  bool asked() noexcept override {
    if (!matters_) return false;
    const WithGil gil;
    raised_ = PyErr_CheckSignals() != 0;
    if (!raised_ && !known_) look_for_thread();
    return raised_;
  }

  // With the GIL: what a handler has raised.
  void rethrow() const {
    if (raised_) throw py::error_already_set();
  }

 private:
  // Another thread runs no handler, and need not ask again for the lock. A signal that comes now is
  // handled here.
  // NOLINTNEXTLINE(bugprone-exception-escape): `restore` throws where it is called twice
  void look_for_thread() noexcept {
    try {
      const py::object thread = py::module_::import("threading").attr("main_thread")();
      matters_ = thread.attr("ident").cast<unsigned long>() == PyThread_get_thread_ident();
      known_ = true;
    } catch (py::error_already_set& error) {
      error.restore();
      raised_ = true;
    }
  }

  bool known_ = false;
  bool matters_ = true;
  bool raised_ = false;
};

void run(const Plan& plan, const std::vector<FloatArray>& inputs, std::vector<FloatArray>& outputs,
         int threads, bool useful_only) {
  const Batch batch = batch_of(plan, inputs, outputs, threads, useful_only);
  SignalHandlers handlers;
  {
    const WithoutGil without;
    plan.run(batch.inputs, batch.outputs, batch.images, batch.threads, &handlers);
  }
  handlers.rethrow();
}

std::vector<double> run_profiled(const Plan& plan, const std::vector<FloatArray>& inputs,
                                 std::vector<FloatArray>& outputs, int threads, bool useful_only) {
  const Batch batch = batch_of(plan, inputs, outputs, threads, useful_only);
  SignalHandlers handlers;
  std::vector<double> seconds;
  {
    const WithoutGil without;
    seconds =
        plan.run_profiled(batch.inputs, batch.outputs, batch.images, batch.threads, &handlers);
  }
  handlers.rethrow();
  return seconds;
}

py::dict costs_of(const StepInfo& step) {
  py::dict costs;
  for (const Candidate& c : step.candidates) costs[c.algorithm] = c.cost;
  return costs;
}

std::int64_t packed_bytes_of(const std::vector<const Plan*>& plans,
                             const std::vector<const BoundKernel*>& kernels) {
  std::vector<SharedKernel> shared;
  shared.reserve(kernels.size());
  for (const BoundKernel* kernel : kernels) shared.push_back(kernel->kernel);
  return Plan::packed_bytes(plans, shared);
}

}  // namespace

void bind_plan(py::module_& m) {
  py::class_<StepInfo>(m, "StepInfo", py::is_final())
      .def_readonly("name", &StepInfo::name)
      .def_readonly("label", &StepInfo::label)
      .def_readonly("algorithm", &StepInfo::algorithm)
      .def_property_readonly("candidates", &costs_of)
      .def_property_readonly("input_shapes", [](const StepInfo& s) { return tuples_of(s.in); })
      .def_property_readonly("output_shape", [](const StepInfo& s) { return tuple_of(s.out); })
      .def_property_readonly("flops", [](const StepInfo& s) { return s.cost.flops; })
      .def_property_readonly("own_flops", [](const StepInfo& s) { return s.cost.own_flops; })
      .def_property_readonly("weight_bytes", [](const StepInfo& s) { return s.cost.weight_bytes; })
      .def_property_readonly("moved_bytes", [](const StepInfo& s) { return s.cost.moved_bytes; })
      .def_readonly("packed_bytes", &StepInfo::packed_bytes)
      .def_readonly("units", &StepInfo::units)
      .def_readonly("images", &StepInfo::images)
      .def_readonly("batched", &StepInfo::batched);
  py::class_<Plan>(m, "Plan", py::is_final())
      .def_property_readonly("input_shapes", [](const Plan& p) { return tuples_of(p.inputs()); })
      .def_property_readonly("output_shapes", [](const Plan& p) { return tuples_of(p.outputs()); })
      .def_property_readonly("steps", [](const Plan& p) { return p.steps(); })
      .def(
          "steps_for",
          [](const Plan& p, std::int64_t images, int threads) {
            check_threads(threads);
            return p.steps(images, threads);
          },
          py::arg("images"), py::arg("threads"))
      .def(
          "useful_threads",
          [](const Plan& p, std::int64_t images, int threads) {
            check_threads(threads);
            return p.useful_threads(images, threads);
          },
          py::arg("images"), py::arg("threads"))
      .def_property_readonly("packed_bytes",
                             [](const Plan& p) { return Plan::packed_bytes({&p}, {}); })
      .def_property_readonly("constant_bytes", &Plan::constant_bytes)
      .def(
          "workspace_bytes",
          [](const Plan& p, std::int64_t images, int threads) {
            check_threads(threads);
            return p.workspace(images, threads);
          },
          py::arg("images"), py::arg("threads"))
      .def("run", &run, py::arg("inputs").noconvert(), py::arg("outputs").noconvert(),
           py::arg("threads"), py::arg("useful_only") = false)
      .def("run_profiled", &run_profiled, py::arg("inputs").noconvert(),
           py::arg("outputs").noconvert(), py::arg("threads"), py::arg("useful_only") = false);
  m.def("packed_bytes_of", &packed_bytes_of, py::arg("plans"), py::arg("kernels") = py::tuple());
}

}  // namespace cnnfast
