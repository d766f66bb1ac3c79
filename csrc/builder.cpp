// From steps to a plan: layouts, groups, places in memory.
#include <algorithm>
#include <stdexcept>

#include "arena.hpp"
#include "cpu.hpp"
#include "ops/ops.hpp"
#include "plan.hpp"

namespace cnnfast {

namespace {

template <class T>
decltype(auto) at(T& items, int i) {
  return items[static_cast<std::size_t>(i)];
}

// Of a step for one image on a core that is slow, or shared with others.
double seconds_of(const PlannedStep& s) {
  const Tuning& tuning = kernels().tuning;
  const Cost cost = s.step->cost();
  return std::max(cost.flops, cost.own_flops) / tuning.slow_flops_per_second +
         (cost.moved_bytes + cost.weight_bytes) / tuning.slow_bytes_per_second;
}

}  // namespace

int PlanBuilder::new_value(Dims dims, Element element, float fill) {
  if (count(dims) == 0) throw std::invalid_argument("a tensor must not be empty");
  if (element != Element::float32 && element != Element::uint8) {
    throw std::invalid_argument("what a step makes is of float32 or uint8");
  }
  Value value;
  value.layout = layout_of(dims, element, fill);
  value.dims = std::move(dims);
  plan_->values_.push_back(std::move(value));
  return static_cast<int>(plan_->values_.size()) - 1;
}

int PlanBuilder::input(Dims dims) {
  const int value = new_value(std::move(dims));
  at(plan_->values_, value).storage = Storage::input;
  at(plan_->values_, value).index = input_count_++;
  plan_->inputs_.push_back(this->dims(value));
  return value;
}

int PlanBuilder::constant(const SharedKernel& numbers, Dims dims) {
  const int value = new_value(std::move(dims));
  at(plan_->values_, value).storage = Storage::constant;
  at(plan_->values_, value).index = static_cast<std::int64_t>(plan_->constants_.size());
  plan_->constants_.push_back(numbers.plain());
  if (plan_->constants_.back()->size() != count(this->dims(value))) {
    throw std::invalid_argument("a constant has as many numbers as its shape says");
  }
  return value;
}

int PlanBuilder::add(std::unique_ptr<const Step> step, std::vector<int> in, Dims out) {
  const StepTraits& traits = step->traits();
  for (const int value : in) {
    if (layout(value).element != traits.takes) {
      throw std::invalid_argument(traits.takes == Element::uint8
                                      ? "this operation is one of tensors of uint8"
                                      : "this operation is one of tensors of float32");
    }
  }
  const int value = new_value(std::move(out), traits.makes, traits.fill);
  plan_->steps_.push_back({std::move(step), std::move(in), value, label_, nullptr});
  return value;
}

int PlanBuilder::concat(const std::vector<int>& in, Dims out, int axis) {
  if (axis < 0 || static_cast<std::size_t>(axis) >= out.size() || in.empty()) {
    throw std::invalid_argument("concat needs inputs and one of their axes");
  }
  const Layout first = layout(in.front());
  const int value = new_value(std::move(out), first.element, first.fill);
  std::int64_t start = 0;
  const bool channels = static_cast<std::size_t>(axis) + 1 == dims(value).size();
  for (const int part : in) {
    if (layout(part).element != first.element || layout(part).fill != first.fill) {
      throw std::invalid_argument("the inputs of concat have one element type and zero point");
    }
    auto step = make_place(dims(part), dims(value), axis, start, first.element);
    if (channels) joins_.push_back({step.get(), part, value, start});
    plan_->steps_.push_back({std::move(step), {part}, value, label_, nullptr});
    start += at(dims(part), axis);
  }
  if (start != at(dims(value), axis)) {
    throw std::invalid_argument("the inputs of concat must fill its output");
  }
  return value;
}

int PlanBuilder::reduce(int in, Dims out, ReductionKind kind, int first, int last) {
  const Reduction all = reduction_of(dims(in), kind, first, last);
  if (count(out) != all.outer * all.inner) {
    throw std::invalid_argument("a reduction keeps the other axes");
  }
  const float divisor = kind == ReductionKind::mean ? static_cast<float>(all.n) : 1.0F;
  const std::int64_t parts = parts_of(all);
  if (parts == 1) return add(make_reduce(all, 1, divisor), {in}, std::move(out));
  in = add(make_reduce(all, parts, 1.0F), {in}, {all.outer, parts, all.inner});
  return add(make_reduce({kind, all.outer, parts, all.inner}, 1, divisor), {in}, std::move(out));
}

int PlanBuilder::matmul(int a, int b, Dims out) {
  const MatrixProduct product = matrix_product(dims(a), dims(b), out);
  Dims packed = packed_operand(product);
  if (!packed.empty()) b = add(make_pack_operand(product), {b}, std::move(packed));
  return add(make_matmul(product), {a, b}, std::move(out));
}

int PlanBuilder::reshape(int in, Dims out) {
  if (count(dims(in)) != count(out)) {
    throw std::invalid_argument("a reshape keeps the number of elements");
  }
  const int value = new_value(std::move(out), layout(in).element, layout(in).fill);
  at(plan_->values_, value).alias_of = in;
  return value;
}

const Dims& PlanBuilder::dims(int value) const {
  if (value < 0 || static_cast<std::size_t>(value) >= plan_->values_.size()) {
    throw std::invalid_argument("no such value in this plan");
  }
  return at(plan_->values_, value).dims;
}

const Layout& PlanBuilder::layout(int value) const {
  dims(value);
  return at(plan_->values_, value).layout;
}

int PlanBuilder::root(int value) const {
  for (;;) {
    const Value& v = at(plan_->values_, value);
    if (v.owns_memory()) return value;
    value = std::max(v.alias_of, v.slice_of);
  }
}

// A step before `before` that copies value `of`; returns the copy.
int PlanBuilder::add_copy(std::size_t before, int of) {
  const Layout from = layout(of);
  const int copy = new_value(dims(of), from.element, from.fill);
  auto& steps = plan_->steps_;
  std::string label = steps.empty() ? label_ : steps[std::min(before, steps.size() - 1)].label;
  steps.insert(
      steps.begin() + static_cast<std::ptrdiff_t>(before),
      PlannedStep{make_copy(dims(of), from.element), {of}, copy, std::move(label), nullptr});
  return copy;
}

// The step that makes an output writes into the caller's array; where another array already
// holds the value, it is copied.
void PlanBuilder::place_outputs(const std::vector<int>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    plan_->outputs_.push_back(dims(outputs[i]));
    int value = root(outputs[i]);
    if (at(plan_->values_, value).storage != Storage::transient) {
      value = add_copy(plan_->steps_.size(), outputs[i]);
    }
    at(plan_->values_, value).storage = Storage::output;
    at(plan_->values_, value).index = static_cast<std::int64_t>(i);
  }
}

// Whether every step that writes or reads the part can do so among the channels of the whole.
bool PlanBuilder::can_be_slice(const Join& join) const {
  const Value& part = at(plan_->values_, join.part);
  if (part.storage != Storage::transient || !part.owns_memory()) return false;
  for (const Value& value : plan_->values_) {
    if (value.alias_of == join.part) return false;
  }
  for (const PlannedStep& s : plan_->steps_) {
    const bool reads = std::find(s.in.begin(), s.in.end(), join.part) != s.in.end();
    if (reads && s.step.get() != join.step && s.step->traits().reads < Access::slice) return false;
    if (s.out == join.part && s.step->traits().writes < Access::slice) return false;
  }
  return true;
}

// What is concatenated along the channels is written where it goes, if it can be. The last
// concatenation comes first: a part of one that is a slice itself becomes a slice of the same
// value.
void PlanBuilder::place_slices() {
  for (auto join = joins_.rbegin(); join != joins_.rend(); ++join) {
    if (!can_be_slice(*join)) continue;
    Value& part = at(plan_->values_, join->part);
    part.slice_of = root(join->whole);
    part.slice_start = at(plan_->values_, join->whole).slice_start + join->start;
    std::erase_if(plan_->steps_, [&](const PlannedStep& s) { return s.step.get() == join->step; });
  }
  joins_.clear();
}

// A value gets the border of zeros that its readers want where it is stored, unless it is the
// caller's array or a step or reshape needs it dense: then a copy gets the border.
void PlanBuilder::give_borders() {
  std::vector<bool> dense(plan_->values_.size());
  for (std::size_t v = 0; v < plan_->values_.size(); ++v) {
    const Value& value = plan_->values_[v];
    if (value.storage != Storage::transient) dense[v] = true;
    if (value.alias_of < 0) continue;
    dense[v] = true;
    at(dense, root(static_cast<int>(v))) = true;
  }
  for (const PlannedStep& s : plan_->steps_) {
    for (const int value : s.in) {
      if (s.step->traits().reads < Access::bordered) at(dense, value) = true;
    }
    if (s.step->traits().writes < Access::bordered) at(dense, s.out) = true;
  }
  for (std::size_t i = 0; i < plan_->steps_.size(); ++i) {
    const Border border = plan_->steps_[i].step->traits().border;
    if (border.empty()) continue;
    int value = plan_->steps_[i].in[0];
    if (at(dense, root(value))) {
      value = add_copy(i++, value);
      dense.push_back(false);
      plan_->steps_[i].in[0] = value;
    }
    at(plan_->values_, root(value)).layout.border.grow(border);
  }
  for (Value& value : plan_->values_) {
    if (value.slice_of < 0) continue;
    const Layout& whole = at(plan_->values_, value.slice_of).layout;
    value.layout.border = whole.border;
    value.layout.whole = whole.channels;
  }
  for (Value& value : plan_->values_) {
    count({value.layout.border.top + value.layout.height + value.layout.border.bottom,
           value.layout.border.left + value.layout.width + value.layout.border.right,
           value.layout.pixel()});
  }
}

void PlanBuilder::bind_steps() {
  for (PlannedStep& s : plan_->steps_) {
    Layouts layouts = {{}, at(plan_->values_, s.out).layout};
    for (std::size_t i = 0; i < s.in.size(); ++i) {
      layouts.in[i] = at(plan_->values_, s.in[i]).layout;
    }
    s.bound = s.step->bind(layouts);
    plan_->scratch_ = std::max(plan_->scratch_, aligned(s.step->traits().scratch));
    plan_->seconds_.push_back(seconds_of(s));
    plan_->all_seconds_ += plan_->seconds_.back();
    plan_->costs_.push_back(s.step->cost());
  }
}

// A new group starts where a step with weights prefers the other way of running; the steps
// between follow the group they are in.
void PlanBuilder::group_steps() {
  for (int i = 0; i < static_cast<int>(plan_->steps_.size()); ++i) {
    const Step& step = *at(plan_->steps_, i).step;
    const bool batched = step.traits().batched;
    const bool follows = !plan_->groups_.empty() && step.cost().weight_bytes == 0;
    if (follows || (!plan_->groups_.empty() && plan_->groups_.back().batched == batched)) {
      plan_->groups_.back().last = i + 1;
    } else {
      plan_->groups_.push_back({i, i + 1, batched});
    }
    if (batched) plan_->batched_weight_bytes_ += step.cost().weight_bytes;
  }
}

// A step that can writes over its first input where that is as large and nothing reads it later:
// what is in cache stays there.
void PlanBuilder::reuse_inputs() {
  std::vector<std::size_t> last_read(plan_->values_.size());
  for (std::size_t i = 0; i < plan_->steps_.size(); ++i) {
    for (const int value : at(plan_->steps_, static_cast<int>(i)).in)
      at(last_read, root(value)) = i;
  }
  for (std::size_t i = 0; i < plan_->steps_.size(); ++i) {
    const PlannedStep& s = plan_->steps_[i];
    const int in = root(s.in[0]);
    const Value& from = at(plan_->values_, in);
    Value& to = at(plan_->values_, s.out);
    if (s.step->traits().overwrites && at(last_read, in) == i &&
        from.storage == Storage::transient && to.storage == Storage::transient &&
        from.layout.bytes() == to.layout.bytes()) {
      to.alias_of = in;
      at(last_read, in) = at(last_read, s.out);
    }
  }
}

// Values that live inside one image-by-image group share a small workspace; the others have a
// place for each image of the portion, and inside such a group they live from its start to its
// end, because the group starts again for every image.
void PlanBuilder::place_values() {
  const int steps = static_cast<int>(plan_->steps_.size());
  std::vector<const Group*> group_of(static_cast<std::size_t>(steps));
  for (const Group& g : plan_->groups_) {
    for (int i = g.first; i < g.last; ++i) at(group_of, i) = &g;
  }
  std::vector<Lifetime> lives(plan_->values_.size(), Lifetime{0, steps, 0});
  const auto touch = [&](int value, int step) {
    Lifetime& life = at(lives, root(value));
    life.first = std::min(life.first, step);
    life.last = std::max(life.last, step + 1);
  };
  for (int i = 0; i < steps; ++i) {
    for (const int value : at(plan_->steps_, i).in) touch(value, i);
    touch(at(plan_->steps_, i).out, i);
  }
  std::vector<Lifetime> transient;
  std::vector<Lifetime> resident;
  std::vector<Value*> transient_values;
  std::vector<Value*> resident_values;
  for (std::size_t v = 0; v < lives.size(); ++v) {
    Value& value = plan_->values_[v];
    Lifetime life = lives[v];
    if (value.storage != Storage::transient || !value.owns_memory() || life.last == 0) continue;
    life.bytes = value.layout.held_bytes(value.layout.size());
    const Group* from = at(group_of, life.first);
    const Group* to = at(group_of, life.last - 1);
    if (from == to && !from->batched) {
      transient.push_back(life);
      transient_values.push_back(&value);
      continue;
    }
    value.storage = Storage::resident;
    if (!from->batched) life.first = from->first;
    if (!to->batched) life.last = to->last;
    resident.push_back(life);
    resident_values.push_back(&value);
  }
  plan_->transient_ = place(transient);
  plan_->resident_ = place(resident);
  for (std::size_t i = 0; i < transient.size(); ++i) {
    transient_values[i]->index = transient[i].offset;
  }
  for (std::size_t i = 0; i < resident.size(); ++i) resident_values[i]->index = resident[i].offset;
}

std::unique_ptr<Plan> PlanBuilder::build(const std::vector<int>& outputs) {
  for (const int value : outputs) {
    if (layout(value).element != Element::float32) {
      throw std::invalid_argument("what a plan gives out is of float32");
    }
  }
  place_outputs(outputs);
  place_slices();
  give_borders();
  join_bands();
  bind_steps();
  group_steps();
  reuse_inputs();
  place_values();
  for (Value& value : plan_->values_) {
    if (value.owns_memory()) continue;
    const Value& owner = at(plan_->values_, root(static_cast<int>(&value - plan_->values_.data())));
    value.storage = owner.storage;
    value.index = owner.index;
  }
  input_count_ = 0;
  return std::exchange(plan_, std::make_unique<Plan>());
}

}  // namespace cnnfast
