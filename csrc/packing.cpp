#include "packing.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <random>

#include "fork.hpp"

namespace cnnfast {

namespace {

using Shared = std::shared_ptr<const Packed>;

// Where to look for packed weights of the same content, which is then compared. The digest only
// shortens the search: it is a few bits, so that others often have the same one, and seeded, so
// that nobody can make weights that all have.
struct Key {
  Dims order;
  std::uint64_t digest;

  auto operator<=>(const Key&) const = default;
};

constexpr std::size_t kLanes = 4;  // independent chains, to hide the latency of multiplying
using Lanes = std::array<std::uint64_t, kLanes>;

Lanes random_lanes() {
  std::random_device random;
  Lanes lanes = {};
  for (std::uint64_t& lane : lanes) lane = std::uint64_t{random()} << 32 | random();
  return lanes;
}

std::uint64_t digest_of(const Packed& packed) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  constexpr int kBits = 12;
  static const Lanes seed = random_lanes();
  Lanes lanes = seed;
  Lanes words = {};
  const auto mix = [](std::uint64_t state, std::uint64_t word) {
    state = (state ^ word) * kOdd;
    return state ^ (state >> 29);
  };
  const auto* const bytes = reinterpret_cast<const std::byte*>(packed.floats());
  const auto size = static_cast<std::size_t>(packed.bytes());
  for (std::size_t at = 0; at < size; at += sizeof(words)) {
    if (size - at < sizeof(words)) words = {};
    std::memcpy(words.data(), bytes + at, std::min(sizeof(words), size - at));
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = mix(lanes[i], words[i]);
  }
  std::uint64_t digest = 0;
  for (const std::uint64_t lane : lanes) digest = mix(digest, lane);
  return digest >> (64 - kBits);
}

bool same(const Packed& a, const Packed& b) {
  return a.element() == b.element() && a.finite() == b.finite() && a.bytes() == b.bytes() &&
         std::memcmp(a.floats(), b.floats(), static_cast<std::size_t>(a.bytes())) == 0;
}

struct Store {
  std::multimap<Key, std::weak_ptr<const Packed>> packed;
  std::atomic<std::int64_t> bytes{0};
};

// Never destroyed: plans may outlive every static object.
Store& store() {
  static auto& only = *new Store;
  return only;
}

void forget(const Key& key, const Packed* packed) {
  Store& all = store();
  all.bytes -= packed->bytes();
  delete packed;
  const std::lock_guard lock(shared_state_mutex());
  auto [at, last] = all.packed.equal_range(key);
  while (at != last) at = at->second.expired() ? all.packed.erase(at) : std::next(at);
}

// One under `key` that is not among `compared`, into which it is put.
Shared candidate(const Key& key, std::vector<Shared>& compared) {
  const auto [first, last] = store().packed.equal_range(key);
  for (auto at = first; at != last; ++at) {
    Shared found = at->second.lock();
    if (found == nullptr) continue;
    if (std::find(compared.begin(), compared.end(), found) != compared.end()) continue;
    compared.push_back(found);
    return found;
  }
  return nullptr;
}

// `packed` for everybody, or what somebody else made before it with the same content.
Shared shared(Packed packed, const Dims& order) {
  Store& all = store();
  const Key key = {order, digest_of(packed)};
  // Moves without allocating, as a deleter must: the capture of a constant would be copied.
  auto deleter = [key = Key(key)](const Packed* old) { forget(key, old); };
  const auto* made = new Packed(std::move(packed));
  all.bytes += made->bytes();
  Shared own(made, std::move(deleter));
  std::vector<Shared> compared;  // outlives the lock, which what it lets go would take
  for (;;) {
    Shared other;
    {
      const std::lock_guard lock(shared_state_mutex());
      other = candidate(key, compared);
      if (other == nullptr) {
        all.packed.emplace(key, own);
        return own;
      }
    }
    if (same(*own, *other)) return other;
  }
}

}  // namespace

SharedKernel::SharedKernel(KernelRows rows) : state_(new State{std::move(rows), {}}) {}

Shared SharedKernel::packed(Packing form, Dims order, const Pack& pack) const {
  order.insert(order.begin(), static_cast<std::int64_t>(form));
  {
    const std::lock_guard lock(shared_state_mutex());
    const auto found = state_->packed.find(order);
    if (found != state_->packed.end()) return found->second;
  }
  Shared made = shared(pack(state_->rows), order);
  const std::lock_guard lock(shared_state_mutex());
  return state_->packed.try_emplace(std::move(order), std::move(made)).first->second;
}

Shared SharedKernel::plain() const {
  return packed(Packing::plain, {state_->rows.size()}, [](const KernelRows& rows) {
    Packed packed(rows.size());
    rows.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
      std::copy_n(numbers, (last - first) * rows.width(), packed.data() + first * rows.width());
    });
    return packed;
  });
}

std::vector<Shared> SharedKernel::all() const {
  const std::lock_guard lock(shared_state_mutex());
  std::vector<Shared> found;
  for (const auto& [order, packed] : state_->packed) found.push_back(packed);
  return found;
}

std::int64_t packed_bytes() { return store().bytes; }

}  // namespace cnnfast
