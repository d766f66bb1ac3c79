// A small network with a step of each family that packs weights or takes scratch memory.
#pragma once

#include <memory>
#include <vector>

#include "ops/ops.hpp"
#include "plan.hpp"

namespace cnnfast::testing {

inline std::vector<float> ramp(std::int64_t n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 64;
  }
  return values;
}

// 3x3 convolution of 8 to 16 channels (Winograd where it pays), depthwise, max pool, dense.
inline std::unique_ptr<Plan> make_network(std::int64_t size) {
  const std::vector<float> kernel = ramp(3 * 3 * 8 * 16);
  const std::vector<float> depthwise = ramp(3 * 3 * 16);
  const std::vector<float> bias = ramp(16);
  const Window same = {3, 3, 1, 1, 1, 1, {1, 1, 1, 1}};
  const Window halves = {2, 2, 2, 2, 1, 1, {0, 0, 0, 0}};
  const Activation relu = {ActivationKind::relu, 0, 0};
  const Dims in = {size, size, 8};
  const Dims wide = {size, size, 16};
  const Dims pooled = {size / 2, size / 2, 16};
  const Dims flat = {1, 1, count(pooled)};
  const Dims out = {1, 1, 16};
  const std::vector<float> dense = ramp(flat[2] * 16);
  PlanBuilder builder;
  int x = builder.input(in);
  x = builder.add(
      make_conv2d({in, wide, same, 1, {kernel.data(), 3 * 3 * 8, 16}, bias.data(), relu}), {x},
      wide);
  x = builder.add(make_depthwise_conv2d(wide, wide, same, depthwise.data(), bias.data(), relu), {x},
                  wide);
  x = builder.add(make_pool2d(wide, pooled, halves, PoolKind::max), {x}, pooled);
  x = builder.reshape(x, flat);
  const Window one = {1, 1, 1, 1, 1, 1, {0, 0, 0, 0}};
  x = builder.add(make_conv2d({flat, out, one, 1, {dense.data(), flat[2], 16}, bias.data(), {}}),
                  {x}, out);
  x = builder.add(make_softmax(out), {x}, out);
  return builder.build({x});
}

// 1x1 convolution of 4 to 64 channels and depthwise, with so large an image between that the two
// run by bands of rows.
inline std::unique_ptr<Plan> make_bands_network() {
  const std::vector<float> kernel = ramp(4 * 64);
  const std::vector<float> depthwise = ramp(3 * 3 * 64);
  const Window one = {1, 1, 1, 1, 1, 1, {0, 0, 0, 0}};
  const Window same = {3, 3, 1, 1, 1, 1, {1, 1, 1, 1}};
  const Dims in = {64, 64, 4};
  const Dims wide = {64, 64, 64};
  PlanBuilder builder;
  int x = builder.input(in);
  x = builder.add(make_conv2d({in, wide, one, 1, {kernel.data(), 4, 64}, nullptr, {}}), {x}, wide);
  x = builder.add(make_depthwise_conv2d(wide, wide, same, depthwise.data(), nullptr, {}), {x},
                  wide);
  return builder.build({x});
}

inline std::vector<float> run(const Plan& plan, std::int64_t images, int threads) {
  const std::vector<float> x = ramp(images * count(plan.inputs()[0]));
  std::vector<float> y(static_cast<std::size_t>(images * count(plan.outputs()[0])));
  plan.run({x.data()}, {y.data()}, images, threads);
  return y;
}

}  // namespace cnnfast::testing
