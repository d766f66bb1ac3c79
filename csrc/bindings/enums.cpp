#include <pybind11/native_enum.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "../ops/indexing.hpp"
#include "bindings.hpp"

namespace cnnfast {

namespace {

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
      .value("TAN", K::tan)
      .value("ARCSIN", K::asin)
      .value("ARCCOS", K::acos)
      .value("ARCTAN", K::atan)
      .value("SINH", K::sinh)
      .value("COSH", K::cosh)
      .value("ARCSINH", K::asinh)
      .value("ARCCOSH", K::acosh)
      .value("ARCTANH", K::atanh)
      .value("LOG2", K::log2)
      .value("LOG10", K::log10)
      .value("EXP2", K::exp2)
      .finalize();
}

}  // namespace

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
      .value("FLOOR_DIVIDE", BinaryKind::floor_divide)
      .value("MODULO", BinaryKind::modulo)
      .value("ARCTAN2", BinaryKind::arctan2)
      .value("EQUAL", BinaryKind::equal)
      .value("NOT_EQUAL", BinaryKind::not_equal)
      .value("GREATER", BinaryKind::greater)
      .value("GREATER_EQUAL", BinaryKind::greater_equal)
      .value("LOGICAL_AND", BinaryKind::logical_and)
      .value("LOGICAL_OR", BinaryKind::logical_or)
      .value("LOGICAL_XOR", BinaryKind::logical_xor)
      .value("KEEP", BinaryKind::keep)
      .value("LEAVE", BinaryKind::leave)
      .value("EITHER", BinaryKind::either)
      .finalize();
  py::native_enum<ReductionKind>(m, "ReductionKind", "enum.Enum")
      .value("SUM", ReductionKind::sum)
      .value("MEAN", ReductionKind::mean)
      .value("MAX", ReductionKind::max)
      .value("MIN", ReductionKind::min)
      .value("PRODUCT", ReductionKind::product)
      .finalize();
  py::native_enum<ScanKind>(m, "ScanKind", "enum.Enum")
      .value("SUM", ScanKind::sum)
      .value("PRODUCT", ScanKind::product)
      .finalize();
  py::native_enum<NormalizationKind>(m, "NormalizationKind", "enum.Enum")
      .value("STANDARD", NormalizationKind::standard)
      .value("VARIANCE", NormalizationKind::variance)
      .value("RMS", NormalizationKind::rms)
      .value("L2", NormalizationKind::l2)
      .finalize();
  py::native_enum<Element> elements(m, "WeightDtype", "enum.Enum");
  for (int i = 0; i < kWidenedElements; ++i) {
    std::string name = kElementNames[i];
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
    elements.value(name.c_str(), static_cast<Element>(i));
  }
  elements.finalize();
  py::native_enum<RecurrentKind>(m, "RecurrentKind", "enum.Enum")
      .value("SIMPLE", RecurrentKind::simple)
      .value("LSTM", RecurrentKind::lstm)
      .value("GRU", RecurrentKind::gru)
      .value("GRU_RESET_AFTER", RecurrentKind::gru_reset_after)
      .finalize();
  py::native_enum<MaskedSteps>(m, "MaskedSteps", "enum.Enum")
      .value("NONE", MaskedSteps::none)
      .value("STATE", MaskedSteps::state)
      .value("OUTPUT", MaskedSteps::output)
      .value("ZERO", MaskedSteps::zero)
      .finalize();
}

}  // namespace cnnfast
