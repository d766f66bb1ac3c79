// What the extension module holds, a file for each part.
#pragma once

#include "arrays.hpp"

namespace cnnfast {

class PlanBuilder;

void bind_enums(py::module_& m);
void bind_kernel(py::module_& m);
void bind_plan(py::module_& m);
void bind_builder(py::module_& m);
void bind_quantized(py::class_<PlanBuilder>& builder);
void bind_machine(py::module_& m);

}  // namespace cnnfast
