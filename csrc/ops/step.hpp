// What a plan asks of an operation. To add one: a file in ops/ and a method of PlanBuilder.
#pragma once

#include <memory>

#include "../layout.hpp"

namespace cnnfast {

// What a step does per image, for choosing and for reports.
struct Cost {
  double flops = 0;
  double weight_bytes = 0;
};

class Step {
 public:
  virtual ~Step() = default;

  virtual const char* name() const = 0;

  // Zeros that it reads around its input.
  virtual Border border() const { return {}; }
  // Whether it can read an input, or write an output, that has a border.
  virtual bool reads_borders() const { return false; }
  virtual bool writes_borders() const { return false; }
  // Whether many images at once are better than one after the other.
  virtual bool batched() const { return false; }

  // Fixes the layouts, once: packs weights, precomputes offsets.
  virtual void bind(const Layout& in, const Layout& out) = 0;

  // The work for so many images, in equal units; any split of them gives the same bits.
  virtual std::int64_t units(std::int64_t images) const = 0;
  virtual void run(const Tensor& in, const Tensor& out, std::int64_t images, std::int64_t first,
                   std::int64_t last) const = 0;

  virtual Cost cost() const { return {}; }
};

}  // namespace cnnfast
