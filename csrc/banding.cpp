// Which steps of a plan run together by bands of rows. A matter of speed alone: the bits are the
// same.
#include <limits>

#include "cpu.hpp"
#include "ops/ops.hpp"
#include "plan.hpp"

namespace cnnfast {

namespace {

// Rows of an image that are enough to cut into bands, and for threads to share.
constexpr std::int64_t kLeastRows = 8;
// Of a huge image's rows at least so many for each that a thread makes twice, at the first of its
// share.
constexpr std::int64_t kRowsPerRepeated = 64;

using Chain = std::vector<PlannedStep>;

const Value& value_of(const std::vector<Value>& values, int index) {
  return values[static_cast<std::size_t>(index)];
}

// How many steps write or read each value, and how many values share its memory.
std::vector<int> uses_of(const std::vector<Value>& values, const std::vector<PlannedStep>& steps) {
  std::vector<int> uses(values.size());
  const auto use = [&](int value) { ++uses[static_cast<std::size_t>(value)]; };
  for (const Value& value : values) {
    if (value.alias_of >= 0) use(value.alias_of);
    if (value.slice_of >= 0) use(value.slice_of);
  }
  for (const PlannedStep& s : steps) {
    for (const int value : s.in) use(value);
    use(s.out);
  }
  return uses;
}

bool runs_by_rows(const PlannedStep& s, double most_bytes) {
  return s.step->traits().rows && s.step->cost().weight_bytes <= most_bytes;
}

// Whether `s` reads its input row by row, behind a step whose windows are higher, as in a separable
// convolution: joined, they make no row twice, and threads meet once less.
bool ends_row_by_row(const Chain& chain, const PlannedStep& s) {
  if (!runs_by_rows(s, kernels().tuning.light_last_bytes)) return false;
  const Window& after = s.step->traits().rows.value().window;
  return chain.back().step->traits().rows.value().window.height > 1 && after.height == 1 &&
         after.stride_y == 1;
}

bool is_pooling(const PlannedStep& s) {
  const std::optional<ByRows>& rows = s.step->traits().rows;
  return rows && rows->window.height > 1 && s.step->cost().weight_bytes == 0;
}

// Whether rows of a large image, or few enough of a small one, are made and read with light
// weights. Pooling gains nothing by it.
bool reads_light(const Chain& chain, const PlannedStep& s, const std::vector<Value>& values) {
  const Tuning& tuning = kernels().tuning;
  if (!runs_by_rows(chain.back(), tuning.light_weight_bytes) || is_pooling(s) ||
      is_pooling(chain.back())) {
    return false;
  }
  const Layout& image = value_of(values, s.in[0]).layout;
  const bool large =
      static_cast<double>(image.bytes()) >= tuning.large_image_bytes && image.height >= kLeastRows;
  return ends_row_by_row(chain, s) || (large && runs_by_rows(s, tuning.light_weight_bytes));
}

// Bytes of weights that a step reads in all, where bands are of as few rows as it makes together.
double weights_by_bands(const PlannedStep& s, const std::vector<Value>& values) {
  const Layout& out = value_of(values, s.out).layout;
  const std::int64_t together = s.step->traits().rows.value().together;
  return s.step->cost().weight_bytes * static_cast<double>(out.height) /
         static_cast<double>(together);
}

// Whether `s` reads a huge image of which rows cost less to make and read at once than the weights
// cost to read again for each band, and the threads make few rows twice.
bool reads_huge_image(const Chain& chain, const PlannedStep& s, const std::vector<Value>& values) {
  constexpr double kAny = std::numeric_limits<double>::infinity();
  const Layout& image = value_of(values, s.in[0]).layout;
  const auto bytes = static_cast<double>(image.bytes());
  if (bytes < kernels().tuning.huge_image_bytes || !runs_by_rows(s, kAny) ||
      !runs_by_rows(chain.back(), kAny))
    return false;
  std::int64_t repeated = s.step->traits().rows.value().window.repeated_rows(0);
  for (std::size_t i = chain.size() - 1; i > 0; --i) {
    repeated = chain[i].step->traits().rows.value().window.repeated_rows(repeated);
  }
  const std::int64_t height = value_of(values, chain.front().out).layout.height;
  return std::max(weights_by_bands(chain.back(), values), weights_by_bands(s, values)) <= bytes &&
         repeated * kRowsPerRepeated <= height;
}

bool is_within_inputs(const Chain& chain, const PlannedStep& s) {
  std::size_t inputs = s.in.size();
  for (const PlannedStep& before : chain) inputs += before.in.size() - 1;
  return inputs <= kMostInputs;
}

// A layer that is several steps is named once.
std::string joined_labels(const std::string& first, const std::string& second) {
  const bool same = second == first || second.rfind(first + " + ", 0) == 0;
  return same ? second : first + " + " + second;
}

PlannedStep one_step(Chain chain, const std::vector<Value>& values) {
  if (chain.size() == 1) return std::move(chain.front());
  PlannedStep all = {
      nullptr, {chain.front().in[0]}, chain.back().out, chain.front().label, nullptr};
  std::vector<BandedStep> steps;
  for (PlannedStep& s : chain) {
    const bool second = s.in.size() > 1;
    if (second) all.in.push_back(s.in[1]);
    if (!steps.empty()) all.label = joined_labels(all.label, s.label);
    steps.push_back({std::move(s.step), value_of(values, s.out).layout, second});
  }
  all.step = make_bands(std::move(steps));
  return all;
}

}  // namespace

// A step joins the one whose output it alone reads, where that is a large image or makes no
// difference to the rows.
void PlanBuilder::join_bands() {
  const std::vector<Value>& values = plan_->values_;
  const std::vector<int> uses = uses_of(values, plan_->steps_);
  const auto is_between_two_steps = [&](int index) {
    const Value& value = value_of(values, index);
    return value.storage == Storage::transient && value.owns_memory() &&
           uses[static_cast<std::size_t>(index)] == 2;
  };
  std::vector<Chain> chains;
  for (PlannedStep& s : plan_->steps_) {
    Chain chain;
    const auto before = std::find_if(chains.begin(), chains.end(),
                                     [&](const Chain& c) { return c.back().out == s.in[0]; });
    if (before != chains.end() && is_between_two_steps(s.in[0]) && is_within_inputs(*before, s) &&
        (reads_huge_image(*before, s, values) || reads_light(*before, s, values))) {
      chain = std::move(*before);
      chains.erase(before);
    }
    chain.push_back(std::move(s));
    chains.push_back(std::move(chain));
  }
  plan_->steps_.clear();
  for (Chain& chain : chains) plan_->steps_.push_back(one_step(std::move(chain), values));
}

}  // namespace cnnfast
