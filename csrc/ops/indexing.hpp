// Steps along one axis that pick, order or add up its positions, each made from plain numbers.
#pragma once

#include "ops.hpp"

namespace cnnfast {

// A tensor as (outer, n, inner): n positions of the axis.
struct Along {
  std::int64_t outer;
  std::int64_t n;
  std::int64_t inner;
};
Along along(const Dims& in, int axis);

// To (outer, 1, inner): the position of the largest or smallest. -0 is below 0; NaN counts as
// either.
std::unique_ptr<const Step> make_extreme(const Along& of, bool largest);
// To (outer, count, inner): the positions of the first `count`; NaN is larger than all numbers.
std::unique_ptr<const Step> make_order(const Along& of, std::int64_t count, bool descending);
// Sums or products of the positions up to each.
enum class ScanKind : std::int32_t { sum, product };
std::unique_ptr<const Step> make_scan(const Along& of, ScanKind kind);
// What stands in the first input at the positions in the second, (outer, m, inner) or, for all of
// inner, (outer, m, 1). Below 0 they count from the end; NaN where there is no such position.
std::unique_ptr<const Step> make_gather(const Along& of, const Along& positions);

}  // namespace cnnfast
