// Checks the core without Python, so that it also runs where Python does not: cross-compiled
// under an emulator, and under sanitizers. Every instruction set is compared with loops written
// from the definition, over every remainder of the register tile.
#include <cmath>
#include <cstdio>
#include <random>
#include <string>

#include "cpu.hpp"
#include "ops/conv.hpp"
#include "plan.hpp"

namespace {

using namespace cnnfast;

int passed = 0;
int failed = 0;

void check(bool good, const std::string& what) {
  good ? ++passed : ++failed;
  if (!good) std::printf("FAILED %s\n", what.c_str());
}

std::mt19937 generator(20240607);

std::vector<float> random_floats(std::int64_t n) {
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values) v = normal(generator);
  return values;
}

struct Case {
  std::int64_t images, height, width, channels, filters, size, stride, dilation, pad, groups;

  std::int64_t reach() const { return (size - 1) * dilation + 1; }
  std::int64_t out(std::int64_t in) const { return (in + 2 * pad - reach()) / stride + 1; }
  std::string text() const {
    std::string s = kernels().name;
    for (const std::int64_t n :
         {images, height, width, channels, filters, size, stride, dilation, pad, groups}) {
      s += ' ';
      s += std::to_string(n);
    }
    return s;
  }
};

// One output of a convolution with ReLU in double precision.
double conv_at(const Case& c, const float* x, const std::vector<float>& k, double bias,
               std::int64_t oy, std::int64_t ox, std::int64_t f) {
  const std::int64_t depth = c.channels / c.groups;
  const std::int64_t group = f / (c.filters / c.groups);
  double sum = bias;
  for (std::int64_t ky = 0; ky < c.size; ++ky) {
    for (std::int64_t kx = 0; kx < c.size; ++kx) {
      const std::int64_t y = oy * c.stride + ky * c.dilation - c.pad;
      const std::int64_t z = ox * c.stride + kx * c.dilation - c.pad;
      if (y < 0 || y >= c.height || z < 0 || z >= c.width) continue;
      for (std::int64_t i = 0; i < depth; ++i) {
        const std::int64_t in = (y * c.width + z) * c.channels + group * depth + i;
        const std::int64_t weight = ((ky * c.size + kx) * depth + i) * c.filters + f;
        sum +=
            static_cast<double>(x[in]) * static_cast<double>(k[static_cast<std::size_t>(weight)]);
      }
    }
  }
  return std::max(sum, 0.0);
}

std::vector<float> run(const Plan& plan, const std::vector<float>& x, std::int64_t images,
                       int threads) {
  std::vector<float> out(static_cast<std::size_t>(images * count(plan.outputs()[0])), NAN);
  plan.run({x.data()}, {out.data()}, images, threads);
  return out;
}

void check_conv(const Case& c) {
  const Dims in = {c.height, c.width, c.channels};
  const Dims out = {c.out(c.height), c.out(c.width), c.filters};
  const std::vector<float> x = random_floats(c.images * count(in));
  const std::int64_t taps = c.size * c.size * c.channels / c.groups;
  const std::vector<float> k = random_floats(taps * c.filters);
  const std::vector<float> bias = random_floats(c.filters);
  PlanBuilder builder;
  const Window window = {
      c.size, c.size, c.stride, c.stride, c.dilation, c.dilation, {c.pad, c.pad, c.pad, c.pad}};
  const int input = builder.input(in);
  const auto plan = builder.build({builder.add(make_conv2d({in,
                                                            out,
                                                            window,
                                                            c.groups,
                                                            {k.data(), taps, c.filters},
                                                            bias.data(),
                                                            {ActivationKind::relu, 0, 0}}),
                                               {input}, out)});
  const std::vector<float> y = run(*plan, x, c.images, 1);
  check(y == run(*plan, x, c.images, 3), c.text() + ": the bits of 1 and 3 threads");
  // Error of a sum of n products: n * eps * sum of |products| at worst, its root in practice.
  const double depth = static_cast<double>(c.size * c.size * c.channels / c.groups);
  const double tolerance = 1e-6 * depth;
  double worst = 0;
  std::size_t at = 0;
  for (std::int64_t n = 0; n < c.images; ++n) {
    for (std::int64_t oy = 0; oy < out[0]; ++oy) {
      for (std::int64_t ox = 0; ox < out[1]; ++ox) {
        for (std::int64_t f = 0; f < c.filters; ++f, ++at) {
          const double want =
              conv_at(c, x.data() + n * count(in), k, bias[static_cast<std::size_t>(f)], oy, ox, f);
          worst = std::max(worst, std::abs(want - static_cast<double>(y[at])));
        }
      }
    }
  }
  check(worst <= tolerance, c.text() + ": error " + std::to_string(worst));
}

void check_every_remainder() {
  const std::int64_t rows = kernels().tuning.tile_rows;
  const std::int64_t columns = std::int64_t{kernels().tuning.tile_vectors} * kernels().tuning.lanes;
  for (std::int64_t width = 1; width <= rows + 1; ++width) {
    for (std::int64_t filters = 1; filters <= columns + 1; ++filters) {
      check_conv({1, 1, width, 5, filters, 1, 1, 1, 0, 1});
    }
  }
  for (const std::int64_t depth : {1, 2, 15, 16, 17, 511, 512, 513, 1030}) {
    check_conv({1, 1, 1, depth, columns + 3, 1, 1, 1, 0, 1});
    check_conv({2, 1, 3, depth, 7, 1, 1, 1, 0, 1});
  }
}

void check_windows() {
  for (const std::int64_t size : {1, 2, 3, 5}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const std::int64_t dilation : {1, 2}) {
        for (const std::int64_t pad : {0, 1, 2}) {
          check_conv({2, 11, 13, 4, 9, size, stride, dilation, pad, 1});
          check_conv({1, 11, 12, 6, 6, size, stride, dilation, pad, 3});
        }
      }
    }
  }
}

// Numbers that float32, float16 (also its subnormal ones) and bfloat16 all hold: m * 2^e.
std::vector<float> short_floats(std::int64_t n) {
  std::uniform_int_distribution<int> mantissa(-255, 255);
  std::uniform_int_distribution<int> exponent(-24, 7);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& v : values)
    v = std::ldexp(static_cast<float>(mantissa(generator)), exponent(generator));
  return values;
}

void check_storage_of(std::int64_t images, std::int64_t depth, std::int64_t filters) {
  const std::vector<float> k = short_floats(depth * filters);
  std::vector<float> x = random_floats(images * depth);
  for (float& v : x) v = std::max(v, 0.0F);
  const auto outputs = [&](Element dtype, int threads) {
    PlanBuilder builder;
    ConvSpec spec = {
        {1, 1, depth}, {1, 1, filters}, {}, 1, {k.data(), depth, filters}, nullptr, {}};
    spec.weight_dtype = dtype;
    const int input = builder.input(spec.in);
    const auto plan = builder.build({builder.add(make_direct_conv2d(spec), {input}, spec.out)});
    const bool stored = plan->steps()[0].cost.weight_bytes == 2.0 * static_cast<double>(k.size());
    check(stored == (dtype != Element::float32), "weights are stored as asked");
    return run(*plan, x, images, threads);
  };
  const std::vector<float> want = outputs(Element::float32, 1);
  for (const Element dtype : {Element::float16, Element::bfloat16}) {
    const std::string what = std::string(kernels().name) + " " + std::to_string(images) + " " +
                             std::to_string(depth) + " " + std::to_string(filters);
    check(outputs(dtype, 1) == want, what + ": the bits of weights in 16 bits");
    check(outputs(dtype, 3) == want, what + ": the bits of weights in 16 bits, 3 threads");
  }
}

void check_storage() {
  const std::int64_t columns = std::int64_t{kernels().tuning.tile_vectors} * kernels().tuning.lanes;
  for (std::int64_t filters = 1; filters <= columns + 1; ++filters) {
    for (const std::int64_t images : {1, 2, 17}) check_storage_of(images, 21, filters);
  }
  for (const std::int64_t depth : {1, 511, 512, 513, 1030}) {
    for (const std::int64_t images : {1, 17}) check_storage_of(images, depth, 5 * columns + 3);
  }
}

void check_pool() {
  const Dims in = {5, 7, kernels().tuning.lanes + 3};
  const Dims out = {3, 4, in[2]};
  const std::vector<float> x = random_floats(count(in));
  for (const PoolKind kind : {PoolKind::max, PoolKind::average}) {
    PlanBuilder builder;
    const Window window = {3, 3, 2, 2, 1, 1, {1, 1, 1, 1}};
    const int input = builder.input(in);
    const auto plan =
        builder.build({builder.add(make_pool2d(in, out, window, kind), {input}, out)});
    const std::vector<float> y = run(*plan, x, 1, 2);
    double worst = 0;
    for (std::int64_t i = 0; i < count(out); ++i) {
      const std::int64_t c = i % in[2];
      const std::int64_t ox = i / in[2] % out[1];
      const std::int64_t oy = i / in[2] / out[1];
      double top = -INFINITY;
      double sum = 0;
      int cells = 0;
      for (std::int64_t iy = oy * 2 - 1; iy <= oy * 2 + 1; ++iy) {
        for (std::int64_t ix = ox * 2 - 1; ix <= ox * 2 + 1; ++ix) {
          if (iy < 0 || iy >= in[0] || ix < 0 || ix >= in[1]) continue;
          const auto value =
              static_cast<double>(x[static_cast<std::size_t>((iy * in[1] + ix) * in[2] + c)]);
          top = std::max(top, value);
          sum += value;
          ++cells;
        }
      }
      const double want = kind == PoolKind::max ? top : sum / cells;
      worst = std::max(worst, std::abs(want - static_cast<double>(y[static_cast<std::size_t>(i)])));
    }
    check(worst < 1e-6, std::string(kernels().name) + " pool: error " + std::to_string(worst));
  }
}

void check_softmax() {
  for (std::int64_t n = 1; n <= 3 * kernels().tuning.lanes; ++n) {
    PlanBuilder builder;
    const int input = builder.input({n});
    const auto plan = builder.build({builder.add(make_softmax({n}), {input}, {n})});
    const std::vector<float> x = random_floats(2 * n);
    const std::vector<float> y = run(*plan, x, 2, 1);
    for (std::int64_t row = 0; row < 2; ++row) {
      double total = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        total += std::exp(static_cast<double>(x[static_cast<std::size_t>(row * n + i)]));
      }
      double worst = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const auto at = static_cast<std::size_t>(row * n + i);
        const double want = std::exp(static_cast<double>(x[at])) / total;
        worst = std::max(worst, std::abs(want - static_cast<double>(y[at])));
      }
      check(worst < 1e-6, std::string(kernels().name) + " softmax of " + std::to_string(n));
    }
  }
}

// Two matrices of each image times each other, packed and not.
void check_matmul_of(std::int64_t m, std::int64_t k, std::int64_t n) {
  const std::vector<float> a = random_floats(2 * m * k);
  const std::vector<float> b = random_floats(2 * k * n);
  PlanBuilder builder;
  const int x = builder.input({2, m, k});
  const int y = builder.input({2, k, n});
  const auto plan = builder.build({builder.matmul(x, y, {2, m, n})});
  const auto product = [&](int threads) {
    std::vector<float> out(static_cast<std::size_t>(2 * m * n), NAN);
    plan->run({a.data(), b.data()}, {out.data()}, 1, threads);
    return out;
  };
  const std::vector<float> got = product(1);
  const std::string what = std::string(kernels().name) + " matmul " + std::to_string(m) + " " +
                           std::to_string(k) + " " + std::to_string(n);
  check(product(3) == got, what + ": the bits of 1 and 3 threads");
  double worst = 0;
  for (std::int64_t i = 0; i < 2 * m * n; ++i) {
    double want = 0;
    for (std::int64_t j = 0; j < k; ++j) {
      const auto row = static_cast<std::size_t>(i / n * k + j);
      const auto column = static_cast<std::size_t>((i / (m * n) * k + j) * n + i % n);
      want += static_cast<double>(a[row]) * static_cast<double>(b[column]);
    }
    worst = std::max(worst, std::abs(want - static_cast<double>(got[static_cast<std::size_t>(i)])));
  }
  check(worst <= 1e-6 * static_cast<double>(k), what + ": error " + std::to_string(worst));
}

void check_matmul() {
  const std::int64_t columns = std::int64_t{kernels().tuning.tile_vectors} * kernels().tuning.lanes;
  for (std::int64_t n = 1; n <= columns + 1; ++n) {
    for (const std::int64_t m : {1, 4, 15, 29}) check_matmul_of(m, 67, n);
  }
  for (const std::int64_t k : {1, 511, 512, 513, 1030}) {
    for (const std::int64_t m : {2, 17}) check_matmul_of(m, k, 3 * columns + 5);
  }
}

std::int64_t gates_of(RecurrentKind kind) {
  return kind == RecurrentKind::simple ? 1 : kind == RecurrentKind::lstm ? 4 : 3;
}

// Few sequences go another way than many: a sequence's numbers are the same in any batch.
void check_recurrent_of(RecurrentKind kind, std::int64_t units, const RecurrentWays& ways) {
  constexpr std::int64_t kTime = 4;
  constexpr std::int64_t kImages = 29;
  const std::int64_t width = gates_of(kind) * units;
  const std::vector<float> kernel = random_floats(units * width);
  const std::vector<float> bias = random_floats(width);
  const std::vector<float> x = random_floats(kImages * kTime * width);
  const std::int64_t numbers = more_of_recurrent(kind, kTime, units, ways);
  std::vector<float> more = random_floats(kImages * numbers);
  for (float& number : more) number = number < 0 ? 0 : number;  // half of the steps left out
  const Activation tanh = {ActivationKind::tanh, 0, 0};
  const Activation sigmoid = {ActivationKind::sigmoid, 0, 0};
  PlanBuilder builder;
  std::vector<int> inputs = {builder.input({kTime, width})};
  if (numbers > 0) inputs.push_back(builder.input({numbers}));
  const SharedKernel shared(kernel.data(), units, width);
  const std::int64_t rows = kTime + kept_of_recurrent(kind, ways);
  const auto plan = builder.build({builder.add(
      make_recurrent({kTime, width}, units, kind, shared, bias.data(), tanh, sigmoid, ways), inputs,
      {rows, units})});
  const auto states = [&](std::int64_t first, std::int64_t images, int threads) {
    std::vector<float> out(static_cast<std::size_t>(images * rows * units), NAN);
    std::vector<const float*> given = {x.data() + first * kTime * width};
    if (numbers > 0) given.push_back(more.data() + first * numbers);
    plan->run(given, {out.data()}, images, threads);
    return out;
  };
  const std::vector<float> all = states(0, kImages, 1);
  const std::string what = std::string(kernels().name) + " recurrent " +
                           std::to_string(static_cast<int>(kind)) + " " + std::to_string(units);
  check(std::none_of(all.begin(), all.end(), [](float number) { return std::isnan(number); }),
        what + ": all is written");
  check(states(0, kImages, 3) == all, what + ": the bits of 1 and 3 threads");
  for (const std::int64_t images : {1, 2, 3, 4}) {
    const std::vector<float> some = states(9, images, 1);
    const auto* const same = all.data() + 9 * rows * units;
    check(std::equal(some.begin(), some.end(), same),
          what + ": the bits of " + std::to_string(images));
  }
}

void check_recurrent() {
  for (const RecurrentKind kind : {RecurrentKind::simple, RecurrentKind::lstm, RecurrentKind::gru,
                                   RecurrentKind::gru_reset_after}) {
    for (const std::int64_t units : {1, 5, 8, 16, 23, 24, 25, 70}) {
      check_recurrent_of(kind, units, {});
      check_recurrent_of(kind, units, {.continues = true, .keeps = true});
      for (const MaskedSteps masked :
           {MaskedSteps::state, MaskedSteps::output, MaskedSteps::zero}) {
        check_recurrent_of(kind, units, {.continues = true, .masked = masked, .keeps = true});
        check_recurrent_of(kind, units, {.backwards = true, .masked = masked});
      }
    }
  }
}

// Runs a step over one image of zeros but for what its pixels hold, inside a border of so many.
std::vector<float> run_bound(const BoundStep& bound, const Layouts& layouts,
                             const std::vector<float>& x) {
  const Layout& in = layouts.in[0];
  std::vector<float> from(static_cast<std::size_t>(in.size()));
  std::vector<float> to(static_cast<std::size_t>(layouts.out.size()));
  const std::int64_t row = in.width * in.channels;
  for (std::int64_t y = 0; y < in.height; ++y) {
    std::copy_n(x.data() + y * row, row, from.data() + in.origin() + y * in.row());
  }
  const auto tensor = [](float* data, std::int64_t image) {
    return Tensor{reinterpret_cast<std::byte*>(data), image};
  };
  bound.run({{tensor(from.data() + in.origin(), in.size()), {}},
             tensor(to.data(), layouts.out.size()),
             1,
             0,
             bound.units(1),
             nullptr});
  return to;
}

// A step is what it was made as: bound to one layout after the other, each does its own work.
void check_binding() {
  const Window same = {3, 3, 1, 1, 1, 1, {1, 1, 1, 1}};
  const Dims dims = {5, 6, 8};
  const std::vector<float> x = random_floats(count(dims));
  const std::vector<float> kernel = random_floats(3 * 3 * 8 * 8);
  const ConvSpec spec = {dims, dims, same, 1, {kernel.data(), 3 * 3 * 8, 8}, nullptr, {}};
  const std::unique_ptr<const Step> steps[] = {
      make_direct_conv2d(spec),
      make_depthwise_conv2d(dims, dims, same, {kernel.data(), 3 * 3, 8}, nullptr, {}),
  };
  for (const auto& step : steps) {
    Layouts narrow = {{layout_of(dims), {}}, layout_of(dims)};
    narrow.in[0].border = {1, 1, 1, 1};
    Layouts wide = narrow;
    wide.in[0].border = {2, 3, 4, 5};
    const auto first = step->bind(narrow);
    const auto second = step->bind(wide);
    const std::vector<float> out = run_bound(*first, narrow, x);
    check(out == run_bound(*second, wide, x), step->traits().name + " bound to two layouts");
    check(out != std::vector<float>(out.size()), step->traits().name + " bound");
  }
}

// A border holds what its layout says, and nothing but the border; steps make float32.
void check_elements() {
  Layout layout = layout_of({2, 3, 4});
  layout.border = {1, 2, 1, 3};
  layout.fill = 7;
  std::vector<float> image(static_cast<std::size_t>(layout.size()), 1);
  for (std::int64_t y = -layout.border.top; y < layout.height + layout.border.bottom; ++y) {
    auto* const row = reinterpret_cast<std::byte*>(image.data());
    clear_border(layout, row + layout.bytes((y + layout.border.top) * layout.row()), y);
  }
  const auto inside = std::count(image.begin(), image.end(), 1.0F);
  check(inside == 2 * 3 * 4, "a border leaves the image");
  check(inside + std::count(image.begin(), image.end(), 7.0F) == layout.size(), "a border is full");
  check(layout_of({3}, Element::bfloat16).bytes() == 6, "bytes of an element");

  struct Half final : DenseStep {
    Half() : DenseStep({.name = "half", .makes = Element::float16}) {}
    Cost cost() const override { return moving(2); }
    std::int64_t units(std::int64_t images) const override { return images; }
    void run(const Work& /*work*/) const override {}
  };
  PlanBuilder builder;
  const int x = builder.input({1});
  bool refused = false;
  try {
    builder.add(std::make_unique<Half>(), {x}, {1});
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  check(refused, "a step of another element is refused");
}

}  // namespace

// CNNFAST_ISA selects the instruction set, as everywhere.
int main() {
  std::printf("instruction set: %s\n", kernels().name);
  check_every_remainder();
  check_windows();
  check_storage();
  check_pool();
  check_softmax();
  check_matmul();
  check_recurrent();
  check_binding();
  check_elements();
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
