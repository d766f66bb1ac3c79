// For processors whose register nobody has looked up yet: denormals are computed, slowly.
#include "denormals.hpp"

namespace cnnfast {

const std::uint64_t kFlushDenormals = 0;

std::uint64_t float_control() { return 0; }

void set_float_control(std::uint64_t /*value*/) {}

}  // namespace cnnfast
