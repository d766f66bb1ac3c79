#include "plan.hpp"

#include <set>

#include "cpu.hpp"

namespace cnnfast {

namespace {

// The most that is ever kept of resident values in a portion.
constexpr std::int64_t kMostBytes = std::int64_t{64} << 20;

std::int64_t divided_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

std::vector<StepInfo> Plan::steps(std::int64_t images, int threads) const {
  std::vector<StepInfo> infos;
  for (const Group& group : groups_) {
    for (int i = group.first; i < group.last; ++i) {
      const PlannedStep& s = steps_[static_cast<std::size_t>(i)];
      StepInfo info;
      for (const int value : s.in) info.in.push_back(values_[static_cast<std::size_t>(value)].dims);
      info.out = values_[static_cast<std::size_t>(s.out)].dims;
      const StepTraits& traits = s.step->traits();
      info.name = traits.name;
      info.label = s.label;
      info.images = group.batched ? portion(images, threads) : 1;
      info.algorithm = info.images == 1 ? traits.algorithm_of_one : traits.algorithm;
      info.candidates = traits.candidates;
      info.cost = s.step->cost();
      info.packed_bytes = traits.packed_bytes();
      info.units = s.bound->units(info.images);
      info.batched = group.batched;
      infos.push_back(std::move(info));
    }
  }
  return infos;
}

std::int64_t Plan::packed_bytes(const std::vector<const Plan*>& plans,
                                const std::vector<SharedKernel>& kernels) {
  std::int64_t bytes = 0;
  std::set<const Packed*> counted;
  for (const Plan* plan : plans) {
    for (const PlannedStep& s : plan->steps_) {
      bytes += s.step->traits().own_bytes;
      for (const auto& packed : s.step->traits().packed) {
        if (counted.insert(packed.get()).second) bytes += packed->bytes();
      }
    }
    for (const auto& constant : plan->constants_) {
      if (counted.insert(constant.get()).second) bytes += constant->bytes();
    }
  }
  for (const SharedKernel& kernel : kernels) {
    for (const std::shared_ptr<const Packed>& packed : kernel.all()) {
      if (counted.insert(packed.get()).second) bytes += packed->bytes();
    }
  }
  return bytes;
}

std::int64_t Plan::constant_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& constant : constants_) bytes += constant->bytes();
  return bytes;
}

// Each portion reads the batched weights again; of values that the cache does not hold, all but as
// much as it holds is written to memory and read back. The sum is least for as many images as fit
// where the weights are less than twice what it holds, and otherwise for as many as there may be.
std::int64_t Plan::portion(std::int64_t images, int threads) const {
  if (resident_ == 0) return images;
  const std::int64_t cached = kernels().tuning.shared_cache_bytes;
  const bool heavy = batched_weight_bytes_ > 2.0 * static_cast<double>(cached);
  const std::int64_t most = std::max<std::int64_t>(kMostBytes / resident_, 1);
  const std::int64_t fitting = std::max<std::int64_t>(cached / resident_, threads);
  const std::int64_t size = heavy ? most : std::min(fitting, most);
  if (size >= images) return images;
  // Portions of about one size, a multiple of the threads.
  const std::int64_t unit = std::min<std::int64_t>(size, threads);
  const std::int64_t portions = divided_up(images, size / unit * unit);
  return divided_up(divided_up(images, portions), unit) * unit;
}

// A step computes and moves numbers at once: what takes longer counts.
int Plan::useful_threads(std::int64_t images, int threads) const {
  const auto all = static_cast<double>(images);
  const Tuning& tuning = kernels().tuning;
  double useful = 0;
  for (const Cost& cost : costs_) {
    const double computing = cost.own_flops * all / tuning.flops_per_second;
    const double moving = (cost.moved_bytes * all + cost.weight_bytes) / tuning.bytes_per_second;
    useful += std::max(computing, moving) / tuning.wake_seconds;
    if (useful >= threads) return threads;
  }
  return std::max(1, static_cast<int>(useful));
}

std::int64_t Plan::places(std::int64_t images, int threads) const {
  return portion(images, threads) < threads ? 1 : threads;
}

std::int64_t Plan::workspace(std::int64_t images, int threads) const {
  return transient_ * places(images, threads) + scratch_ * threads +
         resident_ * portion(images, threads);
}

}  // namespace cnnfast
