// Digests of the blocks of a file, to see whether it still holds what was read from it before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cnnfast {

// Writes one number for each `block` bytes of `data`, the last of which may have fewer. Other data
// have the same number with a chance of 2^-64, unless whoever made them knows `seed`.
void digest_blocks(std::span<const std::byte> data, std::size_t block, std::uint64_t seed,
                   std::span<std::uint64_t> digests);

}  // namespace cnnfast
