// Small networks with a step of each family that packs weights or takes scratch memory.
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

// Makes rows of a kernel when they are asked for, as those of a file are.
inline SharedKernel late_rows(const std::vector<float>& numbers, std::int64_t width) {
  const auto make = [&numbers, width](std::int64_t first, std::int64_t last) {
    const auto made = std::make_shared<std::vector<float>>(numbers.begin() + first * width,
                                                           numbers.begin() + last * width);
    return KernelRows::Numbers(made, made->data());
  };
  return SharedKernel({make, static_cast<std::int64_t>(numbers.size()) / width, width});
}

// 3x3 convolution of 8 to 16 channels (Winograd where it pays), depthwise, max pool, and dense with
// a kernel that is taken in several pieces.
inline std::unique_ptr<Plan> make_network(std::int64_t size) {
  const std::vector<float> kernel = ramp(3 * 3 * 8 * 16);
  const std::vector<float> depthwise = ramp(3 * 3 * 16);
  const std::vector<float> bias = ramp(64);
  const Window same = {3, 3, 1, 1, 1, 1, {1, 1, 1, 1}};
  const Window halves = {2, 2, 2, 2, 1, 1, {0, 0, 0, 0}};
  const Activation relu = {ActivationKind::relu, 0, 0};
  const Dims in = {size, size, 8};
  const Dims wide = {size, size, 16};
  const Dims pooled = {size / 2, size / 2, 16};
  const Dims flat = {1, 1, count(pooled)};
  const Dims out = {1, 1, 64};
  const std::vector<float> dense = ramp(flat[2] * out[2]);
  PlanBuilder builder;
  int x = builder.input(in);
  x = builder.add(
      make_conv2d({in, wide, same, 1, {kernel.data(), 3 * 3 * 8, 16}, bias.data(), relu}), {x},
      wide);
  x = builder.add(make_depthwise_conv2d(wide, wide, same, {depthwise.data(), 3 * 3, wide[2]},
                                        bias.data(), relu),
                  {x}, wide);
  x = builder.add(make_pool2d(wide, pooled, halves, PoolKind::max), {x}, pooled);
  x = builder.reshape(x, flat);
  const Window one = {1, 1, 1, 1, 1, 1, {0, 0, 0, 0}};
  x = builder.add(make_conv2d({flat, out, one, 1, late_rows(dense, out[2]), bias.data(), {}}), {x},
                  out);
  x = builder.add(make_softmax(out), {x}, out);
  return builder.build({x});
}

// 1x1 convolution of 2 to 64 channels, depthwise, and a convolution whose few filters join pixels,
// with so large images between that the three run by bands of rows.
inline std::unique_ptr<Plan> make_bands_network() {
  const std::vector<float> expand = ramp(2 * 64);
  const std::vector<float> depthwise = ramp(3 * 3 * 64);
  const std::vector<float> project = ramp(3 * 64 * 4);
  const std::vector<float> bias = ramp(64);
  const Window one = {1, 1, 1, 1, 1, 1, {0, 0, 0, 0}};
  const Window same = {3, 3, 1, 1, 1, 1, {1, 1, 1, 1}};
  const Window across = {1, 3, 1, 1, 1, 1, {0, 0, 1, 1}};
  const Activation relu = {ActivationKind::relu, 0, 0};
  const Dims in = {64, 64, 2};
  const Dims wide = {64, 64, 64};
  const Dims out = {64, 64, 4};
  PlanBuilder builder;
  int x = builder.input(in);
  x = builder.add(make_conv2d({in, wide, one, 1, {expand.data(), 2, 64}, bias.data(), relu}), {x},
                  wide);
  x = builder.add(make_depthwise_conv2d(wide, wide, same, {depthwise.data(), 3 * 3, wide[2]},
                                        bias.data(), relu),
                  {x}, wide);
  x = builder.add(make_conv2d({wide, out, across, 1, late_rows(project, 4), bias.data(), {}}), {x},
                  out);
  return builder.build({x});
}

// Much work for a few numbers.
inline std::unique_ptr<Plan> make_dense_network() {
  constexpr std::int64_t kUnits = 1024;
  const std::vector<float> kernel = ramp(kUnits * kUnits);
  const Window one = {1, 1, 1, 1, 1, 1, {0, 0, 0, 0}};
  const Dims dims[] = {{1, 1, 8}, {1, 1, kUnits}, {1, 1, kUnits}, {1, 1, 1}};
  PlanBuilder builder;
  int x = builder.input(dims[0]);
  for (std::size_t i = 0; i < 3; ++i) {
    const Dims& in = dims[i];
    const Dims& out = dims[i + 1];
    x = builder.add(make_conv2d({in, out, one, 1, {kernel.data(), in[2], out[2]}, nullptr, {}}),
                    {x}, out);
  }
  return builder.build({x});
}

inline std::vector<float> run(const Plan& plan, std::int64_t images, int threads) {
  const std::vector<float> x = ramp(images * count(plan.inputs()[0]));
  std::vector<float> y(static_cast<std::size_t>(images * count(plan.outputs()[0])));
  plan.run({x.data()}, {y.data()}, images, threads);
  return y;
}

}  // namespace cnnfast::testing
