// Arrays and tuples of Python as the core takes them.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "../layout.hpp"

namespace cnnfast {

namespace py = pybind11;

using FloatArray = py::array_t<float, py::array::c_style>;
// Weights may be views of a file that the user mapped, at any byte: not aligned, they are copied.
constexpr int kAligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
using WeightArray = py::array_t<float, py::array::c_style | kAligned>;
using IntArray = py::array_t<std::int32_t, py::array::c_style>;
using ByteArray = py::array_t<std::uint8_t, py::array::c_style>;

template <class T>
std::vector<T> vector_of(const py::array_t<T, py::array::c_style>& array) {
  return {array.data(), array.data() + array.size()};
}

// The data of a C-contiguous array of this shape; std::invalid_argument for another shape.
template <int flags>
const float* data_of(const py::array_t<float, flags>& array, const Dims& shape, const char* what) {
  const bool fits = static_cast<std::size_t>(array.ndim()) == shape.size() &&
                    std::equal(shape.begin(), shape.end(), array.shape());
  if (!fits) throw std::invalid_argument(std::string(what) + " has another shape than its step");
  return array.data();
}

inline py::tuple tuple_of(const Dims& dims) { return py::tuple(py::cast(dims)); }

inline py::tuple tuples_of(const std::vector<Dims>& shapes) {
  py::tuple result(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) result[i] = tuple_of(shapes[i]);
  return result;
}

}  // namespace cnnfast
