// Any bytes are a graph of steps, for libFuzzer and for the corpus beside this file: it is refused
// with an error, or it runs, and then its numbers are the same for any number of threads, any
// batch, a workspace used before, and where every value is an output, so that none shares memory.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "network.hpp"

namespace {

using namespace cnnfast;
using cnnfast::testing::ramp;

constexpr std::int64_t kMostNumbers = std::int64_t{1} << 20;   // of a value or of weights
constexpr std::int64_t kMostProducts = std::int64_t{1} << 21;  // of a graph
constexpr std::size_t kMostSteps = 12;

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  bool empty() const { return at_ == end_; }
  // One of 0, …, n - 1 with n <= 256; 0 behind the end.
  std::int64_t below(std::int64_t n) { return empty() ? 0 : *at_++ % n; }
  bool once_in(std::int64_t n) { return below(n) == n - 1; }
  float number() { return static_cast<float>(below(256) - 64) / 16; }

  // Mostly n; now and then something else.
  std::int64_t about(std::int64_t n) {
    switch (below(256)) {
      case 255: return n + 1;
      case 254: return n - 1;
      case 253: return 0;
      case 252: return -1;
      case 251: return std::int64_t{1} << 31;
      case 250: return std::int64_t{1} << 40;
      case 249: return std::numeric_limits<std::int64_t>::max();
      default: return n;
    }
  }
  Dims about(Dims dims) {
    if (!once_in(16)) return dims;
    for (std::int64_t& n : dims) n = about(n);
    return dims;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

class Graph {
 public:
  explicit Graph(Bytes& bytes) : bytes_(bytes), builder_(builder_of(bytes)) {
    const std::int64_t inputs = 1 + bytes_.below(2);
    for (std::int64_t i = 0; i < inputs; ++i) values_.push_back(builder_.input(input_dims()));
    for (std::size_t i = 0; i < kMostSteps && !bytes_.empty(); ++i) {
      const int value = add_step();
      spend(count(builder_.dims(value)));
      values_.push_back(value);
    }
  }

  const std::vector<int>& values() const { return values_; }
  std::unique_ptr<Plan> build(const std::vector<int>& outputs) { return builder_.build(outputs); }

 private:
  static PlanBuilder builder_of(Bytes& bytes) {
    const bool winograd = !bytes.once_in(4);
    const std::int64_t how = bytes.below(2 * kWidenedElements);
    return PlanBuilder(winograd, static_cast<Element>(how % kWidenedElements),
                       how >= kWidenedElements);
  }

  // Keeps what is built and run small.
  void spend(std::int64_t products) {
    products_ += products;
    if (products > kMostNumbers || products_ > kMostProducts) {
      throw std::length_error("more than a test has time for");
    }
  }
  std::vector<float> weights(const Dims& dims) {
    if (count(dims) > kMostNumbers) throw std::length_error("more than a test has room for");
    return ramp(count(dims));
  }

  Dims input_dims() {
    switch (bytes_.below(8)) {
      case 7: return {64 + bytes_.below(256), 64 + bytes_.below(256), 1 + bytes_.below(8)};
      case 6: return {1 + bytes_.below(5), 1 + bytes_.below(5), 1 + bytes_.below(5), 2};
      case 5: return {1 + bytes_.below(9), 1 + bytes_.below(24)};
      case 4: return {1 + bytes_.below(256)};
      default: return {1 + bytes_.below(20), 1 + bytes_.below(20), 1 + bytes_.below(40)};
    }
  }
  int pick() {
    const auto back = static_cast<std::size_t>(
        bytes_.below(static_cast<std::int64_t>(std::min<std::size_t>(values_.size(), 256))));
    return values_[values_.size() - 1 - back];
  }
  // Another value of the same shape, or this one.
  int like(int value) {
    const int other = pick();
    return builder_.dims(other) == builder_.dims(value) ? other : value;
  }
  // The value as (height, width, channels), or with another rank.
  int image(int value) {
    const Dims& dims = builder_.dims(value);
    return dims.size() == 3 ? value : builder_.reshape(value, {1, rows(dims), dims.back()});
  }
  int matrix(int value) {
    const Dims& dims = builder_.dims(value);
    return dims.size() == 2 ? value : builder_.reshape(value, {rows(dims), dims.back()});
  }
  static std::int64_t rows(const Dims& dims) { return count(dims) / dims.back(); }

  Activation activation() {
    const auto kinds = static_cast<std::int64_t>(ActivationKind::exp2) + 1;
    if (!bytes_.once_in(2)) return {};
    return {static_cast<ActivationKind>(bytes_.below(kinds)), bytes_.number(), bytes_.number()};
  }
  Window window() {
    Window w;
    w.height = bytes_.about(1 + bytes_.below(5));
    w.width = bytes_.once_in(4) ? 1 + bytes_.below(12) : w.height;
    w.stride_y = bytes_.about(1 + bytes_.below(3));
    w.stride_x = bytes_.once_in(4) ? 1 + bytes_.below(4) : w.stride_y;
    w.dilation_y = w.dilation_x = bytes_.once_in(8) ? bytes_.about(2) : 1;
    w.pads = {bytes_.about(bytes_.below(3)), bytes_.below(3), bytes_.below(3), bytes_.below(3)};
    return w;
  }
  // Along one axis, the positions of a window; 0 where there are none or they are no numbers.
  static std::int64_t positions(std::int64_t in, std::int64_t size, std::int64_t stride,
                                std::int64_t dilation, std::int64_t before, std::int64_t after) {
    constexpr std::int64_t kSane = 1 << 20;
    for (const std::int64_t n : {size, stride, dilation, before}) {
      if (n < 0 || n > kSane) return 1;
    }
    const std::int64_t room = before + in + after - (size - 1) * dilation - 1;
    return room < 0 || stride == 0 ? 0 : room / stride + 1;
  }
  Dims slid(const Dims& in, const Window& w, std::int64_t channels) {
    return bytes_.about(Dims{
        positions(in[0], w.height, w.stride_y, w.dilation_y, w.pads.top, w.pads.bottom),
        positions(in[1], w.width, w.stride_x, w.dilation_x, w.pads.left, w.pads.right), channels});
  }

  int conv() {
    const int x = image(pick());
    const Dims in = builder_.dims(x);
    const Window w = window();
    std::int64_t groups = 1;
    if (bytes_.once_in(4)) groups = bytes_.about(1 + bytes_.below(4));
    if (groups < 1) throw std::invalid_argument("refused where the extension checks its arrays");
    const std::int64_t filters = bytes_.below(40) + 1;
    const Dims out = slid(in, w, groups > kMostNumbers ? 1 : groups * filters);
    const Dims kernel_dims = {w.height, w.width, in[2] / groups, out[2]};
    const std::vector<float> kernel = weights(kernel_dims);
    const std::vector<float> bias = weights({out[2]});
    spend(count({count(kernel_dims), out[0], out[1]}));
    const SharedKernel rows = {kernel.data(),
                               count(kernel_dims) / std::max<std::int64_t>(out[2], 1), out[2]};
    ConvSpec spec = {in, out, w, groups, rows, nullptr, activation()};
    if (bytes_.once_in(2)) spec.bias = bias.data();
    if (bytes_.once_in(4)) spec.scale = spec.shift = bias.data();
    spec.winograd = builder_.winograd();
    spec.weight_dtype = builder_.weight_dtype();
    spec.bfloat16 = builder_.bfloat16();
    if (bytes_.once_in(4)) {
      spec.pooling.side = 2;
      spec.out = {out[0] / 2, out[1] / 2, out[2]};
    }
    std::vector<int> inputs = {x};
    if (const int other = pick(); bytes_.once_in(2) && builder_.dims(other) == spec.out) {
      spec.residual = true;
      inputs.push_back(other);
    }
    return builder_.add(make_conv2d(spec), std::move(inputs), spec.out);
  }

  int depthwise() {
    const int x = image(pick());
    const Dims in = builder_.dims(x);
    const Window w = window();
    const Dims out = slid(in, w, in[2] * (1 + bytes_.below(2)));
    const std::vector<float> kernel = weights({w.height, w.width, out[2]});
    const std::vector<float> bias = weights({out[2]});
    spend(count({count({w.height, w.width}), count(out)}));
    const float* shift = bytes_.once_in(2) ? bias.data() : nullptr;
    return builder_.add(
        make_depthwise_conv2d(in, out, w, {kernel.data(), w.height * w.width, out[2]}, shift,
                              activation()),
        {x}, out);
  }

  int pool() {
    const int x = image(pick());
    const Dims in = builder_.dims(x);
    const Window w = window();
    const Dims out = slid(in, w, in[2]);
    const auto kind = static_cast<PoolKind>(bytes_.below(2));
    return builder_.add(make_pool2d(in, out, w, kind), {x}, out);
  }

  int affine() {
    const int x = pick();
    const Dims in = builder_.dims(x);
    const std::vector<float> scale = weights({in.back()});
    return builder_.add(make_affine(in, scale.data(), scale.data(), activation()), {x}, in);
  }

  int activate() {
    const int x = pick();
    return builder_.add(make_activate(builder_.dims(x), activation()), {x}, builder_.dims(x));
  }

  int softmax() {
    const int x = pick();
    return builder_.add(make_softmax(builder_.dims(x)), {x}, builder_.dims(x));
  }

  int normalize() {
    const int x = pick();
    const auto kind = static_cast<NormalizationKind>(bytes_.below(4));
    return builder_.add(make_normalize(builder_.dims(x), kind, bytes_.number()), {x},
                        builder_.dims(x));
  }

  int reduce() {
    const int x = pick();
    const Dims in = builder_.dims(x);
    const auto rank = static_cast<std::int64_t>(in.size());
    const auto first = static_cast<int>(bytes_.below(rank + 1));
    const auto last = first + static_cast<int>(bytes_.below(rank + 1));
    const auto kind = static_cast<ReductionKind>(bytes_.below(5));
    reduction_of(in, kind, first, last);  // refuses axes that are none
    Dims out = in;
    out.erase(out.begin() + first, out.begin() + last);
    if (out.empty()) out = {1};
    return builder_.reduce(x, out, kind, first, last);
  }

  int binary() {
    const int x = pick();
    const int y = bytes_.once_in(2) ? constant_beside(builder_.dims(x)) : like(x);
    const auto kind = static_cast<BinaryKind>(bytes_.below(8));
    const Dims out = bytes_.about(builder_.dims(x));
    return builder_.add(make_binary(builder_.dims(x), builder_.dims(y), out, kind), {x, y}, out);
  }
  // With some axes of size 1.
  int constant_beside(Dims dims) {
    for (std::int64_t& n : dims) n = bytes_.once_in(2) ? 1 : n;
    dims = bytes_.about(dims);
    const std::vector<float> numbers = weights(dims);
    return builder_.constant({numbers.data(), 1, count(dims)}, dims);
  }

  int matmul() {
    const int x = bytes_.once_in(4) ? pick() : matrix(pick());
    std::vector<int> axes;
    for (std::size_t i = 0; i < builder_.dims(x).size(); ++i) axes.push_back(static_cast<int>(i));
    if (axes.size() > 1) std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
    const int y = transposed(x, axes);
    const Dims& a = builder_.dims(x);
    Dims out = a;
    out.back() = builder_.dims(y).back();
    spend(count({count(out), a.back()}));
    return builder_.matmul(x, y, out);
  }

  int transposed(int x, const std::vector<int>& axes) {
    const Dims& in = builder_.dims(x);
    auto step = make_transpose(in, axes);
    Dims out;
    for (const int axis : axes) out.push_back(in[static_cast<std::size_t>(axis)]);
    return builder_.add(std::move(step), {x}, out);
  }
  int transpose() {
    const int x = pick();
    const auto rank = static_cast<std::int64_t>(builder_.dims(x).size());
    std::vector<int> axes;
    for (std::int64_t i = 0; i < rank; ++i) axes.push_back(static_cast<int>(i));
    for (std::int64_t i = rank; i-- > 1;) {
      std::swap(axes[static_cast<std::size_t>(i)],
                axes[static_cast<std::size_t>(bytes_.below(i + 1))]);
    }
    if (bytes_.once_in(32)) axes[0] = static_cast<int>(bytes_.about(axes[0]));
    return transposed(x, axes);
  }

  int depth_to_space() {
    const int x = image(pick());
    const Dims& in = builder_.dims(x);
    std::int64_t channels = in[2];
    std::array<std::int64_t, 2> block = {};
    for (std::int64_t& pixels : block) {
      pixels = 1 + bytes_.below(3);
      if (channels % pixels != 0) pixels = 1;
      channels /= pixels;
    }
    const Dims out = bytes_.about(Dims{in[0] * block[0], in[1] * block[1], channels});
    return builder_.add(make_depth_to_space(in, out), {x}, out);
  }

  int concat() {
    std::vector<int> parts = {pick()};
    while (parts.size() < 4 && bytes_.once_in(2)) parts.push_back(like(parts[0]));
    Dims out = builder_.dims(parts[0]);
    const auto axis = static_cast<std::size_t>(bytes_.below(static_cast<std::int64_t>(out.size())));
    out[axis] *= static_cast<std::int64_t>(parts.size());
    return builder_.concat(parts, bytes_.about(out), static_cast<int>(axis));
  }

  std::vector<std::int32_t> indices(std::int64_t n, std::int64_t size, bool may_be_none) {
    std::vector<std::int32_t> positions;
    for (std::int64_t i = 0; i < n; ++i) {
      std::int64_t at = bytes_.below(std::min<std::int64_t>(size, 200));
      if (may_be_none && bytes_.once_in(8)) at = -1;
      positions.push_back(static_cast<std::int32_t>(bytes_.once_in(64) ? bytes_.about(at) : at));
    }
    return positions;
  }
  int remap() {
    const int x = pick();
    const Dims in = builder_.dims(x);
    Dims out = in;
    std::vector<AxisMap> maps(in.size());
    for (std::size_t axis = 0; axis < in.size(); ++axis) {
      if (!bytes_.once_in(2)) continue;
      out[axis] = 1 + bytes_.below(8);
      maps[axis] = indices(out[axis], in[axis], true);
    }
    out = bytes_.about(out);
    return builder_.add(make_remap(in, out, std::move(maps), bytes_.number()), {x}, out);
  }
  int resample() {
    const int x = pick();
    Dims out = builder_.dims(x);
    const auto axis = static_cast<std::size_t>(bytes_.below(static_cast<std::int64_t>(out.size())));
    const std::int64_t size = out[axis];
    out[axis] = 1 + bytes_.below(8);
    const std::int64_t taps = bytes_.about(1 + bytes_.below(4));
    const std::vector<float> factors = weights({out[axis], taps});
    auto positions = indices(out[axis] * taps, size, false);
    return builder_.add(
        make_resample(builder_.dims(x), out, static_cast<int>(axis), std::move(positions), factors),
        {x}, out);
  }

  int recurrent() {
    const int x = matrix(pick());
    const Dims in = builder_.dims(x);
    constexpr std::int64_t kGates[] = {1, 4, 3, 3};
    std::int64_t kind = bytes_.below(4);
    if (in[1] % kGates[kind] != 0 && !bytes_.once_in(8)) kind = 0;
    const std::int64_t units = in[1] / kGates[kind];
    const std::vector<float> kernel = weights({units, in[1]});
    spend(count({in[0], units, in[1]}));
    const std::vector<float> bias = weights({in[1]});
    const float* shift = bytes_.once_in(2) ? bias.data() : nullptr;
    const Activation outer = activation();
    RecurrentWays ways;
    ways.backwards = bytes_.once_in(2);
    ways.keeps = bytes_.once_in(2);
    std::vector<int> inputs = {x};
    const int more = pick();
    for (const MaskedSteps masked : {MaskedSteps::state, MaskedSteps::output, MaskedSteps::zero}) {
      RecurrentWays others = ways;
      others.continues = bytes_.once_in(2);
      others.masked = masked;
      const auto of = static_cast<RecurrentKind>(kind);
      if (builder_.dims(more) == Dims{more_of_recurrent(of, in[0], units, others)}) {
        ways = others;
        inputs = {x, more};
        break;
      }
    }
    auto step = make_recurrent(in, units, static_cast<RecurrentKind>(kind),
                               {kernel.data(), units, in[1]}, shift, outer, activation(), ways);
    const std::int64_t kept = kept_of_recurrent(static_cast<RecurrentKind>(kind), ways);
    return builder_.add(std::move(step), inputs, {in[0] + kept, units});
  }

  int reshape() {
    const int x = pick();
    const Dims& in = builder_.dims(x);
    if (bytes_.once_in(2)) return builder_.reshape(x, bytes_.about(Dims{1, 1, count(in)}));
    Dims out(in.rbegin(), in.rend());
    return builder_.reshape(x, bytes_.about(out));
  }

  int add_step() {
    using Method = int (Graph::*)();
    constexpr Method kMethods[] = {
        &Graph::conv,      &Graph::conv,           &Graph::depthwise, &Graph::pool,
        &Graph::affine,    &Graph::activate,       &Graph::softmax,   &Graph::normalize,
        &Graph::reduce,    &Graph::binary,         &Graph::matmul,    &Graph::transpose,
        &Graph::concat,    &Graph::remap,          &Graph::resample,  &Graph::reshape,
        &Graph::recurrent, &Graph::depth_to_space,
    };
    return (this->*kMethods[bytes_.below(std::size(kMethods))])();
  }

  Bytes& bytes_;
  PlanBuilder builder_;
  std::vector<int> values_;
  std::int64_t products_ = 0;
};

using Arrays = std::vector<std::vector<float>>;

// The outputs of `images` images from `first` on, where the inputs of all are given.
Arrays run(const Plan& plan, const Arrays& inputs, std::int64_t first, std::int64_t images,
           int threads) {
  std::vector<const float*> from;
  std::vector<std::vector<float>> outputs;
  std::vector<float*> to;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    from.push_back(inputs[i].data() + first * count(plan.inputs()[i]));
  }
  // What nobody writes differs from run to run.
  static float untouched = 0;
  ++untouched;
  for (const Dims& dims : plan.outputs()) {
    outputs.emplace_back(static_cast<std::size_t>(images * count(dims)), untouched);
  }
  for (std::vector<float>& array : outputs) to.push_back(array.data());
  plan.run(from, to, images, threads);
  return outputs;
}

void expect_same(const float* a, const float* b, std::int64_t n, const char* what) {
  for (std::int64_t i = 0; i < n; ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    std::fprintf(stderr, "%s: number %lld is %a and %a\n", what, static_cast<long long>(i),
                 static_cast<double>(a[i]), static_cast<double>(b[i]));
    std::abort();
  }
}

void expect_same(const std::vector<float>& a, const std::vector<float>& b, const char* what) {
  expect_same(a.data(), b.data(), static_cast<std::int64_t>(std::min(a.size(), b.size())), what);
}

void examine(const Bytes& bytes) {
  Bytes first_reading = bytes;
  Bytes second_reading = bytes;
  Graph graph(first_reading);
  const auto plan = graph.build({graph.values().back()});
  Graph again(second_reading);
  const auto all_outputs = again.build(again.values());

  const std::int64_t size = count(plan->outputs()[0]);
  const std::int64_t images = size > 4096 ? 2 : 7;
  Arrays inputs;
  for (const Dims& dims : plan->inputs()) inputs.push_back(ramp(images * count(dims)));
  const std::vector<float> expected = run(*plan, inputs, 0, images, 1)[0];
  expect_same(expected, run(*plan, inputs, 0, images, 3)[0], "three threads");
  expect_same(expected, run(*all_outputs, inputs, 0, images, 3).back(), "every value an output");
  for (std::int64_t i = 0; i < images; ++i) {
    const std::vector<float> alone = run(*plan, inputs, i, 1, 2)[0];
    expect_same(alone.data(), expected.data() + i * size, size, "one image alone");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    examine(Bytes(data, size));
  } catch (const std::invalid_argument&) {
  } catch (const std::length_error&) {
  }
  return 0;
}
