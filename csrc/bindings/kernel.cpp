#include "kernel.hpp"

#include "bindings.hpp"
#include "gil.hpp"

namespace cnnfast {

namespace {

KernelRows::Numbers numbers_of(WeightArray array, const Dims& shape) {
  const float* const numbers = data_of(array, shape, "kernel");
  return {held(std::move(array)), numbers};
}

KernelRows rows_of(const KernelSource& source, const Dims& shape, bool at_once) {
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

}  // namespace

BoundKernel::BoundKernel(const KernelSource& source, Dims dims, bool at_once)
    : kernel(rows_of(source, dims, at_once)), shape(std::move(dims)) {}

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

void bind_kernel(py::module_& m) {
  py::class_<BoundKernel>(m, "Kernel", py::is_final())
      .def(py::init<const KernelSource&, Dims, bool>(), py::arg("source").noconvert(),
           py::arg("shape"), py::arg("at_once") = false)
      .def_readonly("shape", &BoundKernel::shape);
}

}  // namespace cnnfast
