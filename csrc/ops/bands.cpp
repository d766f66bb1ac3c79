// Steps that run together, a band of rows at a time: what one makes for the next stays in cache
// and is never a whole image.
#include <cstring>
#include <new>
#include <numeric>
#include <string>

#include "ops.hpp"

namespace cnnfast {

namespace {

constexpr std::int64_t kBandBytes = 512 * 1024;  // of all intermediate rows: a part of a core's L2

std::int64_t sum(const std::vector<std::int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
}

struct Rows {
  std::int64_t first;
  std::int64_t last;
};

// A unit is one row of the last step's output.
class Bands final : public Step {
 public:
  explicit Bands(std::vector<BandedStep> steps) : steps_(std::move(steps)) {
    for (const BandedStep& s : steps_) {
      name_ += (name_.empty() ? "" : " + ") + std::string(s.step->name());
    }
    sizes_ = sizes_for(band_);
    while (2 * band_ <= steps_.back().out.height) {
      std::vector<std::int64_t> more = sizes_for(2 * band_);
      if (sum(more) * 4 > kBandBytes) break;
      sizes_ = std::move(more);
      band_ *= 2;
    }
  }

  const char* name() const override { return name_.c_str(); }
  bool reads_borders() const override { return true; }
  bool writes_borders() const override { return true; }

  void bind(const PerInput<Layout>& in, const Layout& out) override {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      steps_[i].step->bind({i == 0 ? in[0] : steps_[i - 1].out, in[1]},
                           i + 1 == steps_.size() ? out : steps_[i].out);
      inner_scratch_ = std::max(inner_scratch_, steps_[i].step->scratch());
    }
  }

  std::int64_t units(std::int64_t images) const override {
    return images * steps_.back().out.height;
  }
  // So many rows that those made twice, at the first of a part, are few, if there are any.
  std::int64_t grain() const override { return repeats() ? std::max<std::int64_t>(band_, 8) : 1; }
  bool heeds_interrupt() const override { return repeats(); }

  void run(const Work& w) const override {
    const std::int64_t height = steps_.back().out.height;
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t image = unit / height;
      const std::int64_t end = std::min(w.last, (image + 1) * height);
      Image state = image_of(w, image);
      for (; unit < end && !asked(w.interrupt); unit += band_) {
        make(state, steps_.size() - 1,
             {unit % height, std::min(unit + band_, end) - image * height});
      }
      unit = end;
    }
  }

  std::int64_t scratch() const override { return held_floats() + sum(sizes_) + inner_scratch_; }

  Cost cost() const override {
    Cost total = {};
    for (const BandedStep& s : steps_) {
      const Cost cost = s.step->cost();
      total.flops += cost.flops;
      total.own_flops += cost.own_flops;
      total.weight_bytes += cost.weight_bytes;
      total.moved_bytes += cost.moved_bytes;
    }
    // What one step makes for the next is written and read in a core's cache.
    for (std::size_t i = 0; i + 1 < steps_.size(); ++i) {
      const Layout& between = steps_[i].out;
      total.moved_bytes -= 2 * bytes_of({{between.height, between.width, between.channels}});
    }
    return total;
  }
  const char* algorithm(std::int64_t /*images*/) const override { return "bands"; }
  std::int64_t packed_bytes() const override {
    std::int64_t bytes = 0;
    for (const BandedStep& s : steps_) bytes += s.step->packed_bytes();
    return bytes;
  }
  std::vector<const Packed*> packed() const override {
    std::vector<const Packed*> all;
    for (const BandedStep& s : steps_) {
      for (const Packed* packed : s.step->packed()) all.push_back(packed);
    }
    return all;
  }

 private:
  // The rows of a step's output that stand in memory, from `data` on, with their borders.
  struct Held {
    float* data;
    Rows rows;
  };

  // An image on its way through the steps.
  struct Image {
    PerInput<Tensor> in;
    Tensor out;
    float* scratch;  // of the inner steps
    Held* held;      // of each step but the last
    Interrupt* interrupt;
  };

  // Scratch memory for them: nothing is allocated while a plan runs.
  std::int64_t held_floats() const {
    return aligned(static_cast<std::int64_t>(sizes_.size() * sizeof(Held) / sizeof(float)));
  }

  // Rows of the input of step `i` for rows of its output; some may be outside the image.
  Rows read(std::size_t i, const Rows& rows) const {
    const Window& w = *steps_[i].step->rows_window();
    const std::int64_t reach = (w.height - 1) * w.dilation_y + 1;
    return {rows.first * w.stride_y - w.pads.top,
            (rows.last - 1) * w.stride_y - w.pads.top + reach};
  }

  // Whether the first rows of a part are made twice.
  bool repeats() const {
    return std::any_of(steps_.begin() + 1, steps_.end(), [](const BandedStep& s) {
      return s.step->rows_window()->height > s.step->rows_window()->stride_y;
    });
  }

  // Floats of each step's rows but the last's, for so many rows of the last.
  std::vector<std::int64_t> sizes_for(std::int64_t rows) const {
    std::vector<std::int64_t> sizes(steps_.size() - 1);
    for (std::size_t i = sizes.size(); i > 0; --i) {
      const Rows needed = read(i, {0, rows});
      rows = needed.last - needed.first;
      sizes[i - 1] = aligned(rows * steps_[i - 1].out.row());
    }
    return sizes;
  }

  Image image_of(const Work& w, std::int64_t image) const {
    Image state = {w.in, w.out, w.scratch + held_floats(), reinterpret_cast<Held*>(w.scratch),
                   w.interrupt};
    for (Tensor* t : {&state.in[0], &state.in[1], &state.out}) t->data += image * t->image;
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      new (state.held + i) Held{state.scratch, {-kLargest, -kLargest}};
      state.scratch += sizes_[i];
    }
    return state;
  }

  // Where pixel (0, 0) of the output of step `i` would stand if all rows were held.
  Tensor output(const Image& image, std::size_t i) const {
    if (i + 1 == steps_.size()) return image.out;
    const Layout& layout = steps_[i].out;
    const Held& held = image.held[i];
    return {held.data - held.rows.first * layout.row() + layout.border.left * layout.channels,
            layout.size()};
  }

  // Makes rows of the output of step `i`, all inside the image.
  void make(Image& image, std::size_t i, const Rows& rows) const {
    if (i > 0) provide(image, i - 1, read(i, rows));
    if (asked(image.interrupt)) return;
    const BandedStep& s = steps_[i];
    const Tensor in = i > 0 ? output(image, i - 1) : image.in[0];
    s.step->run_rows({{in, s.second ? image.in[1] : Tensor{}},
                      output(image, i),
                      1,
                      rows.first,
                      rows.last,
                      image.scratch,
                      nullptr});
  }

  // Rows of the output of step `i`, zeros where they are outside the image. What the band before
  // has made moves to the front.
  void provide(Image& image, std::size_t i, const Rows& rows) const {
    const Layout& layout = steps_[i].out;
    Held& held = image.held[i];
    const std::int64_t first = std::max(rows.first, held.rows.last);  // that is new
    const auto bytes = static_cast<std::size_t>((first - rows.first) * layout.row()) * 4;
    if (bytes > 0) {
      std::memmove(held.data, held.data + (rows.first - held.rows.first) * layout.row(), bytes);
    }
    held.rows = rows;
    for (std::int64_t y = first; y < rows.last; ++y) {
      clear_border(layout, held.data + (y - rows.first) * layout.row(), y);
    }
    const Rows inside = {std::max<std::int64_t>(first, 0), std::min(rows.last, layout.height)};
    if (inside.first < inside.last) make(image, i, inside);
  }

  std::vector<BandedStep> steps_;
  std::string name_;
  std::int64_t band_ = 1;            // rows of the output that are made together
  std::vector<std::int64_t> sizes_;  // floats of each step's rows but the last's
  std::int64_t inner_scratch_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_bands(std::vector<BandedStep> steps) {
  return std::make_unique<Bands>(std::move(steps));
}

}  // namespace cnnfast
