// A run of a plan: the phases of its job, and what a thread does in each.
#include <chrono>
#include <optional>

#include "plan.hpp"
#include "platform/denormals.hpp"
#include "threading/threading.hpp"
#include "workspaces.hpp"

namespace cnnfast {

namespace {

constexpr int kPartsPerThread = 4;
constexpr int kGrainsPerPart = 2;  // at least, of a step that is cut between its grains

// On a slow core: a run that takes longer can be interrupted, and is cut in parts that take less.
constexpr double kLongRun = 0.2;                     // seconds
constexpr double kLongPart = 0.02;                   // the same
constexpr std::int64_t kRowsBetweenInterrupts = 16;  // whose borders are cleared

struct Range {
  std::int64_t first;
  std::int64_t last;
};

// Part `part` of [0, n): sizes differ by at most one.
Range cut(std::int64_t n, int part, int parts) {
  return {n * part / parts, n * (part + 1) / parts};
}

}  // namespace

class Plan::Execution final : public Job {
 public:
  Execution(const Plan& plan, const std::vector<const float*>& inputs,
            const std::vector<float*>& outputs, std::int64_t images, int threads,
            std::byte* workspace, Interrupt* interrupt)
      : plan_(plan),
        inputs_(inputs),
        outputs_(outputs),
        threads_(threads),
        transient_(workspace),
        scratch_(workspace + plan.transient_ * plan.places(images, threads)),
        resident_(scratch_ + plan.scratch_ * threads) {
    if (interrupt != nullptr && plan.all_seconds_ * static_cast<double>(images) > kLongRun) {
      interrupt_.emplace(*interrupt);
    }
    const std::int64_t size = plan.portion(images, threads);
    phases_.reserve(plan.steps_.size());
    for (std::int64_t start = 0; start < images; start += size) {
      const Portion portion = {start, std::min(size, images - start)};
      for (const Group& group : plan.groups_) add_phases(group, portion);
    }
  }

  // Takes the time of each step from now on.
  void watch() {
    const auto threads = static_cast<std::size_t>(threads_);
    seconds_.assign(threads, std::vector<double>(plan_.steps_.size()));
    begin_ = Clock::now();
  }

  // Of each step: the mean over the threads.
  std::vector<double> seconds() const {
    std::vector<double> mean(plan_.steps_.size());
    for (const std::vector<double>& own : seconds_) {
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += own[i] / threads_;
    }
    return mean;
  }

  void waiting() noexcept override { interrupted(0); }

  int phases() const override { return static_cast<int>(phases_.size()); }
  int parts(int phase) const override { return phases_[static_cast<std::size_t>(phase)].parts; }

  void run(int index, int part, int thread) noexcept override {
    if (interrupted(thread)) return;
    const Phase& phase = phases_[static_cast<std::size_t>(index)];
    if (phase.grain > 0) {
      run_step(phase, phase.steps.first, part, phase.parts, 0, thread);
      return;
    }
    const Range images = cut(phase.images, part, phase.parts);
    Phase one = phase;
    one.images = 1;
    one.grain = 1;
    for (one.image = images.first; one.image < images.last; ++one.image) {
      for (int i = phase.steps.first; i < phase.steps.last; ++i) {
        const Clock::time_point begin = now();
        if (interrupt_) {
          run_in_pieces(one, i, thread);
        } else {
          run_step(one, i, 0, 1, thread, thread);
        }
        add_seconds(thread, i, begin);
      }
    }
  }

  // A shared step took every thread's time.
  void finished(int index) noexcept override {
    const Phase& phase = phases_[static_cast<std::size_t>(index)];
    for (int thread = 0; phase.grain > 0 && thread < threads_; ++thread) {
      add_seconds(thread, phase.steps.first, begin_);
    }
    begin_ = now();
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Portion {
    std::int64_t start;  // in images
    std::int64_t images;
  };

  // A step that the threads share, or steps of which each thread takes whole images.
  struct Phase {
    Group steps;
    Portion portion;
    std::int64_t image;  // of the portion
    std::int64_t images;
    int parts;
    std::int64_t grain;  // units that stay together; 0 where parts are images
  };

  void add_phases(const Group& group, const Portion& portion) {
    if (group.batched) {
      add_steps(group, portion, 0, portion.images);
      return;
    }
    // As long as there is an image for every thread; the rest is shared image by image.
    const std::int64_t whole = portion.images / threads_ * threads_;
    if (whole > 0) {
      const auto parts = static_cast<int>(std::min<std::int64_t>(whole, kMostParts));
      phases_.push_back({group, portion, 0, whole, parts, 0});
    }
    for (std::int64_t image = whole; image < portion.images; ++image) {
      add_steps(group, portion, image, 1);
    }
  }

  // With units enough, each thread has several parts, so that all end together.
  void add_steps(const Group& group, const Portion& portion, std::int64_t image,
                 std::int64_t images) {
    const std::int64_t fine = std::min(kMostParts, threads_ * kPartsPerThread);
    for (int i = group.first; i < group.last; ++i) {
      const std::int64_t grain = traits_of(i).grain;
      const std::int64_t units = step_at(i).units(images);
      const bool many = units / grain >= kGrainsPerPart * fine;
      std::int64_t parts = many ? fine : std::clamp<std::int64_t>(units, 1, threads_);
      if (threads_ == 1) parts = 1;
      const std::int64_t pieces = interrupt_ ? pieces_of(i, images) : 1;
      const bool grains = many || pieces > parts;
      phases_.push_back({{i, i + 1, group.batched},
                         portion,
                         image,
                         images,
                         static_cast<int>(std::max(parts, pieces)),
                         grains ? grain : 1});
    }
  }

  const BoundStep& step_at(int index) const {
    return *plan_.steps_[static_cast<std::size_t>(index)].bound;
  }
  const StepTraits& traits_of(int index) const {
    return plan_.steps_[static_cast<std::size_t>(index)].step->traits();
  }

  // In how many parts to run a step so that an interrupt need not wait long.
  std::int64_t pieces_of(int index, std::int64_t images) const {
    const StepTraits& traits = traits_of(index);
    if (traits.heeds_interrupt) return 1;
    const double seconds = plan_.seconds_[static_cast<std::size_t>(index)];
    const auto wanted =
        static_cast<std::int64_t>(seconds * static_cast<double>(images) / kLongPart);
    const std::int64_t grains = step_at(index).units(images) / traits.grain;
    return std::clamp<std::int64_t>(std::min(wanted, grains), 1, kMostParts);
  }

  bool interrupted(int thread) { return interrupt_ && interrupt_->of(thread).asked(); }

  // A step for one image, in the workspace of the thread.
  void run_in_pieces(Phase phase, int index, int thread) {
    const auto pieces = static_cast<int>(pieces_of(index, 1));
    if (pieces > 1) phase.grain = traits_of(index).grain;
    for (int piece = 0; piece < pieces && !interrupted(thread); ++piece) {
      run_step(phase, index, piece, pieces, thread, thread);
    }
  }

  // Part `part` of a step, for values in the workspace of thread `place`.
  void run_step(const Phase& phase, int index, int part, int parts, int place, int thread) {
    const PlannedStep& s = plan_.steps_[static_cast<std::size_t>(index)];
    const std::int64_t units = s.bound->units(phase.images);
    const std::int64_t grains = (units + phase.grain - 1) / phase.grain;
    const Range range = cut(grains, part, parts);
    Work work = {{},
                 tensor(phase, s.out, place),
                 phase.images,
                 range.first * phase.grain,
                 std::min(units, range.last * phase.grain),
                 scratch_ + plan_.scratch_ * thread,
                 interrupt_ ? &interrupt_->of(thread) : nullptr};
    for (std::size_t i = 0; i < s.in.size(); ++i) work.in[i] = tensor(phase, s.in[i], place);
    const Value& value = plan_.values_[static_cast<std::size_t>(s.out)];
    if (!value.layout.border.empty()) {
      const std::int64_t rows = phase.images * rows_of(value.layout);
      clear_borders(value, work.out, cut(rows, part, parts), work.interrupt);
    }
    if (work.first < work.last) s.bound->run(work);
  }

  static std::int64_t rows_of(const Layout& layout) {
    return layout.border.top + layout.height + layout.border.bottom;
  }

  // In new memory it touches every page, which takes long for a large image.
  static void clear_borders(const Value& value, const Tensor& tensor, const Range& share,
                            Interrupt* interrupt) {
    const std::int64_t rows =
        interrupt == nullptr ? share.last - share.first : kRowsBetweenInterrupts;
    for (std::int64_t row = share.first; row < share.last && !asked(interrupt); row += rows) {
      clear_borders(value, tensor, {row, std::min(share.last, row + rows)});
    }
  }

  // The border of some rows of all images; around those it is a slice of, if it is one.
  static void clear_borders(const Value& value, const Tensor& tensor, const Range& share) {
    const Layout& layout = value.layout;
    std::byte* const first = tensor.data - layout.bytes(value.slice_start + layout.origin());
    const std::int64_t rows = rows_of(layout);
    for (std::int64_t unit = share.first; unit < share.last; ++unit) {
      const std::int64_t y = unit % rows;
      std::byte* row = first + layout.bytes(unit / rows * tensor.image + y * layout.row());
      clear_border(layout, row, y - layout.border.top);
    }
  }

  Tensor tensor(const Phase& phase, int index, int place) const {
    const Value& value = plan_.values_[static_cast<std::size_t>(index)];
    const Layout& layout = value.layout;
    std::byte* const images = images_of(value, phase, place);
    const std::int64_t image = value.storage == Storage::constant ? 0 : layout.size();
    return {images + layout.bytes(layout.origin() + value.slice_start), image, layout.element};
  }

  // Where the first image of the phase stands, with its border.
  std::byte* images_of(const Value& value, const Phase& phase, int place) const {
    const std::int64_t bytes = value.layout.bytes();
    const std::int64_t image = phase.portion.start + phase.image;
    const auto slot = static_cast<std::size_t>(value.index);
    switch (value.storage) {
      case Storage::input: return never_written(inputs_[slot]) + image * bytes;
      case Storage::output: return reinterpret_cast<std::byte*>(outputs_[slot]) + image * bytes;
      case Storage::transient: return transient_ + plan_.transient_ * place + value.index;
      case Storage::constant: return never_written(plan_.constants_[slot]->floats());
      case Storage::resident: break;
    }
    return resident_ + value.index * phase.portion.images + phase.image * bytes;
  }

  static std::byte* never_written(const float* numbers) {
    return reinterpret_cast<std::byte*>(const_cast<float*>(numbers));
  }

  Clock::time_point now() const { return seconds_.empty() ? Clock::time_point() : Clock::now(); }

  // Costs nothing where nobody asks.
  void add_seconds(int thread, int step, Clock::time_point begin) {
    if (seconds_.empty()) return;
    seconds_[static_cast<std::size_t>(thread)][static_cast<std::size_t>(step)] +=
        std::chrono::duration<double>(now() - begin).count();
  }

  const Plan& plan_;
  const std::vector<const float*>& inputs_;
  const std::vector<float*>& outputs_;
  int threads_;
  std::byte* transient_;  // a place for each thread that takes images of its own
  std::byte* scratch_;    // a piece for each thread
  std::byte* resident_;
  std::optional<SharedInterrupt> interrupt_;  // of a long run
  std::vector<Phase> phases_;
  std::vector<std::vector<double>> seconds_;  // by thread and step; empty where nobody asks
  Clock::time_point begin_;                   // of the phase
};

std::vector<double> Plan::execute(const std::vector<const float*>& inputs,
                                  const std::vector<float*>& outputs, std::int64_t images,
                                  int threads, Interrupt* interrupt, bool watched) const {
  if (images < 1) return std::vector<double>(steps_.size());
  threads = within_limit(threads);
  const Workspace memory(workspace(images, threads));
  Execution execution(*this, inputs, outputs, images, threads, memory.data(), interrupt);
  if (watched) execution.watch();
  {
    const FlushDenormals flush;
    run_job(execution, threads);
  }
  return watched ? execution.seconds() : std::vector<double>();
}

void Plan::run(const std::vector<const float*>& inputs, const std::vector<float*>& outputs,
               std::int64_t images, int threads, Interrupt* interrupt) const {
  execute(inputs, outputs, images, threads, interrupt, false);
}

std::vector<double> Plan::run_profiled(const std::vector<const float*>& inputs,
                                       const std::vector<float*>& outputs, std::int64_t images,
                                       int threads, Interrupt* interrupt) const {
  return execute(inputs, outputs, images, threads, interrupt, true);
}

}  // namespace cnnfast
