#include "plan.hpp"

#include <chrono>
#include <set>

#include "denormals.hpp"
#include "fork.hpp"

namespace cnnfast {

namespace {

constexpr std::int64_t kChunkFloats = std::int64_t{16} << 20;  // resident values of a chunk
constexpr std::size_t kPoolSize = 16;                          // idle workspaces kept

// Work that pays for waking one more thread, and what a core does in a second, roughly.
constexpr double kSecondsPerThread = 15e-6;
constexpr double kFlopsPerSecond = 60e9;
constexpr double kBytesPerSecond = 20e9;

}  // namespace

// What the threads of a run share: the chunk's arrays and workspace.
struct Plan::Frame {
  const std::vector<const float*>& inputs;
  const std::vector<float*>& outputs;
  float* resident;
  float* transient;     // the calling thread's
  float* scratch;       // the calling thread's
  std::int64_t start;   // of the chunk, in images
  std::int64_t images;  // of the chunk
  double* seconds;      // the calling thread's, by step; null where nobody asks
};

// Time that each thread spent in each step.
struct Plan::Profile {
  std::vector<std::vector<double>> seconds;  // by thread
  int threads = 1;                           // that ran
};

namespace {

// Adds the time since the last stamp to a step's; costs nothing where nobody asks.
class StepClock {
 public:
  explicit StepClock(double* seconds) : seconds_(seconds) {
    if (seconds_ != nullptr) last_ = Clock::now();
  }

  void stamp(int step) {
    if (seconds_ == nullptr) return;
    const Clock::time_point now = Clock::now();
    seconds_[step] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;

  double* seconds_;
  Clock::time_point last_;
};

Cost completed(Cost cost, const std::vector<Dims>& in, const Dims& out) {
  if (cost.own_flops == 0) cost.own_flops = cost.flops;
  if (cost.moved_bytes == 0) {
    cost.moved_bytes = 4 * static_cast<double>(count(out));
    for (const Dims& dims : in) cost.moved_bytes += 4 * static_cast<double>(count(dims));
  }
  return cost;
}

}  // namespace

std::vector<StepInfo> Plan::steps(std::int64_t images) const {
  std::vector<StepInfo> infos;
  for (const Group& group : groups_) {
    for (int i = group.first; i < group.last; ++i) {
      const PlannedStep& s = steps_[static_cast<std::size_t>(i)];
      StepInfo info;
      for (const int value : s.in) info.in.push_back(values_[static_cast<std::size_t>(value)].dims);
      info.out = values_[static_cast<std::size_t>(s.out)].dims;
      info.name = s.step->name();
      info.label = s.label;
      info.algorithm = s.step->algorithm(group.batched ? chunk(images) : 1);
      info.candidates = s.step->candidates;
      info.cost = completed(s.step->cost(), info.in, info.out);
      info.packed_bytes = s.step->packed_bytes();
      info.batched = group.batched;
      infos.push_back(std::move(info));
    }
  }
  return infos;
}

std::int64_t Plan::packed_bytes(const std::vector<const Plan*>& plans) {
  std::int64_t bytes = 0;
  std::set<const Packed*> counted;
  for (const Plan* plan : plans) {
    for (const PlannedStep& s : plan->steps_) {
      bytes += s.step->packed_bytes();
      for (const Packed* packed : s.step->packed()) {
        if (!counted.insert(packed).second) bytes -= packed->block.bytes();
      }
    }
  }
  return bytes;
}

std::int64_t Plan::constant_bytes() const {
  std::int64_t bytes = 0;
  for (const Block& block : constants_) bytes += block.bytes();
  return bytes;
}

std::int64_t Plan::pooled_bytes() const {
  const std::lock_guard lock(shared_state_mutex());
  std::int64_t bytes = 0;
  for (const Block& block : pool_) bytes += block.bytes();
  return bytes;
}

std::int64_t Plan::chunk(std::int64_t images) const {
  if (resident_ == 0) return images;
  return std::clamp<std::int64_t>(kChunkFloats / resident_, 1, images);
}

int Plan::useful_threads(std::int64_t images, int threads) const {
  const double seconds =
      (flops_ * static_cast<double>(images)) / kFlopsPerSecond + weight_bytes_ / kBytesPerSecond;
  return static_cast<int>(
      std::clamp(seconds / kSecondsPerThread, 1.0, static_cast<double>(threads)));
}

std::int64_t Plan::workspace(std::int64_t images, int threads) const {
  return (transient_ + scratch_) * threads + resident_ * chunk(images);
}

Tensor Plan::tensor(const Frame& frame, int index, std::int64_t image) const {
  const Value& value = values_[static_cast<std::size_t>(index)];
  const std::int64_t size = value.layout.size();
  const auto slot = static_cast<std::size_t>(value.index);
  switch (value.storage) {
    case Storage::input:  // never written
      return {const_cast<float*>(frame.inputs[slot]) + (frame.start + image) * size, size};
    case Storage::output: return {frame.outputs[slot] + (frame.start + image) * size, size};
    case Storage::transient: return {frame.transient + value.index + value.layout.origin(), size};
    case Storage::constant: return {constants_[slot].data(), 0};
    case Storage::resident: break;
  }
  return {frame.resident + value.index * frame.images + image * size + value.layout.origin(), size};
}

// Zeros around each image.
void Plan::clear_border(const Value& value, const Tensor& tensor, std::int64_t images,
                        const Team& team) const {
  const Layout& layout = value.layout;
  const std::int64_t rows = layout.border.top + layout.height + layout.border.bottom;
  const Team::Range share = team.share(images * rows);
  for (std::int64_t unit = share.first; unit < share.last; ++unit) {
    const std::int64_t y = unit % rows;
    float* row = tensor.data + unit / rows * tensor.image - layout.origin() + y * layout.row();
    cnnfast::clear_border(layout, row, y - layout.border.top);
  }
}

void Plan::run_step(const Frame& frame, const PlannedStep& s, std::int64_t image,
                    std::int64_t images, const Team& team) const {
  const Team::Range share = team.share(s.step->units(images));
  Work work = {{}, tensor(frame, s.out, image), images, share.first, share.last, frame.scratch};
  for (std::size_t i = 0; i < s.in.size(); ++i) work.in[i] = tensor(frame, s.in[i], image);
  const Value& value = values_[static_cast<std::size_t>(s.out)];
  if (!value.layout.dense()) clear_border(value, work.out, images, team);
  if (share.first < share.last) s.step->run(work);
}

void Plan::run_steps(const Frame& frame, const Group& group, std::int64_t image,
                     std::int64_t images, const Team& team) const {
  StepClock clock(frame.seconds);
  for (int i = group.first; i < group.last; ++i) {
    run_step(frame, steps_[static_cast<std::size_t>(i)], image, images, team);
    team.barrier();
    clock.stamp(i);
  }
}

// Image by image: each thread takes whole images as long as there is one for every thread;
// the rest is split inside the image, in the first thread's workspace.
void Plan::run_group(Frame frame, const Group& group, const Team& team) const {
  if (group.batched) {
    run_steps(frame, group, 0, frame.images, team);
    return;
  }
  const std::int64_t whole = frame.images / team.size() * team.size();
  const Team::Range share = team.share(whole);
  float* shared = frame.transient;
  frame.transient = shared + transient_ * team.index();
  for (std::int64_t image = share.first; image < share.last; ++image) {
    run_steps(frame, group, image, 1, Team());
  }
  team.barrier();
  frame.transient = shared;
  for (std::int64_t image = whole; image < frame.images; ++image) {
    run_steps(frame, group, image, 1, team);
  }
}

Block Plan::take_workspace(std::int64_t floats) const {
  {
    const std::lock_guard lock(shared_state_mutex());
    for (Block& block : pool_) {
      if (block.size() < floats) continue;
      Block taken = std::move(block);
      std::swap(block, pool_.back());
      pool_.pop_back();
      return taken;
    }
  }
  return Block(floats);
}

void Plan::give_back(Block block) const {
  const std::lock_guard lock(shared_state_mutex());
  if (pool_.size() == kPoolSize) pool_.erase(pool_.begin());
  pool_.push_back(std::move(block));
}

void Plan::run(const std::vector<const float*>& inputs, const std::vector<float*>& outputs,
               std::int64_t images, int threads) const {
  run_chunks(inputs, outputs, images, threads, nullptr);
}

std::vector<double> Plan::run_profiled(const std::vector<const float*>& inputs,
                                       const std::vector<float*>& outputs, std::int64_t images,
                                       int threads) const {
  Profile profile;
  profile.seconds.assign(static_cast<std::size_t>(threads), std::vector<double>(steps_.size()));
  run_chunks(inputs, outputs, images, threads, &profile);
  std::vector<double> mean(steps_.size());
  for (const std::vector<double>& seconds : profile.seconds) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += seconds[i] / profile.threads;
  }
  return mean;
}

void Plan::run_chunks(const std::vector<const float*>& inputs, const std::vector<float*>& outputs,
                      std::int64_t images, int threads, Profile* profile) const {
  if (images < 1) return;
  threads = useful_threads(images, within_limit(threads));
  const std::int64_t size = chunk(images);
  Block workspace = take_workspace(this->workspace(images, threads));
  float* scratch = workspace.data() + transient_ * threads;
  float* resident = scratch + scratch_ * threads;
  parallel(threads, [&](const Team& team) {
    const FlushDenormals flush;
    double* seconds = nullptr;
    if (profile != nullptr) {
      seconds = profile->seconds[static_cast<std::size_t>(team.index())].data();
      if (team.index() == 0) profile->threads = team.size();
    }
    for (std::int64_t start = 0; start < images; start += size) {
      const Frame frame = {inputs,
                           outputs,
                           resident,
                           workspace.data(),
                           scratch + scratch_ * team.index(),
                           start,
                           std::min(size, images - start),
                           seconds};
      for (const Group& group : groups_) run_group(frame, group, team);
    }
  });
  give_back(std::move(workspace));
}

}  // namespace cnnfast
