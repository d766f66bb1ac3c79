// The methods of PlanBuilder: convert, release the GIL, call.
#include <optional>
#include <tuple>

#include "../ops/indexing.hpp"
#include "../plan.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "kernel.hpp"
#include "windows.hpp"

namespace cnnfast {

namespace {

using ActivationNumbers = std::tuple<ActivationKind, float, float>;

Activation activation_of(const ActivationNumbers& numbers) {
  return {std::get<0>(numbers), std::get<1>(numbers), std::get<2>(numbers)};
}

const float* channels_of(const std::optional<WeightArray>& array, const Dims& out,
                         const char* what) {
  return array ? data_of(*array, {out.back()}, what) : nullptr;
}

int add_conv2d(PlanBuilder& builder, int x, const Dims& out, const GivenKernel& kernel,
               const std::optional<WeightArray>& bias, const WindowNumbers& numbers,
               std::int64_t groups, const ActivationNumbers& activation,
               std::optional<int> residual, const std::optional<WeightArray>& scale,
               const std::optional<WeightArray>& shift, bool max_pool, bool float32) {
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
  spec.pooling.side = max_pool ? 2 : 1;
  spec.weight_dtype = builder.weight_dtype();
  spec.bfloat16 = builder.bfloat16() && !float32;
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

int add_extreme(PlanBuilder& builder, int x, const Dims& out, int axis, bool largest) {
  const Along of = along(builder.dims(x), axis);
  if (count(out) != of.outer * of.inner) {
    throw std::invalid_argument("an extreme position keeps the other axes");
  }
  return builder.add(make_extreme(of, largest), {x}, out);
}

int add_order(PlanBuilder& builder, int x, int axis, std::int64_t count, bool descending) {
  Dims out = builder.dims(x);
  auto step = make_order(along(out, axis), count, descending);
  out[static_cast<std::size_t>(axis)] = count;
  return builder.add(std::move(step), {x}, out);
}

int add_scan(PlanBuilder& builder, int x, int axis, ScanKind kind) {
  const Dims in = builder.dims(x);
  return builder.add(make_scan(along(in, axis), kind), {x}, in);
}

int add_gather(PlanBuilder& builder, int x, int positions, const Dims& out, int axis) {
  const Along of = along(builder.dims(x), axis);
  const Along at = along(builder.dims(positions), axis);
  auto step = make_gather(of, at);
  if (count(out) != at.outer * at.n * of.inner) {
    throw std::invalid_argument("a gather makes what its positions pick");
  }
  return builder.add(std::move(step), {x, positions}, out);
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
  const Layout& in = builder.layout(x);
  return builder.add(make_remap(builder.dims(x), out, std::move(maps), fill, in.element, in.fill),
                     {x}, out);
}

int add_resample(PlanBuilder& builder, int x, const Dims& out, int axis,
                 const std::tuple<IntArray, FloatArray>& taps) {
  const auto& [indices, weights] = taps;
  return builder.add(
      make_resample(builder.dims(x), out, axis, vector_of(indices), vector_of(weights)), {x}, out);
}

int add_recurrent(PlanBuilder& builder, int x, std::optional<int> more, RecurrentKind kind,
                  std::int64_t units, const GivenKernel& kernel,
                  const std::optional<WeightArray>& bias, const ActivationNumbers& activation,
                  const ActivationNumbers& recurrent_activation, bool backwards, bool continues,
                  MaskedSteps masked, bool keeps) {
  const Dims& in = builder.dims(x);
  if (in.size() != 2) throw std::invalid_argument("a recurrent step reads (time, gates * units)");
  const RecurrentWays ways = {backwards, continues, masked, keeps};
  const std::int64_t numbers = more_of_recurrent(kind, in[0], units, ways);
  if (more.has_value() != (numbers > 0) || (more && builder.dims(*more) != Dims{numbers})) {
    throw std::invalid_argument("a recurrent step reads states and a mask as a vector");
  }
  const float* shift = bias ? data_of(*bias, {in[1]}, "bias") : nullptr;
  auto step = make_recurrent(in, units, kind, kernel_of(kernel, {units, in[1]}), shift,
                             activation_of(activation), activation_of(recurrent_activation), ways);
  std::vector<int> inputs = {x};
  if (more) inputs.push_back(*more);
  return builder.add(std::move(step), inputs, {in[0] + kept_of_recurrent(kind, ways), units});
}

int add_depth_to_space(PlanBuilder& builder, int x, const Dims& out) {
  const Layout& in = builder.layout(x);
  return builder.add(make_depth_to_space(builder.dims(x), out, in.element, in.fill), {x}, out);
}

int add_transpose(PlanBuilder& builder, int x, const std::vector<int>& axes) {
  const Dims& in = builder.dims(x);
  const Layout& layout = builder.layout(x);
  auto step = make_transpose(in, axes, layout.element, layout.fill);
  Dims out;
  for (const int axis : axes) out.push_back(in[static_cast<std::size_t>(axis)]);
  return builder.add(std::move(step), {x}, out);
}

}  // namespace

void bind_builder(py::module_& m) {
  py::class_<PlanBuilder> builder(m, "PlanBuilder", py::is_final());
  builder
      .def(py::init<bool, Element, bool>(), py::arg("winograd") = true,
           py::arg("weight_dtype") = Element::float32, py::arg("bfloat16") = false)
      .def("label", &PlanBuilder::label, py::arg("text"))
      .def("input", &PlanBuilder::input, py::arg("shape"))
      .def("conv2d", &add_conv2d, py::arg("x"), py::arg("shape"), py::arg("kernel").noconvert(),
           py::arg("bias").noconvert(), py::arg("window"), py::arg("groups"), py::arg("activation"),
           py::arg("residual") = py::none(), py::arg("scale").noconvert() = py::none(),
           py::arg("shift").noconvert() = py::none(), py::arg("max_pool") = false,
           py::arg("float32") = false)
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
      .def("extreme", &add_extreme, py::arg("x"), py::arg("shape"), py::arg("axis"),
           py::arg("largest"))
      .def("order", &add_order, py::arg("x"), py::arg("axis"), py::arg("count"),
           py::arg("descending"))
      .def("scan", &add_scan, py::arg("x"), py::arg("axis"), py::arg("kind"))
      .def("gather", &add_gather, py::arg("x"), py::arg("positions"), py::arg("shape"),
           py::arg("axis"))
      .def("matmul", &add_matmul, py::arg("x"), py::arg("y"), py::arg("shape"))
      .def("constant", &add_constant, py::arg("numbers").noconvert())
      .def("concat", &PlanBuilder::concat, py::arg("xs"), py::arg("shape"), py::arg("axis"))
      .def("remap", &add_remap, py::arg("x"), py::arg("shape"), py::arg("indices").noconvert(),
           py::arg("fill"))
      .def("resample", &add_resample, py::arg("x"), py::arg("shape"), py::arg("axis"),
           py::arg("taps").noconvert())
      .def("recurrent", &add_recurrent, py::arg("x"), py::arg("more"), py::arg("kind"),
           py::arg("units"), py::arg("kernel").noconvert(), py::arg("bias").noconvert(),
           py::arg("activation"), py::arg("recurrent_activation"), py::arg("backwards"),
           py::arg("continues"), py::arg("masked"), py::arg("keeps"))
      .def("reshape", &PlanBuilder::reshape, py::arg("x"), py::arg("shape"))
      .def("transpose", &add_transpose, py::arg("x"), py::arg("axes"))
      .def("depth_to_space", &add_depth_to_space, py::arg("x"), py::arg("shape"))
      .def("build", &PlanBuilder::build, py::arg("outputs"), py::call_guard<WithoutGil>());
  bind_quantized(builder);
}

}  // namespace cnnfast
