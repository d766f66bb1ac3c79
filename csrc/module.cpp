// The only file that includes pybind11: convert, release the GIL, call.
#include <array>
#include <chrono>
#include <optional>
#include <tuple>

#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "cpu.hpp"
#include "ops/ops.hpp"
#include "plan.hpp"

namespace py = pybind11;
using namespace cnnfast;

namespace {

using FloatArray = py::array_t<float, py::array::c_style>;
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

// The data of a C-contiguous array of this shape; std::invalid_argument for another shape.
const float* data_of(const FloatArray& array, const Dims& shape, const char* what) {
  const bool fits = static_cast<std::size_t>(array.ndim()) == shape.size() &&
                    std::equal(shape.begin(), shape.end(), array.shape());
  if (!fits) throw std::invalid_argument(std::string(what) + " has another shape than its step");
  return array.data();
}

int add_conv2d(PlanBuilder& builder, int x, const Dims& out, const FloatArray& kernel,
               const std::optional<FloatArray>& bias, const WindowNumbers& numbers,
               std::int64_t groups, const ActivationNumbers& activation) {
  const Dims& in = builder.dims(x);
  const Window window = window_of(numbers);
  if (in.size() != 3 || out.size() != 3 || groups < 1) {
    throw std::invalid_argument("conv2d maps (height, width, channels) to the same");
  }
  const Dims shape = {window.height, window.width, in[2] / groups, out[2]};
  const float* weights = data_of(kernel, shape, "kernel");
  const float* shift = bias ? data_of(*bias, {out[2]}, "bias") : nullptr;
  return builder.add(
      make_conv2d(in, out, window, groups, weights, shift, activation_of(activation)), x, out);
}

int add_pool2d(PlanBuilder& builder, int x, const Dims& out, PoolKind kind,
               const WindowNumbers& window) {
  return builder.add(make_pool2d(builder.dims(x), out, window_of(window), kind), x, out);
}

int add_affine(PlanBuilder& builder, int x, const FloatArray& scale, const FloatArray& shift) {
  const Dims in = builder.dims(x);
  if (in.empty()) throw std::invalid_argument("affine needs a channel axis");
  const Dims channels = {in.back()};
  return builder.add(
      make_affine(in, data_of(scale, channels, "scale"), data_of(shift, channels, "shift")), x, in);
}

int add_activate(PlanBuilder& builder, int x, const ActivationNumbers& activation) {
  const Dims in = builder.dims(x);
  return builder.add(make_activate(in, activation_of(activation)), x, in);
}

int add_softmax(PlanBuilder& builder, int x) {
  const Dims in = builder.dims(x);
  if (in.empty()) throw std::invalid_argument("softmax needs an axis");
  return builder.add(make_softmax(in), x, in);
}

int add_transpose(PlanBuilder& builder, int x, const std::vector<int>& axes) {
  const Dims& in = builder.dims(x);
  auto step = make_transpose(in, axes);
  Dims out;
  for (const int axis : axes) out.push_back(in[static_cast<std::size_t>(axis)]);
  return builder.add(std::move(step), x, out);
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

void run(const Plan& plan, const std::vector<FloatArray>& inputs, std::vector<FloatArray>& outputs,
         int threads) {
  if (inputs.empty() || inputs[0].ndim() < 1) throw std::invalid_argument("no input");
  if (threads < 1) throw std::invalid_argument("threads must be positive");
  const std::int64_t images = inputs[0].shape(0);
  check_batch(inputs, plan.inputs(), images, "inputs");
  check_batch(outputs, plan.outputs(), images, "outputs");
  std::vector<const float*> from;
  std::vector<float*> to;
  for (const FloatArray& array : inputs) from.push_back(array.data());
  for (FloatArray& array : outputs) to.push_back(array.mutable_data());
  const py::gil_scoped_release release;
  plan.run(from, to, images, threads);
}

double fma_peak(double seconds) {
  const py::gil_scoped_release release;
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  double best = 0;
  do {
    const auto start = Clock::now();
    const double flops = kernels().fma_chain(200'000);
    const std::chrono::duration<double> spent = Clock::now() - start;
    best = std::max(best, flops / spent.count() / 1e9);
  } while (Clock::now() < end);
  return best;
}

py::tuple tuple_of(const Dims& dims) { return py::tuple(py::cast(dims)); }

py::tuple tuples_of(const std::vector<Dims>& shapes) {
  py::tuple result(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) result[i] = tuple_of(shapes[i]);
  return result;
}

void bind_enums(py::module_& m) {
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
      .finalize();
  py::native_enum<PoolKind>(m, "PoolKind", "enum.Enum")
      .value("MAX", PoolKind::max)
      .value("AVERAGE", PoolKind::average)
      .finalize();
}

void bind_plan(py::module_& m) {
  py::class_<StepInfo>(m, "StepInfo", py::is_final())
      .def_readonly("name", &StepInfo::name)
      .def_property_readonly("input_shape", [](const StepInfo& s) { return tuple_of(s.in); })
      .def_property_readonly("output_shape", [](const StepInfo& s) { return tuple_of(s.out); })
      .def_readonly("flops", &StepInfo::flops)
      .def_readonly("weight_bytes", &StepInfo::weight_bytes)
      .def_readonly("batched", &StepInfo::batched);
  py::class_<Plan>(m, "Plan", py::is_final())
      .def_property_readonly("input_shapes", [](const Plan& p) { return tuples_of(p.inputs()); })
      .def_property_readonly("output_shapes", [](const Plan& p) { return tuples_of(p.outputs()); })
      .def_property_readonly("steps", &Plan::steps)
      .def(
          "workspace_bytes",
          [](const Plan& p, std::int64_t images, int threads) {
            return p.workspace(images, threads) * 4;
          },
          py::arg("images"), py::arg("threads"))
      .def("run", &run, py::arg("inputs").noconvert(), py::arg("outputs").noconvert(),
           py::arg("threads"));
  py::class_<PlanBuilder>(m, "PlanBuilder", py::is_final())
      .def(py::init<>())
      .def("input", &PlanBuilder::input, py::arg("shape"))
      .def("conv2d", &add_conv2d, py::arg("x"), py::arg("shape"), py::arg("kernel").noconvert(),
           py::arg("bias").noconvert(), py::arg("window"), py::arg("groups"), py::arg("activation"))
      .def("pool2d", &add_pool2d, py::arg("x"), py::arg("shape"), py::arg("kind"),
           py::arg("window"))
      .def("affine", &add_affine, py::arg("x"), py::arg("scale").noconvert(),
           py::arg("shift").noconvert())
      .def("activate", &add_activate, py::arg("x"), py::arg("activation"))
      .def("softmax", &add_softmax, py::arg("x"))
      .def("reshape", &PlanBuilder::reshape, py::arg("x"), py::arg("shape"))
      .def("transpose", &add_transpose, py::arg("x"), py::arg("axes"))
      .def("build", &PlanBuilder::build, py::arg("outputs"));
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.attr("__version__") = CNNFAST_VERSION;
  bind_enums(m);
  bind_plan(m);
  m.def("isa", [] { return std::string(kernels().name); });
  m.def("available_isas", &available_isas);
  m.def("fma_peak", &fma_peak, py::arg("seconds"));
}
