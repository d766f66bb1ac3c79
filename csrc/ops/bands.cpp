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

// Also outside the image.
struct Rows {
  std::int64_t first;
  std::int64_t last;
};

// Without a division for most steps.
std::int64_t rounded_up(std::int64_t rows, std::int64_t together) {
  return together == 1 ? rows : (rows + together - 1) / together * together;
}

// A unit is what the last step makes together: one row of its output, or a few.
class Bands final : public Step {
 public:
  explicit Bands(std::vector<BandedStep> steps)
      : steps_(std::move(steps)), height_(steps_.back().out.height) {
    for (const BandedStep& s : steps_) {
      name_ += (name_.empty() ? "" : " + ") + std::string(s.step->name());
      windows_.push_back(*s.step->rows_window());
      togethers_.push_back(s.step->rows_together());
    }
    together_ = togethers_.back();
    band_ = together_;
    sizes_ = sizes_for(band_);
    while (2 * band_ <= height_) {
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

  std::int64_t units(std::int64_t images) const override { return images * units_of_image(); }
  // So many that the rows made twice, at the first of a part, are few, if there are any.
  std::int64_t grain() const override {
    if (repeated_rows() == 0) return 1;
    const std::int64_t rows = repeated_rows() > 4 ? 4 * repeated_rows() : 8;
    return (std::max(band_, rows) + together_ - 1) / together_;
  }
  bool heeds_interrupt() const override { return repeated_rows() > 0; }

  void run(const Work& w) const override {
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t image = unit / units_of_image();
      const std::int64_t end = std::min(w.last - image * units_of_image(), units_of_image());
      const std::int64_t last = std::min(end * together_, height_);
      Image state = image_of(w, image);
      std::int64_t row = unit % units_of_image() * together_;
      for (; row < last && !asked(w.interrupt); row += band_) {
        make(state, steps_.size() - 1, {row, std::min(row + band_, last)});
      }
      unit = image * units_of_image() + end;
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

  std::int64_t units_of_image() const { return (height_ + together_ - 1) / together_; }

  // Rows of the input of step `i` for rows of its output; some may be outside the image.
  Rows read(std::size_t i, const Rows& rows) const {
    const Window& w = windows_[i];
    const std::int64_t last = rounded_up(rows.last, togethers_[i]) - 1;
    return {rows.first * w.stride_y - w.pads.top, last * w.stride_y - w.pads.top + w.reach()};
  }

  // Rows of the first step's output that the first of a part makes beside the part's own.
  std::int64_t repeated_rows() const {
    std::int64_t rows = 0;
    for (std::size_t i = steps_.size() - 1; i > 0; --i) rows = windows_[i].repeated_rows(rows);
    return rows;
  }

  // Floats of each step's rows but the last's, for so many rows of the last. What a step makes
  // together may begin before and end behind the rows that are read.
  std::vector<std::int64_t> sizes_for(std::int64_t rows) const {
    std::vector<std::int64_t> sizes(steps_.size() - 1);
    for (std::size_t i = sizes.size(); i > 0; --i) {
      const Rows needed = read(i, {0, rows});
      rows = needed.last - needed.first + 2 * (togethers_[i - 1] - 1);
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

  // Makes rows of the output of step `i`, all inside the image, in whole groups of those that it
  // makes together.
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
    const Rows whole = in_groups(i, rows);
    const bool goes_on = held.rows.last > rows.first;
    const Rows now = {goes_on ? rows.first : whole.first, std::max(whole.last, held.rows.last)};
    const std::int64_t first = goes_on ? held.rows.last : now.first;  // that is new
    const auto bytes = static_cast<std::size_t>((first - now.first) * layout.row()) * 4;
    if (bytes > 0) {
      std::memmove(held.data, held.data + (now.first - held.rows.first) * layout.row(), bytes);
    }
    held.rows = now;
    for (std::int64_t y = first; y < now.last; ++y) {
      clear_border(layout, held.data + (y - now.first) * layout.row(), y);
    }
    const Rows inside = {std::max<std::int64_t>(first, 0), std::min(now.last, layout.height)};
    if (inside.first < inside.last) make(image, i, inside);
  }

  // The rows and those inside the image that step `i` makes together with them.
  Rows in_groups(std::size_t i, const Rows& rows) const {
    const std::int64_t together = togethers_[i];
    const std::int64_t height = steps_[i].out.height;
    Rows whole = rows;
    if (together == 1) return whole;
    if (0 < rows.first && rows.first < height) whole.first -= rows.first % together;
    if (0 < rows.last && rows.last < height) {
      whole.last = std::min(rounded_up(rows.last, together), height);
    }
    return whole;
  }

  std::vector<BandedStep> steps_;
  std::string name_;
  std::vector<Window> windows_;          // of each step
  std::vector<std::int64_t> togethers_;  // rows that each makes together
  std::int64_t together_ = 1;            // that the last does
  std::int64_t height_;                  // of the output
  std::int64_t band_ = 1;                // rows of it that are made before the steps begin again
  std::vector<std::int64_t> sizes_;      // floats of each step's rows but the last's
  std::int64_t inner_scratch_ = 0;
};

}  // namespace

std::unique_ptr<Step> make_bands(std::vector<BandedStep> steps) {
  return std::make_unique<Bands>(std::move(steps));
}

}  // namespace cnnfast
