#include "packing.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <map>

#include "fork.hpp"

namespace cnnfast {

namespace {

using Digest = std::array<std::uint64_t, 2>;

struct Key {
  Dims order;
  Digest digest;

  auto operator<=>(const Key&) const = default;
};

constexpr std::size_t kLanes = 4;  // independent chains, to hide the latency of multiplying
using Lanes = std::array<std::uint64_t, kLanes>;

// One to one for each word, so that kernels which differ in one word never agree.
std::uint64_t mix(std::uint64_t state, std::uint64_t word, std::uint64_t odd) {
  state = (state ^ word) * odd;
  return state ^ (state >> 32);
}

// Two functions of all words, with multipliers of no pattern (digits of pi and e).
Digest digest_of(const KernelRows& kernel) {
  constexpr std::uint64_t kOdd[2] = {0x243f6a8885a308d3, 0xb7e151628aed2a6b};
  Lanes states[2] = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  Lanes words = {};
  const auto add = [&](const float* from, std::size_t floats) {
    std::memcpy(&words, from, floats * sizeof(float));
    for (std::size_t i = 0; i < kLanes; ++i) {
      for (std::size_t f = 0; f < 2; ++f) states[f][i] = mix(states[f][i], words[i], kOdd[f]);
    }
  };
  constexpr std::int64_t kFloats = sizeof(words) / sizeof(float);
  kernel.visit([&](std::int64_t first, std::int64_t last, const float* numbers) {
    const std::int64_t count = (last - first) * kernel.width();
    const std::int64_t whole = count / kFloats * kFloats;
    for (std::int64_t at = 0; at < whole; at += kFloats) add(numbers + at, kFloats);
    if (whole == count) return;
    words = {};
    add(numbers + whole, static_cast<std::size_t>(count - whole));
  });
  Digest digest = {};
  for (std::size_t f = 0; f < 2; ++f) {
    for (const std::uint64_t state : states[f]) digest[f] = mix(digest[f], state, kOdd[1 - f]);
  }
  return digest;
}

struct Store {
  std::map<Key, std::weak_ptr<const Packed>> packed;
  std::atomic<std::int64_t> bytes{0};
};

// Never destroyed: plans may outlive every static object.
Store& store() {
  static auto& only = *new Store;
  return only;
}

std::int64_t bytes_of(const Packed& packed) { return packed.block.size() * 4; }

void forget(const Key& key, const Packed* packed) {
  Store& all = store();
  all.bytes -= bytes_of(*packed);
  delete packed;
  const std::lock_guard lock(shared_state_mutex());
  const auto found = all.packed.find(key);
  if (found != all.packed.end() && found->second.expired()) all.packed.erase(found);
}

}  // namespace

std::shared_ptr<const Packed> shared_packed(const KernelRows& source, Dims order,
                                            const std::function<Packed(const KernelRows&)>& pack) {
  // Twice through the rows of a large kernel costs less memory than to hold it.
  constexpr std::int64_t kLargestHeld = 3 << 20;
  Block held;
  const KernelRows kernel = source.size() > kLargestHeld ? source : source.all(held);
  const Key key = {std::move(order), digest_of(kernel)};
  Store& all = store();
  {
    const std::lock_guard lock(shared_state_mutex());
    const auto found = all.packed.find(key);
    if (found != all.packed.end()) {
      if (auto shared = found->second.lock()) return shared;
    }
  }
  // Moves without allocating, as a deleter must: the capture of a constant would be copied.
  auto deleter = [key = Key(key)](const Packed* packed) { forget(key, packed); };
  const auto* packed = new Packed(pack(kernel));
  all.bytes += bytes_of(*packed);
  std::shared_ptr<const Packed> made(packed, std::move(deleter));
  const std::lock_guard lock(shared_state_mutex());
  auto& place = all.packed[key];
  if (auto shared = place.lock()) return shared;  // another thread was faster
  place = made;
  return made;
}

std::int64_t packed_bytes() { return store().bytes; }

}  // namespace cnnfast
