// The methods of PlanBuilder for tensors of bytes.
#include <array>
#include <optional>
#include <tuple>

#include "../ops/quantized.hpp"
#include "../plan.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "kernel.hpp"
#include "windows.hpp"

namespace cnnfast {

namespace {

Rounding rounding_of(const FloatArray& multiplier, std::optional<std::int32_t> zero_point,
                     const FloatArray& lower, const FloatArray& upper) {
  return {vector_of(multiplier), vector_of(lower), vector_of(upper), zero_point};
}

std::vector<std::int32_t> bias_of(const std::optional<IntArray>& bias, const Dims& out) {
  if (!bias) return {};
  if (bias->ndim() != 1 || bias->shape(0) != out.back()) {
    throw std::invalid_argument("bias has another shape than its step");
  }
  return vector_of(*bias);
}

// Of a value of uint8; std::invalid_argument for another.
std::int32_t zero_point_of(const PlanBuilder& builder, int value) {
  const Layout& layout = builder.layout(value);
  if (layout.element != Element::uint8) {
    throw std::invalid_argument("this operation is one of tensors of uint8");
  }
  return static_cast<std::int32_t>(layout.fill);
}

int add_quantize(PlanBuilder& builder, int x, float factor, std::int32_t zero_point) {
  const Dims in = builder.dims(x);
  return builder.add(make_quantize(in, factor, zero_point), {x}, in);
}

int add_dequantize(PlanBuilder& builder, int x, float scale) {
  const Dims in = builder.dims(x);
  return builder.add(make_dequantize(in, scale), {x}, in);
}

int add_conv2d(PlanBuilder& builder, int x, const Dims& out, const GivenKernel& kernel,
               const std::optional<IntArray>& bias, const WindowNumbers& numbers,
               std::int64_t groups, const FloatArray& multiplier, std::optional<int> residual,
               float residual_multiplier, std::optional<std::int32_t> zero_point,
               const FloatArray& lower, const FloatArray& upper) {
  const Dims& in = builder.dims(x);
  const Window window = window_of(numbers);
  if (in.size() != 3 || out.size() != 3 || groups < 1) {
    throw std::invalid_argument("conv2d maps (height, width, channels) to the same");
  }
  if (residual && builder.dims(*residual) != out) {
    throw std::invalid_argument("a residual has the shape of the output");
  }
  const Dims shape = {window.height, window.width, in[2] / groups, out[2]};
  QuantizedConvSpec spec = {in,
                            zero_point_of(builder, x),
                            out,
                            window,
                            groups,
                            kernel_of(kernel, shape),
                            bias ? vector_of(*bias) : std::vector<std::int32_t>(),
                            rounding_of(multiplier, zero_point, lower, upper)};
  std::vector<int> inputs = {x};
  if (residual) {
    spec.residual = true;
    spec.residual_zero_point = zero_point_of(builder, *residual);
    spec.residual_multiplier = residual_multiplier;
    inputs.push_back(*residual);
  }
  const WithoutGil without;  // packing takes its time
  return builder.add(make_quantized_conv2d(spec), std::move(inputs), out);
}

int add_depthwise_conv2d(PlanBuilder& builder, int x, const Dims& out, const GivenKernel& kernel,
                         const std::optional<IntArray>& bias, const WindowNumbers& numbers,
                         const FloatArray& multiplier, std::optional<std::int32_t> zero_point,
                         const FloatArray& lower, const FloatArray& upper) {
  const Dims& in = builder.dims(x);
  const Window window = window_of(numbers);
  if (in.size() != 3 || out.size() != 3 || out[2] % in[2] != 0) {
    throw std::invalid_argument("the input channels must divide the output channels");
  }
  const Dims shape = {window.height, window.width, in[2], out[2] / in[2]};
  const QuantizedDepthwiseSpec spec = {in,
                                       zero_point_of(builder, x),
                                       out,
                                       window,
                                       kernel_of(kernel, shape),
                                       bias_of(bias, out),
                                       rounding_of(multiplier, zero_point, lower, upper)};
  const WithoutGil without;
  return builder.add(make_quantized_depthwise_conv2d(spec), {x}, out);
}

int add_pool2d(PlanBuilder& builder, int x, const Dims& out, PoolKind kind,
               const WindowNumbers& window, float multiplier, std::int32_t zero_point) {
  auto step = make_quantized_pool2d(builder.dims(x), out, window_of(window), kind,
                                    zero_point_of(builder, x), multiplier, zero_point);
  return builder.add(std::move(step), {x}, out);
}

int add_mean(PlanBuilder& builder, int x, const Dims& out, int first, int last, float multiplier,
             std::optional<std::int32_t> zero_point) {
  const Reduction of = reduction_of(builder.dims(x), ReductionKind::mean, first, last);
  if (count(out) != of.outer * of.inner) {
    throw std::invalid_argument("a reduction keeps the other axes");
  }
  auto step = make_quantized_mean(of, zero_point_of(builder, x), multiplier, zero_point);
  return builder.add(std::move(step), {x}, out);
}

QuantizedPairSpec pair_of(const PlanBuilder& builder, int x, int y, float x_multiplier,
                          float y_multiplier, std::int32_t zero_point, float lower, float upper) {
  return {
      builder.dims(x),           builder.dims(y), zero_point_of(builder, x),
      zero_point_of(builder, y), y_multiplier,    {{x_multiplier}, {lower}, {upper}, zero_point}};
}

int add_sum(PlanBuilder& builder, int x, int y, float x_multiplier, float y_multiplier,
            std::int32_t zero_point, float lower, float upper) {
  const QuantizedPairSpec spec =
      pair_of(builder, x, y, x_multiplier, y_multiplier, zero_point, lower, upper);
  return builder.add(make_quantized_add(spec), {x, y}, spec.x);
}

int add_product(PlanBuilder& builder, int x, int y, float multiplier, std::int32_t zero_point,
                float lower, float upper) {
  const QuantizedPairSpec spec = pair_of(builder, x, y, multiplier, 1, zero_point, lower, upper);
  return builder.add(make_quantized_multiply(spec), {x, y}, spec.x);
}

int add_look_up(PlanBuilder& builder, int x, const ByteArray& table, std::int32_t zero_point) {
  const Dims in = builder.dims(x);
  return builder.add(make_look_up(in, vector_of(table), zero_point), {x}, in);
}

int add_affine(PlanBuilder& builder, int x, const FloatArray& multiplier, const FloatArray& offset,
               std::int32_t zero_point, const FloatArray& lower, const FloatArray& upper) {
  const Dims in = builder.dims(x);
  auto step = make_quantized_affine(in, zero_point_of(builder, x), vector_of(offset),
                                    rounding_of(multiplier, zero_point, lower, upper));
  return builder.add(std::move(step), {x}, in);
}

}  // namespace

void bind_quantized(py::class_<PlanBuilder>& builder) {
  builder.def("quantize", &add_quantize, py::arg("x"), py::arg("factor"), py::arg("zero_point"))
      .def("dequantize", &add_dequantize, py::arg("x"), py::arg("scale"))
      .def("quantized_conv2d", &add_conv2d, py::arg("x"), py::arg("out"), py::arg("kernel"),
           py::arg("bias").none(true), py::arg("window"), py::arg("groups"), py::arg("multiplier"),
           py::arg("residual").none(true), py::arg("residual_multiplier"),
           py::arg("zero_point").none(true), py::arg("lower"), py::arg("upper"))
      .def("quantized_depthwise_conv2d", &add_depthwise_conv2d, py::arg("x"), py::arg("shape"),
           py::arg("kernel").noconvert(), py::arg("bias").noconvert(), py::arg("window"),
           py::arg("multiplier").noconvert(), py::arg("zero_point"), py::arg("lower").noconvert(),
           py::arg("upper").noconvert())
      .def("quantized_pool2d", &add_pool2d, py::arg("x"), py::arg("shape"), py::arg("kind"),
           py::arg("window"), py::arg("multiplier"), py::arg("zero_point"))
      .def("quantized_mean", &add_mean, py::arg("x"), py::arg("shape"), py::arg("first"),
           py::arg("last"), py::arg("multiplier"), py::arg("zero_point"))
      .def("quantized_add", &add_sum, py::arg("x"), py::arg("y"), py::arg("x_multiplier"),
           py::arg("y_multiplier"), py::arg("zero_point"), py::arg("lower"), py::arg("upper"))
      .def("quantized_multiply", &add_product, py::arg("x"), py::arg("y"), py::arg("multiplier"),
           py::arg("zero_point"), py::arg("lower"), py::arg("upper"))
      .def("look_up", &add_look_up, py::arg("x"), py::arg("table").noconvert(),
           py::arg("zero_point"))
      .def("quantized_affine", &add_affine, py::arg("x"), py::arg("multiplier").noconvert(),
           py::arg("offset").noconvert(), py::arg("zero_point"), py::arg("lower").noconvert(),
           py::arg("upper").noconvert());
}

}  // namespace cnnfast
