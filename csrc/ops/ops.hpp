// The operations, each made from plain numbers. They are checked in Python, with Keras' words,
// and again here: std::invalid_argument where they do not fit together.
#pragma once

#include <memory>
#include <optional>

#include "../kernels/table.hpp"
#include "step.hpp"
#include "window.hpp"

namespace cnnfast {

enum class PoolKind : std::int32_t { max, average };

// `kernel` is (height, width, channels / groups, filters), `bias` (filters) or null, which is read
// while the step is made and not kept.
struct ConvSpec {
  Dims in;
  Dims out;
  Window window;
  std::int64_t groups;
  SharedKernel kernel;
  const float* bias;
  Activation activation;
  bool residual = false;         // whether a second input is added before the activation
  const float* scale = nullptr;  // (filters) each: applied behind the activation
  const float* shift = nullptr;
  Pooling pooling = {};  // behind all of the above, without a residual; `out` is what it stores
  bool winograd = true;  // whether it may be used
  // How weights are stored where reading them is most of the work.
  Element weight_dtype = Element::float32;
  bool bfloat16 = false;  // whether operands of products may be rounded to it
  // The algorithms that there were to choose from, for reports.
  std::vector<Candidate> candidates = {};
};
// Height, width and channels of the convolution itself, before its pooling.
Dims convolved(const ConvSpec& spec);
std::unique_ptr<const Step> make_conv2d(const ConvSpec& spec);
// `kernel` is (height, width, channels, multiplier), `bias` (channels * multiplier) or null.
std::unique_ptr<const Step> make_depthwise_conv2d(const Dims& in, const Dims& out,
                                                  const Window& window, const SharedKernel& kernel,
                                                  const float* bias, Activation activation);
std::unique_ptr<const Step> make_pool2d(const Dims& in, const Dims& out, const Window& window,
                                        PoolKind kind);
std::unique_ptr<const Step> make_activate(const Dims& in, Activation activation);
std::unique_ptr<const Step> make_affine(const Dims& in, const float* scale, const float* shift,
                                        Activation activation);
// The same numbers, into a layout of their own.
std::unique_ptr<const Step> make_copy(const Dims& in, Element element = Element::float32);
std::unique_ptr<const Step> make_softmax(const Dims& in);
std::unique_ptr<const Step> make_normalize(const Dims& in, NormalizationKind kind, float epsilon);
// A step that runs by bands of rows, and where the next one reads its output; `second` where it is
// the one that reads the second input.
struct BandedStep {
  std::unique_ptr<const Step> step;
  Layout out;
  bool second;
};
// Steps that each read the one before, all of which make rows of their own.
std::unique_ptr<const Step> make_bands(std::vector<BandedStep> steps);
// Of (outer, n, inner) the n to one number.
struct Reduction {
  ReductionKind kind;
  std::int64_t outer;
  std::int64_t n;
  std::int64_t inner;
};
// Of axes [first, last) of `in`.
Reduction reduction_of(const Dims& in, ReductionKind kind, int first, int last);
// In how many parts of n to do it first, as threads share the rows of an image; 1 for all at once.
std::int64_t parts_of(const Reduction& of);
// To (outer, parts, inner), over `divisor`; a mean is a sum here.
std::unique_ptr<const Step> make_reduce(const Reduction& of, std::int64_t parts, float divisor);
std::unique_ptr<const Step> make_binary(const Dims& a, const Dims& b, const Dims& out,
                                        BinaryKind kind);
// Products of (..., m, k) and (..., k, n), both computed.
struct MatrixProduct {
  std::int64_t matrices;  // of an image
  std::int64_t m;
  std::int64_t k;
  std::int64_t n;
};
MatrixProduct matrix_product(const Dims& a, const Dims& b, const Dims& out);
// What `b` becomes where there are rows enough to pack it first; empty where it is read as it is.
Dims packed_operand(const MatrixProduct& of);
std::unique_ptr<const Step> make_pack_operand(const MatrixProduct& of);
// Reads a, and b as packed_operand says.
std::unique_ptr<const Step> make_matmul(const MatrixProduct& of);
// Output axis i is input axis axes[i].
// Steps that move numbers take those of either element type; of uint8 the fill is the zero point.
std::unique_ptr<const Step> make_transpose(const Dims& in, const std::vector<int>& axes,
                                           Element element = Element::float32, float fill = 0);
// (h, w, by * bx * c) to (h * by, w * bx, c): the channels of a pixel become by x bx pixels.
std::unique_ptr<const Step> make_depth_to_space(const Dims& in, const Dims& out,
                                                Element element = Element::float32, float fill = 0);
// `in` into `out` at position `start` of `axis`: one part of a concatenation.
std::unique_ptr<const Step> make_place(const Dims& in, const Dims& out, int axis,
                                       std::int64_t start, Element element);
// The same for images and their channels.
std::unique_ptr<const Step> make_place_channels(const Dims& in, std::int64_t start,
                                                Element element);

// Source positions along each axis, -1 for `fill`; an axis without stays as it is. `border` is the
// fill value of what it makes.
using AxisMap = std::optional<std::vector<std::int32_t>>;
std::unique_ptr<const Step> make_remap(const Dims& in, const Dims& out, std::vector<AxisMap> maps,
                                       float fill, Element element = Element::float32,
                                       float border = 0);
// Weighted sums along `axis`; `indices` and `weights` are (output size, taps).
std::unique_ptr<const Step> make_resample(const Dims& in, const Dims& out, int axis,
                                          std::vector<std::int32_t> indices,
                                          std::vector<float> weights);
// `kernel` is (units, gates * units), `bias` (gates * units) or null.
// What a recurrent step does beside going through the time.
struct RecurrentWays {
  bool backwards = false;
  bool continues = false;  // from states that its second input begins with, [states][units],
  MaskedSteps masked = MaskedSteps::none;  // behind which stands the mask, [time]
  bool keeps = false;  // gives out the states after the last step behind the others
};

// The numbers of its second input; none where it has one alone.
std::int64_t more_of_recurrent(RecurrentKind kind, std::int64_t time, std::int64_t units,
                               const RecurrentWays& ways);
// How many states are behind the others.
std::int64_t kept_of_recurrent(RecurrentKind kind, const RecurrentWays& ways);
std::unique_ptr<const Step> make_recurrent(const Dims& in, std::int64_t units, RecurrentKind kind,
                                           const SharedKernel& kernel, const float* bias,
                                           Activation activation, Activation recurrent_activation,
                                           const RecurrentWays& ways);

}  // namespace cnnfast
