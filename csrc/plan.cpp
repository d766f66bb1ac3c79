#include "plan.hpp"

#include <cstring>

#include "denormals.hpp"

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
};

std::vector<StepInfo> Plan::steps() const {
  std::vector<StepInfo> infos;
  for (const Group& group : groups_) {
    for (int i = group.first; i < group.last; ++i) {
      const PlannedStep& s = steps_[static_cast<std::size_t>(i)];
      const Cost cost = s.step->cost();
      std::vector<Dims> in;
      for (const int value : s.in) in.push_back(values_[static_cast<std::size_t>(value)].dims);
      infos.push_back({s.step->name(), std::move(in), values_[static_cast<std::size_t>(s.out)].dims,
                       cost.flops, cost.weight_bytes, group.batched});
    }
  }
  return infos;
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

// Zeros around each image: rows above and below, then the columns at both sides.
void Plan::clear_border(const Value& value, const Tensor& tensor, std::int64_t images,
                        const Team& team) const {
  const Layout& layout = value.layout;
  const auto clear = [](float* p, std::int64_t n) {
    std::memset(p, 0, static_cast<std::size_t>(n) * sizeof(float));
  };
  const std::int64_t rows = layout.border.top + layout.height + layout.border.bottom;
  const Team::Range share = team.share(images * rows);
  for (std::int64_t unit = share.first; unit < share.last; ++unit) {
    const std::int64_t y = unit % rows;
    float* row = tensor.data + unit / rows * tensor.image - layout.origin() + y * layout.row();
    if (y < layout.border.top || y >= layout.border.top + layout.height) {
      clear(row, layout.row());
    } else {
      clear(row, layout.border.left * layout.channels);
      const std::int64_t right = layout.border.right * layout.channels;
      clear(row + layout.row() - right, right);
    }
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
  for (int i = group.first; i < group.last; ++i) {
    run_step(frame, steps_[static_cast<std::size_t>(i)], image, images, team);
    team.barrier();
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
    const std::lock_guard lock(mutex_);
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
  const std::lock_guard lock(mutex_);
  if (pool_.size() == kPoolSize) pool_.erase(pool_.begin());
  pool_.push_back(std::move(block));
}

void Plan::run(const std::vector<const float*>& inputs, const std::vector<float*>& outputs,
               std::int64_t images, int threads) const {
  if (images < 1) return;
  threads = useful_threads(images, threads);
  const std::int64_t size = chunk(images);
  Block workspace = take_workspace(this->workspace(images, threads));
  float* scratch = workspace.data() + transient_ * threads;
  float* resident = scratch + scratch_ * threads;
  parallel(threads, [&](const Team& team) {
    const FlushDenormals flush;
    for (std::int64_t start = 0; start < images; start += size) {
      const Frame frame = {inputs,
                           outputs,
                           resident,
                           workspace.data(),
                           scratch + scratch_ * team.index(),
                           start,
                           std::min(size, images - start)};
      for (const Group& group : groups_) run_group(frame, group, team);
    }
  });
  give_back(std::move(workspace));
}

}  // namespace cnnfast
