// Depthwise convolutions of bytes.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "flops.hpp"
#include "lane_order.hpp"
#include "quantized.hpp"
#include "strips.hpp"

namespace cnnfast {

namespace {

// As many as the kernel multiplies together.
std::int64_t taps_together() { return quantized_kernels().byte_products ? 4 : 2; }

// What a word of packed weights holds of the taps of a group, and where it stands.
class TapGroups {
 public:
  TapGroups(const Window& window, std::int64_t joined, bool slides) : window_(window) {
    const std::int64_t together = taps_together();
    if (!slides) {
      add_neighbours(together);
      return;
    }
    rows_ = window.stride_y == 1 ? 2 : 1;
    const std::int64_t apart = joined * window.stride_x;
    stride_ = apart <= 2 ? apart : window.width;
    const std::int64_t columns = (window.height + rows_ - 1 + together - 1) / together;
    for (std::int64_t row = 0; row < rows_; ++row) {
      for (std::int64_t group = 0; group < columns; ++group) {
        for (std::int64_t x = 0; x < window.width; ++x) add_column(group * together - row, x);
      }
    }
  }

  bool slides() const { return rows_ > 0; }
  std::int64_t rows() const { return rows_; }      // of the output, that are made together
  std::int64_t stride() const { return stride_; }  // as the kernel is told
  std::int64_t size() const { return static_cast<std::int64_t>(groups_.size()); }
  // Those that make one row of the output.
  std::int64_t of_a_row() const { return slides() ? size() / rows_ : size(); }
  // Taps of a group, row by row; -1 where there is none.
  const std::vector<std::int64_t>& taps(std::int64_t group) const {
    return groups_[static_cast<std::size_t>(group)];
  }

 private:
  void add_neighbours(std::int64_t together) {
    const std::int64_t taps = window_.height * window_.width;
    for (std::int64_t first = 0; first < taps; first += together) {
      std::vector<std::int64_t>& group = groups_.emplace_back();
      for (std::int64_t tap = first; tap < first + together; ++tap) {
        group.push_back(tap < taps ? tap : -1);
      }
    }
  }

  // Taps below each other in column `x`, from row `first` on.
  void add_column(std::int64_t first, std::int64_t x) {
    std::vector<std::int64_t>& group = groups_.emplace_back();
    for (std::int64_t y = first; y < first + taps_together(); ++y) {
      const bool inside = 0 <= y && y < window_.height;
      group.push_back(inside ? y * window_.width + x : -1);
    }
  }

  Window window_;
  std::vector<std::vector<std::int64_t>> groups_;
  std::int64_t rows_ = 0;
  std::int64_t stride_ = 0;
};

// The weights of a group's taps in a word, the first one lowest.
std::int32_t word_of(const std::vector<std::int64_t>& taps, const float* channel,
                     std::int64_t channels) {
  const auto bits = static_cast<int>(32 / taps.size());
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    if (taps[i] < 0) continue;
    const std::int32_t weight = integer_of(channel[taps[i] * channels]);
    const std::uint32_t mask = (std::uint32_t{1} << bits) - 1;
    word |= (static_cast<std::uint32_t>(weight) & mask) << (static_cast<int>(i) * bits);
  }
  return static_cast<std::int32_t>(word);
}

// The sums of weights, and of their absolute values, in a word.
struct WeightSums {
  std::int64_t sum = 0;
  std::int64_t absolute = 0;

  void add(std::int32_t word, std::int64_t taps) {
    const auto bits = static_cast<int>(32 / taps);
    for (std::int64_t i = 0; i < taps; ++i) {
      const auto lowest = static_cast<std::uint32_t>(word) << (32 - bits * (i + 1));
      const std::int32_t weight = static_cast<std::int32_t>(lowest) >> (32 - bits);
      sum += weight;
      absolute += std::abs(weight);
    }
  }
};

// [vector][group][place in the vector], as the kernel reads them; `channels` of them, of which
// those of a pixel are the last axis of the weights.
Packed pack_weights(const KernelRows& rows, const TapGroups& groups, std::int64_t taps,
                    std::int64_t channels) {
  Floats room;
  const KernelRows all = rows.all(room);
  const float* const weights = all.numbers();
  const std::int64_t of_pixel = all.size() / taps;
  const std::int64_t bytes = vector_bytes();
  const std::vector<std::int64_t> order = lane_order(channels);
  Packed packed(static_cast<std::int64_t>(order.size()) * groups.size());
  auto* to = reinterpret_cast<std::byte*>(packed.data());
  for (std::size_t vector = 0; vector < order.size(); vector += static_cast<std::size_t>(bytes)) {
    for (std::int64_t group = 0; group < groups.size(); ++group) {
      for (std::int64_t place = 0; place < bytes; ++place, to += sizeof(std::int32_t)) {
        const std::int64_t channel = order[vector + static_cast<std::size_t>(place)];
        const std::int32_t word =
            channel < 0 ? 0 : word_of(groups.taps(group), weights + channel % of_pixel, of_pixel);
        std::memcpy(to, &word, sizeof word);
      }
    }
  }
  return packed;
}

// What sums begin with at each place, and the largest absolute value that each can have.
struct SumsAtPlaces {
  std::vector<std::int32_t> offsets;  // the bias, less what the zero point of the input adds
  std::vector<float> largest;
};

SumsAtPlaces sums_of(const Packed& packed, const TapGroups& groups,
                     const std::vector<std::int32_t>& bias, std::int64_t zero_point) {
  constexpr std::int64_t kLargestSum = std::int64_t{1} << 31;
  SumsAtPlaces all;
  for (std::size_t i = 0; i < bias.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t first = at / vector_bytes() * groups.size();
    WeightSums sums;
    for (std::int64_t group = first; group < first + groups.of_a_row(); ++group) {
      std::int32_t word = 0;
      std::memcpy(&word, packed.floats() + group * vector_bytes() + at % vector_bytes(),
                  sizeof word);
      sums.add(word, taps_together());
    }
    const std::int64_t largest = 255 * sums.absolute + std::abs(std::int64_t{bias[i]});
    if (largest >= kLargestSum) {
      throw std::invalid_argument("a sum of products of bytes and its bias must be an int32");
    }
    all.offsets.push_back(static_cast<std::int32_t>(bias[i] - zero_point * sums.sum));
    all.largest.push_back(static_cast<float>(largest));
  }
  return all;
}

// Bounds as bytes, of joined pixels.
class ByteBounds {
 public:
  ByteBounds(const Rounding& rounding, std::int64_t joined) {
    if (!rounding.zero_point) return;
    for (std::int64_t pixel = 0; pixel < joined; ++pixel) {
      for (std::size_t c = 0; c < rounding.lower.size(); ++c) {
        lowest_.push_back(static_cast<std::uint8_t>(rounding.lower[c] + rounding.fill()));
        highest_.push_back(static_cast<std::uint8_t>(rounding.upper[c] + rounding.fill()));
      }
    }
  }

  const std::uint8_t* lowest() const { return lowest_.data(); }
  const std::uint8_t* highest() const { return highest_.data(); }
  std::int64_t bytes() const { return static_cast<std::int64_t>(lowest_.size() + highest_.size()); }

 private:
  std::vector<std::uint8_t> lowest_;
  std::vector<std::uint8_t> highest_;
};

// Whether all sums may be rounded before they are bounded.
bool are_moderate(const SumsAtPlaces& sums, const ChannelRounding& rounding) {
  constexpr float kModerate = 1e6F;
  for (std::size_t i = 0; i < sums.largest.size(); ++i) {
    if (!(sums.largest[i] * std::abs(rounding.multiplier[i]) < kModerate)) return false;
  }
  return true;
}

// The weights and whatever else a step keeps.
struct PackedDepthwise {
  std::int64_t joined;
  TapGroups groups;
  std::shared_ptr<const Packed> weights;
  SumsAtPlaces sums;
  PlacedRounding rounding;
  ByteBounds bounds;

  PackedDepthwise(const QuantizedDepthwiseSpec& spec, std::int64_t joined_pixels, bool slides)
      : joined(joined_pixels),
        groups(spec.window, joined, slides),
        weights(pack(spec, joined, groups)),
        sums(sums_of(*weights, groups, placed_bias(spec, joined), spec.in_zero_point)),
        rounding(spec.rounding, lane_order(joined * spec.out[2])),
        bounds(spec.rounding, joined) {}

  std::int64_t own_bytes() const {
    return rounding.bytes() + bounds.bytes() +
           static_cast<std::int64_t>(sums.offsets.size() * sizeof(std::int32_t));
  }

 private:
  static std::shared_ptr<const Packed> pack(const QuantizedDepthwiseSpec& spec, std::int64_t joined,
                                            const TapGroups& groups) {
    const std::int64_t taps = spec.window.height * spec.window.width;
    const std::int64_t channels = joined * spec.out[2];
    return spec.kernel.packed(
        Packing::quantized_depthwise,
        {vector_bytes(), taps_together(), groups.rows(), joined, taps, spec.out[2]},
        [&](const auto& rows) { return pack_weights(rows, groups, taps, channels); });
  }
  static std::vector<std::int32_t> placed_bias(const QuantizedDepthwiseSpec& spec,
                                               std::int64_t joined) {
    std::vector<std::int32_t> bias = spec.bias;
    bias.resize(static_cast<std::size_t>(spec.out[2]));
    return in_lane_order(lane_order(joined * spec.out[2]), bias);
  }
};

class QuantizedDepthwise final : public Step {
 public:
  QuantizedDepthwise(const QuantizedDepthwiseSpec& spec, PackedDepthwise packed)
      : Step(traits_of(spec, packed)),
        multiplier_(spec.out[2] / spec.in[2]),
        outputs_(static_cast<double>(count(spec.out))),
        moved_bytes_(bytes_of({spec.in}, Element::uint8) +
                     bytes_of({spec.out}, spec.rounding.element())),
        packed_(std::move(packed)) {}

  Cost cost() const override {
    const Window& window = traits().rows.value().window;
    const double products = 2 * static_cast<double>(window.height * window.width) * outputs_;
    return {.flops = products,
            .own_flops = products,
            .weight_bytes = static_cast<double>(packed_.weights->bytes()),
            .moved_bytes = moved_bytes_};
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundQuantizedDepthwise;

  static StepTraits traits_of(const QuantizedDepthwiseSpec& spec, const PackedDepthwise& packed) {
    const Access access = packed.joined == 1 ? Access::slice : Access::bordered;
    return {.name = "quantized_depthwise_conv2d",
            .algorithm = packed.groups.slides() ? "sliding" : "taps",
            .reads = access,
            .writes = access,
            .border = spec.window.pads,
            .takes = Element::uint8,
            .makes = spec.rounding.element(),
            .fill = spec.rounding.fill(),
            .rows = {{spec.window}},
            .packed = {packed.weights},
            .own_bytes = packed.own_bytes()};
  }

  std::int64_t multiplier_;
  double outputs_;
  double moved_bytes_;
  PackedDepthwise packed_;
};

// A unit is one row of the output, or a strip of a long one.
class BoundQuantizedDepthwise final : public BoundByRows {
 public:
  BoundQuantizedDepthwise(const QuantizedDepthwise& step, const Layouts& layouts)
      : step_(step),
        window_(step.traits().rows.value().window),
        in_(layouts.in[0]),
        out_(layouts.out),
        strips_(out_.height, out_.width / step.packed_.joined,
                step.packed_.joined * out_.channels) {
    for (std::int64_t y = 0; y < window_.height; ++y) {
      for (std::int64_t x = 0; x < window_.width; ++x) {
        taps_.push_back(y * window_.dilation_y * in_.row() + x * window_.dilation_x * in_.pixel());
      }
    }
  }

  std::int64_t units(std::int64_t images) const override { return strips_.count(images); }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last;) {
      const Strip s = strips_.at(unit);
      const std::int64_t rows = s.whole ? std::min(w.last - unit, out_.height - s.row) : 1;
      run_strip(w, s, rows);
      unit += rows;
    }
  }

  void run_rows(const Work& w) const override {
    run_strip(w, {0, w.first, 0, out_.width / step_.packed_.joined, true}, w.last - w.first);
  }

 private:
  // The strip in so many rows, one below the other.
  void run_strip(const Work& w, const Strip& s, std::int64_t rows) const {
    const std::int64_t joined = step_.packed_.joined;
    QuantizedDepthwiseTask task = {};
    task.x_row = window_.stride_y * in_.row();
    task.x_pixel = joined * window_.stride_x * in_.pixel();
    task.taps = taps_.data();
    task.tap_count = static_cast<std::int32_t>(taps_.size());
    if (step_.packed_.groups.slides()) {
      task.sliding_size = static_cast<std::int32_t>(window_.width);
      task.sliding_stride = static_cast<std::int32_t>(step_.packed_.groups.stride());
      task.sliding_rows = static_cast<std::int32_t>(step_.packed_.groups.rows());
    }
    task.multiplier = static_cast<std::int32_t>(step_.multiplier_);
    task.weights = step_.packed_.weights->floats();
    task.bias = step_.packed_.sums.offsets.data();
    task.rounding = step_.packed_.rounding.numbers();
    task.lowest = step_.packed_.bounds.lowest();
    task.highest = step_.packed_.bounds.highest();
    task.out_row = out_.row();
    task.out_pixel = joined * out_.pixel();
    task.width = s.last - s.first;
    task.height = rows;
    task.channels = joined * out_.channels;
    const std::uint8_t* corner =
        w.in[0].bytes(s.image) - window_.pads.top * in_.row() - window_.pads.left * in_.pixel();
    task.x = corner + s.row * task.x_row + s.first * task.x_pixel;
    const std::int64_t first = s.row * task.out_row + s.first * task.out_pixel;
    task.out = w.out.from_image(s.image).data + out_.bytes(first);
    quantized_kernels().quantized_depthwise(task);
  }

  const QuantizedDepthwise& step_;
  const Window& window_;
  Layout in_;
  Layout out_;
  Strips strips_;
  std::vector<std::int64_t> taps_;
};

std::unique_ptr<const BoundStep> QuantizedDepthwise::bind(const Layouts& layouts) const {
  return std::make_unique<BoundQuantizedDepthwise>(*this, layouts);
}

// Neighbouring pixels that the kernel takes as one of that many times the channels, where those of
// one do not fill a vector: as many as fill most of their vectors. Their windows must be
// neighbours, too.
std::int64_t pixels_joined(const Dims& out, const Window& window, std::int64_t multiplier) {
  constexpr std::int64_t kMostJoined = 8;
  const std::int64_t bytes = vector_bytes();
  if (window.stride_x != 1 || multiplier != 1 || out[2] >= bytes) return 1;
  std::int64_t best = 1;
  double most_filled = 0;
  for (std::int64_t pixels = 2; pixels <= kMostJoined; ++pixels) {
    const std::int64_t channels = pixels * out[2];
    if (out[1] % pixels != 0 || channels < bytes) continue;
    const std::int64_t vectors = (channels + bytes - 1) / bytes;
    const double filled = static_cast<double>(channels) / static_cast<double>(vectors * bytes);
    if (filled > most_filled) {
      most_filled = filled;
      best = pixels;
    }
  }
  return best;
}

// What the kernel slides over: whole vectors of channels, of which it makes bytes.
bool slides(const QuantizedDepthwiseSpec& spec, std::int64_t joined) {
  const Window& window = spec.window;
  return (window.width == 3 || window.width == 5) && window.height == window.width &&
         window.dilation_y == 1 && window.dilation_x == 1 && spec.in[2] == spec.out[2] &&
         (window.width == 3 || joined * window.stride_x <= 2) &&
         joined * spec.out[2] >= vector_bytes() && spec.rounding.zero_point;
}

}  // namespace

std::unique_ptr<const Step> make_quantized_depthwise_conv2d(const QuantizedDepthwiseSpec& spec) {
  const Window& window = spec.window;
  check_window(window, spec.in, spec.out);
  const std::int64_t taps = count({window.height, window.width});
  if (spec.out[2] % spec.in[2] != 0 || taps >= (std::int64_t{1} << 31)) {
    throw std::invalid_argument("the input channels must divide the output channels");
  }
  check_rounding(spec.rounding, spec.out[2]);
  const std::int64_t joined = pixels_joined(spec.out, window, spec.out[2] / spec.in[2]);
  const bool can_slide = slides(spec, joined);
  PackedDepthwise packed(spec, joined, can_slide);
  if (can_slide && !are_moderate(packed.sums, packed.rounding.numbers())) {
    packed = PackedDepthwise(spec, joined, false);
  }
  return std::make_unique<QuantizedDepthwise>(spec, std::move(packed));
}

}  // namespace cnnfast
