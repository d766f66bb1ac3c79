// Steps that run together, a band of rows at a time: what one makes for the next stays in cache
// and is never a whole image.
#include <cstring>
#include <new>
#include <numeric>
#include <string>

#include "../cpu.hpp"
#include "ops.hpp"

namespace cnnfast {

namespace {

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

// What stands in scratch memory of a step's output, from `data` on, with its borders.
struct Held {
  std::byte* data;
  Rows rows;
};

// The numbers of steps that run by bands.
class BandsShape {
 public:
  explicit BandsShape(const std::vector<BandedStep>& steps) : height_(steps.back().out.height) {
    for (const BandedStep& s : steps) {
      rows_.push_back(s.step->traits().rows.value());
      outs_.push_back(s.out);
    }
    band_ = together();
    sizes_ = sizes_for(band_);
    while (2 * band_ <= height_) {
      std::vector<std::int64_t> more = sizes_for(2 * band_);
      if (sum(more) > kernels().tuning.band_bytes) break;
      sizes_ = std::move(more);
      band_ *= 2;
    }
  }

  std::size_t last_step() const { return outs_.size() - 1; }
  std::int64_t height() const { return height_; }  // of its output
  // Rows of it that are made before the steps begin again.
  std::int64_t band() const { return band_; }
  std::int64_t together(std::size_t i) const { return rows_[i].together; }
  std::int64_t together() const { return together(last_step()); }
  std::int64_t units_of_image() const { return (height_ + together() - 1) / together(); }
  const Layout& out(std::size_t i) const { return outs_[i]; }  // of the steps but the last
  // Bytes of each step's rows but the last's.
  const std::vector<std::int64_t>& sizes() const { return sizes_; }

  // Scratch memory for what is held: nothing is allocated while a plan runs.
  std::int64_t held_bytes() const {
    return aligned(static_cast<std::int64_t>(sizes_.size() * sizeof(Held)));
  }

  // Rows of the input of step `i` for rows of its output; some may be outside the image.
  Rows read(std::size_t i, const Rows& rows) const {
    const Window& w = rows_[i].window;
    const std::int64_t lowest = rounded_up(rows.last, together(i)) - 1;
    return {rows.first * w.stride_y - w.pads.top, lowest * w.stride_y - w.pads.top + w.reach()};
  }

  // Rows of the first step's output that the first of a part makes beside the part's own.
  std::int64_t repeated_rows() const {
    std::int64_t rows = 0;
    for (std::size_t i = last_step(); i > 0; --i) rows = rows_[i].window.repeated_rows(rows);
    return rows;
  }

  // The rows and those inside the image that step `i` makes together with them.
  Rows in_groups(std::size_t i, const Rows& rows) const {
    const std::int64_t height = outs_[i].height;
    Rows whole = rows;
    if (together(i) == 1) return whole;
    if (0 < rows.first && rows.first < height) whole.first -= rows.first % together(i);
    if (0 < rows.last && rows.last < height) {
      whole.last = std::min(rounded_up(rows.last, together(i)), height);
    }
    return whole;
  }

 private:
  // Bytes of each step's rows but the last's, for so many rows of the last. What a step makes
  // together may begin before and end behind the rows that are read.
  std::vector<std::int64_t> sizes_for(std::int64_t rows) const {
    std::vector<std::int64_t> sizes(last_step());
    for (std::size_t i = sizes.size(); i > 0; --i) {
      const Rows needed = read(i, {0, rows});
      rows = needed.last - needed.first + 2 * (together(i - 1) - 1);
      const Layout& out = outs_[i - 1];
      sizes[i - 1] = aligned(out.held_bytes(rows * out.row()));
    }
    return sizes;
  }

  std::vector<ByRows> rows_;  // of each step
  std::vector<Layout> outs_;
  std::int64_t height_;
  std::int64_t band_ = 1;
  std::vector<std::int64_t> sizes_;
};

class Bands final : public Step {
 public:
  Bands(std::vector<BandedStep> steps, const BandsShape& shape)
      : Step(traits_of(steps, shape)), steps_(std::move(steps)), shape_(shape) {}

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
      total.moved_bytes -=
          2 * bytes_of({{between.height, between.width, between.channels}}, between.element);
    }
    return total;
  }
  std::unique_ptr<const BoundStep> bind(const Layouts& layouts) const override;

 private:
  friend class BoundBands;

  // So many units that the rows made twice, at the first of a part, are few, if there are any.
  static std::int64_t grain_of(const BandsShape& shape) {
    constexpr std::int64_t kFewRepeated = 4;
    constexpr std::int64_t kRowsPerFewRepeated = 8;
    constexpr std::int64_t kRowsPerRepeated = 4;
    const std::int64_t repeated = shape.repeated_rows();
    if (repeated == 0) return 1;
    const bool many = repeated > kFewRepeated;
    const std::int64_t rows =
        std::max(shape.band(), many ? kRowsPerRepeated * repeated : kRowsPerFewRepeated);
    return (rows + shape.together() - 1) / shape.together();
  }

  static StepTraits traits_of(const std::vector<BandedStep>& steps, const BandsShape& shape) {
    StepTraits all = {.name = "",
                      .algorithm = "bands",
                      .reads = Access::bordered,
                      .writes = Access::bordered,
                      .grain = grain_of(shape),
                      .heeds_interrupt = shape.repeated_rows() > 0};
    for (const BandedStep& s : steps) {
      const StepTraits& traits = s.step->traits();
      all.name += (all.name.empty() ? "" : " + ") + traits.name;
      all.scratch = std::max(all.scratch, traits.scratch);
      all.packed.insert(all.packed.end(), traits.packed.begin(), traits.packed.end());
      all.own_bytes += traits.own_bytes;
    }
    all.scratch += shape.held_bytes() + sum(shape.sizes());
    return all;
  }

  std::vector<BandedStep> steps_;
  BandsShape shape_;
};

// A unit is what the last step makes together: one row of its output, or a few.
class BoundBands final : public BoundStep {
 public:
  BoundBands(const Bands& step, const Layouts& layouts) : shape_(step.shape_) {
    const std::vector<BandedStep>& steps = step.steps_;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Layouts own = {{i == 0 ? layouts.in[0] : steps[i - 1].out, layouts.in[1]},
                           i + 1 == steps.size() ? layouts.out : steps[i].out};
      steps_.push_back({steps[i].step->bind(own), nullptr, steps[i].second});
      steps_[i].by_rows = &dynamic_cast<const BoundByRows&>(*steps_[i].bound);
    }
  }

  std::int64_t units(std::int64_t images) const override {
    return images * shape_.units_of_image();
  }

  void run(const Work& w) const override {
    const std::int64_t units = shape_.units_of_image();
    for (std::int64_t unit = w.first; unit < w.last;) {
      const std::int64_t image = unit / units;
      const std::int64_t end = std::min(w.last - image * units, units);
      const std::int64_t last = std::min(end * shape_.together(), shape_.height());
      Image state = image_of(w, image);
      std::int64_t row = unit % units * shape_.together();
      for (; row < last && !asked(w.interrupt); row += shape_.band()) {
        make(state, shape_.last_step(), {row, std::min(row + shape_.band(), last)});
      }
      unit = image * units + end;
    }
  }

 private:
  // An image on its way through the steps.
  struct Image {
    PerInput<Tensor> in;
    Tensor out;
    std::byte* scratch;  // of the inner steps
    Held* held;          // of each step but the last
    Interrupt* interrupt;
  };

  Image image_of(const Work& w, std::int64_t image) const {
    Image state = {w.in, w.out, w.scratch + shape_.held_bytes(), reinterpret_cast<Held*>(w.scratch),
                   w.interrupt};
    for (Tensor* t : {&state.in[0], &state.in[1], &state.out}) *t = t->from_image(image);
    for (std::size_t i = 0; i < shape_.last_step(); ++i) {
      new (state.held + i) Held{state.scratch, {-kLargest, -kLargest}};
      state.scratch += shape_.sizes()[i];
    }
    return state;
  }

  // Where pixel (0, 0) of the output of step `i` would stand if all rows were held.
  Tensor output(const Image& image, std::size_t i) const {
    if (i == shape_.last_step()) return image.out;
    const Layout& layout = shape_.out(i);
    const Held& held = image.held[i];
    const std::int64_t first = layout.border.left * layout.channels;
    return {held.data + layout.bytes(first - held.rows.first * layout.row()), layout.size(),
            layout.element};
  }

  // Makes rows of the output of step `i`, all inside the image, in whole groups of those that it
  // makes together.
  void make(Image& image, std::size_t i, const Rows& rows) const {
    if (i > 0) provide(image, i - 1, shape_.read(i, rows));
    if (asked(image.interrupt)) return;
    const Inner& s = steps_[i];
    const Tensor in = i > 0 ? output(image, i - 1) : image.in[0];
    s.by_rows->run_rows({{in, s.second ? image.in[1] : Tensor{}},
                         output(image, i),
                         1,
                         rows.first,
                         rows.last,
                         image.scratch,
                         nullptr});
  }

  // Rows of the output of step `i`, its fill value where they are outside the image. What the band
  // before has made moves to the front.
  void provide(Image& image, std::size_t i, const Rows& rows) const {
    const Layout& layout = shape_.out(i);
    Held& held = image.held[i];
    const Rows whole = shape_.in_groups(i, rows);
    const bool goes_on = held.rows.last > rows.first;
    const Rows now = {goes_on ? rows.first : whole.first, std::max(whole.last, held.rows.last)};
    const std::int64_t first = goes_on ? held.rows.last : now.first;  // that is new
    const std::int64_t row = layout.bytes(layout.row());
    if (first > now.first) {
      std::memmove(held.data, held.data + (now.first - held.rows.first) * row,
                   static_cast<std::size_t>((first - now.first) * row));
    }
    held.rows = now;
    for (std::int64_t y = first; y < now.last; ++y) {
      clear_border(layout, held.data + (y - now.first) * row, y);
    }
    const Rows inside = {std::max<std::int64_t>(first, 0), std::min(now.last, layout.height)};
    if (inside.first < inside.last) make(image, i, inside);
  }

  struct Inner {
    std::unique_ptr<const BoundStep> bound;
    const BoundByRows* by_rows;  // the same
    bool second;                 // whether it reads the second input
  };

  const BandsShape& shape_;
  std::vector<Inner> steps_;
};

std::unique_ptr<const BoundStep> Bands::bind(const Layouts& layouts) const {
  return std::make_unique<BoundBands>(*this, layouts);
}

}  // namespace

std::unique_ptr<const Step> make_bands(std::vector<BandedStep> steps) {
  const BandsShape shape(steps);
  return std::make_unique<Bands>(std::move(steps), shape);
}

}  // namespace cnnfast
