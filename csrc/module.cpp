// The only file that includes pybind11: convert, release the GIL, call.
#include <array>
#include <chrono>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>

#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

#include "cpu.hpp"
#include "digest.hpp"
#include "machine.hpp"
#include "ops/ops.hpp"
#include "packing.hpp"
#include "plan.hpp"
#include "platform/affinity.hpp"
#include "threading/threading.hpp"
#include "workspaces.hpp"

namespace py = pybind11;
using namespace cnnfast;

namespace {

using FloatArray = py::array_t<float, py::array::c_style>;
// Weights may be views of a file that the user mapped, at any byte: not aligned, they are copied.
constexpr int aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
using WeightArray = py::array_t<float, py::array::c_style | aligned>;
using IntArray = py::array_t<std::int32_t, py::array::c_style>;
using Pair = std::array<std::int64_t, 2>;
using WindowNumbers = std::tuple<Pair, Pair, Pair, std::array<std::int64_t, 4>>;
using ActivationNumbers = std::tuple<ActivationKind, float, float>;

Window window_of(const WindowNumbers& numbers) {
  const auto& [size, strides, dilation, pads] = numbers;
  return {size[0],
          size[1],
          strides[0],
          strides[1],
          dilation[0],
          dilation[1],
          {pads[0], pads[1], pads[2], pads[3]}};
}

Activation activation_of(const ActivationNumbers& numbers) {
  return {std::get<0>(numbers), std::get<1>(numbers), std::get<2>(numbers)};
}

template <class T>
std::vector<T> vector_of(const py::array_t<T, py::array::c_style>& array) {
  return {array.data(), array.data() + array.size()};
}

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
thread_local PyThreadState* state_without_gil = nullptr;

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

// The data of a C-contiguous array of this shape; std::invalid_argument for another shape.
template <int flags>
const float* data_of(const py::array_t<float, flags>& array, const Dims& shape, const char* what) {
  const bool fits = static_cast<std::size_t>(array.ndim()) == shape.size() &&
                    std::equal(shape.begin(), shape.end(), array.shape());
  if (!fits) throw std::invalid_argument(std::string(what) + " has another shape than its step");
  return array.data();
}

const float* channels_of(const std::optional<WeightArray>& array, const Dims& out,
                         const char* what) {
  return array ? data_of(*array, {out.back()}, what) : nullptr;
}

// What Python objects hold, for as long as it is held; given back with the GIL, which whoever packs
// does not have.
template <class Held>
std::shared_ptr<Held> held(Held objects) {
  return {new Held(std::move(objects)), [](Held* last) {
            const WithGil gil;
            delete last;
          }};
}

KernelRows::Numbers numbers_of(WeightArray array, const Dims& shape) {
  const float* const numbers = data_of(array, shape, "kernel");
  return {held(std::move(array)), numbers};
}

// Numbers, or a function that returns rows `first` to `last - 1` of the last axis, asked for a few
// at a time or all `at_once`. It is called again for each form that its kernel is packed in.
using KernelSource = std::variant<WeightArray, py::function>;

// A kernel and its shape, which the sizes of a step must agree with.
struct BoundKernel {
  SharedKernel kernel;
  Dims shape;

  BoundKernel(const KernelSource& source, Dims dims, bool at_once = false)
      : kernel(rows_of(source, dims, at_once)), shape(std::move(dims)) {}

  static KernelRows rows_of(const KernelSource& source, const Dims& shape, bool at_once) {
    const std::int64_t width = shape.empty() ? 1 : shape.back();
    const std::int64_t rows = count(shape) / std::max<std::int64_t>(width, 1);
    if (const auto* array = std::get_if<WeightArray>(&source)) {
      return {numbers_of(*array, shape), rows, width};
    }
    auto make = [function = held(std::get<py::function>(source)), width](std::int64_t first,
                                                                         std::int64_t last) {
      const WithGil gil;
      return numbers_of(taking_gil([&] { return (*function)(first, last); }).cast<WeightArray>(),
                        {last - first, width});
    };
    return {std::move(make), rows, width, at_once};
  }
};

// A kernel that plans share, or the source of one that this step has for itself.
using GivenKernel = std::variant<const BoundKernel*, WeightArray, py::function>;

SharedKernel kernel_of(const GivenKernel& given, const Dims& shape) {
  if (const auto* bound = std::get_if<const BoundKernel*>(&given)) {
    if ((*bound)->shape != shape) {
      throw std::invalid_argument("kernel has another shape than its step");
    }
    return (*bound)->kernel;
  }
  if (const auto* array = std::get_if<WeightArray>(&given)) {
    return BoundKernel(*array, shape).kernel;
  }
  return BoundKernel(std::get<py::function>(given), shape).kernel;
}

int add_conv2d(PlanBuilder& builder, int x, const Dims& out, const GivenKernel& kernel,
               const std::optional<WeightArray>& bias, const WindowNumbers& numbers,
               std::int64_t groups, const ActivationNumbers& activation,
               std::optional<int> residual, const std::optional<WeightArray>& scale,
               const std::optional<WeightArray>& shift, bool max_pool) {
  const Dims& in = builder.dims(x);
  const Window window = window_of(numbers);
  if (in.size() != 3 || out.size() != 3 || groups < 1) {
    throw std::invalid_argument("conv2d maps (height, width, channels) to the same");
  }
  if (residual && builder.dims(*residual) != out) {
    throw std::invalid_argument("a residual has the shape of the output");
  }
  if (scale.has_value() != shift.has_value()) {
    throw std::invalid_argument("scale and shift go together");
  }
  const Dims shape = {window.height, window.width, in[2] / groups, out[2]};
  ConvSpec spec = {in,
                   out,
                   window,
                   groups,
                   kernel_of(kernel, shape),
                   channels_of(bias, out, "bias"),
                   activation_of(activation)};
  spec.residual = residual.has_value();
  spec.scale = channels_of(scale, out, "scale");
  spec.shift = channels_of(shift, out, "shift");
  spec.winograd = builder.winograd();
  spec.max_pool = max_pool;
  spec.weight_dtype = builder.weight_dtype();
  std::vector<int> inputs = {x};
  if (residual) inputs.push_back(*residual);
  const WithoutGil without;  // packing takes its time
  return builder.add(make_conv2d(spec), std::move(inputs), out);
}

int add_depthwise_conv2d(PlanBuilder& builder, int x, const Dims& out, const GivenKernel& given,
                         const std::optional<WeightArray>& bias, const WindowNumbers& numbers,
                         const ActivationNumbers& activation) {
  const Dims& in = builder.dims(x);
  const Window window = window_of(numbers);
  if (in.size() != 3 || out.size() != 3 || out[2] % in[2] != 0) {
    throw std::invalid_argument("the input channels must divide the output channels");
  }
  const Dims shape = {window.height, window.width, in[2], out[2] / in[2]};
  const SharedKernel kernel = kernel_of(given, shape);
  const float* shift = bias ? data_of(*bias, {out[2]}, "bias") : nullptr;
  const WithoutGil without;
  return builder.add(
      make_depthwise_conv2d(in, out, window, kernel, shift, activation_of(activation)), {x}, out);
}

int add_pool2d(PlanBuilder& builder, int x, const Dims& out, PoolKind kind,
               const WindowNumbers& window) {
  return builder.add(make_pool2d(builder.dims(x), out, window_of(window), kind), {x}, out);
}

int add_affine(PlanBuilder& builder, int x, const WeightArray& scale, const WeightArray& shift,
               const ActivationNumbers& activation) {
  const Dims in = builder.dims(x);
  if (in.empty()) throw std::invalid_argument("affine needs a channel axis");
  const Dims channels = {in.back()};
  return builder.add(make_affine(in, data_of(scale, channels, "scale"),
                                 data_of(shift, channels, "shift"), activation_of(activation)),
                     {x}, in);
}

int add_activate(PlanBuilder& builder, int x, const ActivationNumbers& activation) {
  const Dims in = builder.dims(x);
  return builder.add(make_activate(in, activation_of(activation)), {x}, in);
}

int add_softmax(PlanBuilder& builder, int x) {
  const Dims in = builder.dims(x);
  return builder.add(make_softmax(in), {x}, in);
}

int add_normalize(PlanBuilder& builder, int x, NormalizationKind kind, float epsilon) {
  const Dims in = builder.dims(x);
  return builder.add(make_normalize(in, kind, epsilon), {x}, in);
}

int add_binary(PlanBuilder& builder, int x, int y, const Dims& out, BinaryKind kind) {
  return builder.add(make_binary(builder.dims(x), builder.dims(y), out, kind), {x, y}, out);
}

int add_matmul(PlanBuilder& builder, int x, int y, const Dims& out) {
  return builder.matmul(x, y, out);
}

int add_constant(PlanBuilder& builder, const std::variant<const BoundKernel*, WeightArray>& given) {
  if (const auto* bound = std::get_if<const BoundKernel*>(&given)) {
    return builder.constant((*bound)->kernel, (*bound)->shape);
  }
  const auto& array = std::get<WeightArray>(given);
  const Dims shape(array.shape(), array.shape() + array.ndim());
  return builder.constant(BoundKernel(array, shape).kernel, shape);
}

int add_remap(PlanBuilder& builder, int x, const Dims& out,
              const std::vector<std::optional<IntArray>>& indices, float fill) {
  std::vector<AxisMap> maps;
  maps.reserve(indices.size());
  for (const auto& axis : indices) {
    maps.push_back(axis ? AxisMap(vector_of(*axis)) : std::nullopt);
  }
  return builder.add(make_remap(builder.dims(x), out, std::move(maps), fill), {x}, out);
}

int add_resample(PlanBuilder& builder, int x, const Dims& out, int axis,
                 const std::tuple<IntArray, FloatArray>& taps) {
  const auto& [indices, weights] = taps;
  return builder.add(
      make_resample(builder.dims(x), out, axis, vector_of(indices), vector_of(weights)), {x}, out);
}

int add_recurrent(PlanBuilder& builder, int x, RecurrentKind kind, std::int64_t units,
                  const GivenKernel& kernel, const std::optional<WeightArray>& bias,
                  const ActivationNumbers& activation,
                  const ActivationNumbers& recurrent_activation, bool backwards) {
  const Dims& in = builder.dims(x);
  if (in.size() != 2) throw std::invalid_argument("a recurrent step reads (time, gates * units)");
  const float* shift = bias ? data_of(*bias, {in[1]}, "bias") : nullptr;
  auto step =
      make_recurrent(in, units, kind, kernel_of(kernel, {units, in[1]}), shift,
                     activation_of(activation), activation_of(recurrent_activation), backwards);
  return builder.add(std::move(step), {x}, {in[0], units});
}

int add_depth_to_space(PlanBuilder& builder, int x, const Dims& out) {
  return builder.add(make_depth_to_space(builder.dims(x), out), {x}, out);
}

int add_transpose(PlanBuilder& builder, int x, const std::vector<int>& axes) {
  const Dims& in = builder.dims(x);
  auto step = make_transpose(in, axes);
  Dims out;
  for (const int axis : axes) out.push_back(in[static_cast<std::size_t>(axis)]);
  return builder.add(std::move(step), {x}, out);
}

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

py::tuple tuple_of(const Dims& dims) { return py::tuple(py::cast(dims)); }

py::tuple tuples_of(const std::vector<Dims>& shapes) {
  py::tuple result(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) result[i] = tuple_of(shapes[i]);
  return result;
}

void bind_activations(py::module_& m) {
  using K = ActivationKind;
  py::native_enum<K>(m, "ActivationKind", "enum.Enum")
      .value("LINEAR", K::linear)
      .value("RELU", K::relu)
      .value("CLIPPED_RELU", K::clipped_relu)
      .value("LEAKY_RELU", K::leaky_relu)
      .value("THRESHOLDED_RELU", K::thresholded_relu)
      .value("MINIMUM", K::minimum)
      .value("ELU", K::elu)
      .value("SELU", K::selu)
      .value("CELU", K::celu)
      .value("GELU", K::gelu)
      .value("GELU_TANH", K::gelu_tanh)
      .value("SIGMOID", K::sigmoid)
      .value("HARD_SIGMOID", K::hard_sigmoid)
      .value("SILU", K::silu)
      .value("HARD_SILU", K::hard_silu)
      .value("TANH", K::tanh)
      .value("EXP", K::exp)
      .value("SOFTPLUS", K::softplus)
      .value("SOFTSIGN", K::softsign)
      .value("MISH", K::mish)
      .value("SQUAREPLUS", K::squareplus)
      .value("SOFT_SHRINK", K::soft_shrink)
      .value("HARD_SHRINK", K::hard_shrink)
      .value("HARD_TANH", K::hard_tanh)
      .value("TANH_SHRINK", K::tanh_shrink)
      .value("LOG_SIGMOID", K::log_sigmoid)
      .value("SPARSE_PLUS", K::sparse_plus)
      .value("SPARSE_SIGMOID", K::sparse_sigmoid)
      .value("THRESHOLD", K::threshold)
      .value("ABS", K::abs)
      .value("SQUARE", K::square)
      .value("SQRT", K::sqrt)
      .value("RSQRT", K::rsqrt)
      .value("RECIPROCAL", K::reciprocal)
      .value("LOG", K::log)
      .value("LOG1P", K::log1p)
      .value("EXPM1", K::expm1)
      .value("SIN", K::sin)
      .value("COS", K::cos)
      .value("FLOOR", K::floor)
      .value("CEIL", K::ceil)
      .value("ROUND", K::round)
      .value("SIGN", K::sign)
      .value("ERF", K::erf)
      .value("SCALE", K::scale)
      .value("CLIP", K::clip)
      .value("POWER", K::power)
      .finalize();
}

void bind_enums(py::module_& m) {
  bind_activations(m);
  py::native_enum<PoolKind>(m, "PoolKind", "enum.Enum")
      .value("MAX", PoolKind::max)
      .value("AVERAGE", PoolKind::average)
      .finalize();
  py::native_enum<BinaryKind>(m, "BinaryKind", "enum.Enum")
      .value("ADD", BinaryKind::add)
      .value("SUBTRACT", BinaryKind::subtract)
      .value("MULTIPLY", BinaryKind::multiply)
      .value("DIVIDE", BinaryKind::divide)
      .value("MAXIMUM", BinaryKind::maximum)
      .value("MINIMUM", BinaryKind::minimum)
      .value("POWER", BinaryKind::power)
      .value("PRELU", BinaryKind::prelu)
      .finalize();
  py::native_enum<ReductionKind>(m, "ReductionKind", "enum.Enum")
      .value("SUM", ReductionKind::sum)
      .value("MEAN", ReductionKind::mean)
      .value("MAX", ReductionKind::max)
      .value("MIN", ReductionKind::min)
      .value("PRODUCT", ReductionKind::product)
      .finalize();
  py::native_enum<NormalizationKind>(m, "NormalizationKind", "enum.Enum")
      .value("STANDARD", NormalizationKind::standard)
      .value("VARIANCE", NormalizationKind::variance)
      .value("RMS", NormalizationKind::rms)
      .value("L2", NormalizationKind::l2)
      .finalize();
  py::native_enum<WeightDtype>(m, "WeightDtype", "enum.Enum")
      .value("FLOAT32", WeightDtype::float32)
      .value("FLOAT16", WeightDtype::float16)
      .value("BFLOAT16", WeightDtype::bfloat16)
      .finalize();
  py::native_enum<RecurrentKind>(m, "RecurrentKind", "enum.Enum")
      .value("SIMPLE", RecurrentKind::simple)
      .value("LSTM", RecurrentKind::lstm)
      .value("GRU", RecurrentKind::gru)
      .value("GRU_RESET_AFTER", RecurrentKind::gru_reset_after)
      .finalize();
}

std::int64_t packed_bytes_of(const std::vector<const Plan*>& plans,
                             const std::vector<const BoundKernel*>& kernels) {
  std::vector<SharedKernel> shared;
  for (const BoundKernel* kernel : kernels) shared.push_back(kernel->kernel);
  return Plan::packed_bytes(plans, shared);
}

void bind_plan(py::module_& m) {
  py::class_<BoundKernel>(m, "Kernel", py::is_final())
      .def(py::init<const KernelSource&, Dims, bool>(), py::arg("source").noconvert(),
           py::arg("shape"), py::arg("at_once") = false)
      .def_readonly("shape", &BoundKernel::shape);
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
            return p.workspace(images, threads) * 4;
          },
          py::arg("images"), py::arg("threads"))
      .def("run", &run, py::arg("inputs").noconvert(), py::arg("outputs").noconvert(),
           py::arg("threads"), py::arg("useful_only") = false)
      .def("run_profiled", &run_profiled, py::arg("inputs").noconvert(),
           py::arg("outputs").noconvert(), py::arg("threads"), py::arg("useful_only") = false);
  py::class_<PlanBuilder>(m, "PlanBuilder", py::is_final())
      .def(py::init<bool, WeightDtype>(), py::arg("winograd") = true,
           py::arg("weight_dtype") = WeightDtype::float32)
      .def("label", &PlanBuilder::label, py::arg("text"))
      .def("input", &PlanBuilder::input, py::arg("shape"))
      .def("conv2d", &add_conv2d, py::arg("x"), py::arg("shape"), py::arg("kernel").noconvert(),
           py::arg("bias").noconvert(), py::arg("window"), py::arg("groups"), py::arg("activation"),
           py::arg("residual") = py::none(), py::arg("scale").noconvert() = py::none(),
           py::arg("shift").noconvert() = py::none(), py::arg("max_pool") = false)
      .def("depthwise_conv2d", &add_depthwise_conv2d, py::arg("x"), py::arg("shape"),
           py::arg("kernel").noconvert(), py::arg("bias").noconvert(), py::arg("window"),
           py::arg("activation"))
      .def("pool2d", &add_pool2d, py::arg("x"), py::arg("shape"), py::arg("kind"),
           py::arg("window"))
      .def("affine", &add_affine, py::arg("x"), py::arg("scale").noconvert(),
           py::arg("shift").noconvert(), py::arg("activation"))
      .def("activate", &add_activate, py::arg("x"), py::arg("activation"))
      .def("softmax", &add_softmax, py::arg("x"))
      .def("normalize", &add_normalize, py::arg("x"), py::arg("kind"), py::arg("epsilon"))
      .def("reduce", &PlanBuilder::reduce, py::arg("x"), py::arg("shape"), py::arg("kind"),
           py::arg("first"), py::arg("last"))
      .def("binary", &add_binary, py::arg("x"), py::arg("y"), py::arg("shape"), py::arg("kind"))
      .def("matmul", &add_matmul, py::arg("x"), py::arg("y"), py::arg("shape"))
      .def("constant", &add_constant, py::arg("numbers").noconvert())
      .def("concat", &PlanBuilder::concat, py::arg("xs"), py::arg("shape"), py::arg("axis"))
      .def("remap", &add_remap, py::arg("x"), py::arg("shape"), py::arg("indices").noconvert(),
           py::arg("fill"))
      .def("resample", &add_resample, py::arg("x"), py::arg("shape"), py::arg("axis"),
           py::arg("taps").noconvert())
      .def("recurrent", &add_recurrent, py::arg("x"), py::arg("kind"), py::arg("units"),
           py::arg("kernel").noconvert(), py::arg("bias").noconvert(), py::arg("activation"),
           py::arg("recurrent_activation"), py::arg("backwards"))
      .def("reshape", &PlanBuilder::reshape, py::arg("x"), py::arg("shape"))
      .def("transpose", &add_transpose, py::arg("x"), py::arg("axes"))
      .def("depth_to_space", &add_depth_to_space, py::arg("x"), py::arg("shape"))
      .def("build", &PlanBuilder::build, py::arg("outputs"), py::call_guard<WithoutGil>());
}

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

bool in_main_interpreter() { return PyInterpreterState_Get() == PyInterpreterState_Main(); }

constexpr const char* kMainOnly =
    "cnnfast runs in the main interpreter of a process only. Received: an import in a "
    "subinterpreter; use a process of its own, or a thread";

using ByteArray = py::array_t<std::uint8_t, py::array::c_style>;
using WordArray = py::array_t<std::uint64_t, py::array::c_style>;

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

// Runs share only what csrc guards by locks of its own; a builder belongs to one thread.
PYBIND11_MODULE(core, m, py::mod_gil_not_used(), py::multiple_interpreters::not_supported()) {
  if (!in_main_interpreter()) throw py::import_error(kMainOnly);
  m.attr("__version__") = CNNFAST_VERSION;
  bind_enums(m);
  bind_plan(m);
  m.def("isa", [] { return std::string(kernels().name); });
  m.def("available_isas", &available_isas);
  m.def("threadings", &threading_names);
  m.def("threading", [] { return name_of(threading()); });
  m.def("set_threading", &set_threading_by, py::arg("name"));
  m.def("allowed_processors", &allowed_processors);
  m.def("digest_blocks", &digests_of, py::arg("data").noconvert(), py::arg("block"),
        py::arg("seed"));
  m.def("packed_bytes", &packed_bytes);
  m.def("packed_bytes_of", &packed_bytes_of, py::arg("plans"), py::arg("kernels") = py::tuple());
  m.def("workspace_limit", &workspace_limit);
  m.def("set_workspace_limit", &set_workspace_limit, py::arg("bytes"));
  m.def("idle_workspace_bytes", &idle_workspace_bytes);
  m.def("release_idle_workspaces", &release_idle_workspaces);
  m.def("fma_peak", &fma_peak, py::arg("seconds"), py::arg("threads") = 1,
        py::call_guard<WithoutGil>());
  m.def("read_peak", &read_peak, py::arg("bytes"), py::arg("seconds"), py::arg("threads") = 1,
        py::call_guard<WithoutGil>());
}

// Before Python 3.12, pybind11 itself waits for ever in a subinterpreter; from 3.13 on the main
// interpreter may call this for another.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (in_main_interpreter()) return PyInit_core();
  PyErr_SetString(PyExc_ImportError, kMainOnly);
  return nullptr;
}
