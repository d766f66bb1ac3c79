// What arithmetic costs that is no product and sum.
#pragma once

#include "../kernels/table.hpp"

namespace cnnfast {

// An operation on vectors takes the place of a multiply-add, which is two flops; so do the products
// of pairs. Counted in the code of kernels/math.hpp, and for what has a latency or a function call
// of its own measured.
constexpr double kOperation = 2;
constexpr double kDivision = 10;
constexpr double kRoot = 12;
constexpr double kExp = 48;
constexpr double kExpm1 = 70;
constexpr double kTanh = 92;
constexpr double kSoftplus = 174;
constexpr double kLibraryCall = 500;  // for each number, as logf and powf are called

// Of a number's activation. What is a comparison or two takes no longer than to read the number.
double flops_of(ActivationKind kind);

}  // namespace cnnfast
