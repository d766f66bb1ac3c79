#include "digest.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace cnnfast {

namespace {

constexpr std::size_t kLanes = 4;  // independent chains, to hide the latency of multiplying
using Lanes = std::array<std::uint64_t, kLanes>;

__extension__ using Wide = unsigned __int128;

// Both halves of the product, so that every bit depends on every bit (as wyhash has it).
std::uint64_t folded(std::uint64_t a, std::uint64_t b) {
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Steele et al. (2014), SplitMix64.
std::uint64_t next(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::uint64_t digest(std::span<const std::byte> data, const Lanes& secret) {
  Lanes lanes = secret;
  std::array<std::uint64_t, 2 * kLanes> words = {};
  for (std::size_t at = 0; at < data.size(); at += sizeof(words)) {
    if (data.size() - at < sizeof(words)) words = {};
    std::memcpy(words.data(), data.data() + at, std::min(sizeof(words), data.size() - at));
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i] = folded(words[2 * i] ^ secret[i], words[2 * i + 1] ^ lanes[i]);
    }
  }
  const std::uint64_t left = folded(lanes[0] ^ data.size(), lanes[1] ^ secret[2]);
  return folded(left ^ secret[0], folded(lanes[2], lanes[3] ^ secret[1]));
}

}  // namespace

void digest_blocks(std::span<const std::byte> data, std::size_t block, std::uint64_t seed,
                   std::span<std::uint64_t> digests) {
  Lanes secret = {};
  for (std::uint64_t& word : secret) word = next(seed);
  for (std::uint64_t& result : digests) {
    result = digest(data.first(std::min(block, data.size())), secret);
    data = data.subspan(std::min(block, data.size()));
  }
}

}  // namespace cnnfast
