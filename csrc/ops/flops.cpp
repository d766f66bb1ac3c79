#include "flops.hpp"

namespace cnnfast {

double flops_of(ActivationKind kind) {
  using K = ActivationKind;
  switch (kind) {
    case K::linear:
    case K::relu:
    case K::clipped_relu:
    case K::leaky_relu:
    case K::thresholded_relu:
    case K::minimum:
    case K::soft_shrink:
    case K::hard_shrink:
    case K::hard_tanh:
    case K::threshold:
    case K::abs:
    case K::sign:
    case K::clip: return 0;
    case K::square:
    case K::scale:
    case K::floor:
    case K::ceil:
    case K::round: return kOperation;
    case K::hard_sigmoid:
    case K::hard_silu:
    case K::sparse_plus:
    case K::sparse_sigmoid: return 4 * kOperation;
    case K::softsign:
    case K::reciprocal: return kOperation + kDivision;
    case K::sqrt: return kRoot;
    case K::rsqrt: return kRoot + kDivision;
    case K::squareplus: return kRoot + kDivision + 8 * kOperation;
    case K::sigmoid:
    case K::silu: return kDivision + 12 * kOperation;
    case K::exp: return kExp;
    case K::elu:
    case K::selu: return kExpm1 + 3 * kOperation;
    case K::celu: return kExpm1 + kDivision + 3 * kOperation;
    case K::gelu: return kExp + kDivision + 19 * kOperation;
    case K::tanh: return kTanh;
    case K::tanh_shrink: return kTanh + kOperation;
    case K::gelu_tanh: return kTanh + 6 * kOperation;
    case K::softplus:
    case K::log_sigmoid: return kSoftplus;
    case K::mish: return kSoftplus + kTanh + kOperation;
    case K::log:
    case K::log1p:
    case K::expm1:
    case K::sin:
    case K::cos:
    case K::erf:
    case K::tan:
    case K::asin:
    case K::acos:
    case K::atan:
    case K::sinh:
    case K::cosh:
    case K::asinh:
    case K::acosh:
    case K::atanh:
    case K::log2:
    case K::log10:
    case K::exp2:
    case K::power: return kLibraryCall;
  }
  return 0;
}

}  // namespace cnnfast
