#include "linnet/core/generator.hpp"

#include <bit>
#include <cassert>
#include <cstring>

namespace linnet {

std::uint32_t Generator::next_u32() {
  std::uint32_t value = 0;
  fill(std::as_writable_bytes(std::span{&value, 1}));
  return value;
}

std::uint64_t Generator::next_u64() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span{&value, 1}));
  return value;
}

std::uint64_t Generator::below(std::uint64_t bound) {
  assert(bound > 0);
  // Values past the last whole multiple of `bound` would favour the small remainders: draw again.
  const std::uint64_t limit = bound * (~std::uint64_t{0} / bound);
  for (;;) {
    const std::uint64_t value = next_u64();
    if (value < limit) return value % bound;
  }
}

SeededGenerator::SeededGenerator(std::uint64_t seed) noexcept : state_{} {
  // splitmix64, which the authors of xoshiro recommend for spreading a small seed over the state.
  for (auto& word : state_) {
    seed += 0x9e37'79b9'7f4a'7c15U;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9U;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebU;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededGenerator::next() noexcept {
  const std::uint64_t out = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return out;
}

void SeededGenerator::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    std::uint64_t word = next();
    // Byte order must not change what a seed means.
    if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
    const std::size_t size = out.size() < sizeof word ? out.size() : sizeof word;
    std::memcpy(out.data(), &word, size);
    out = out.subspan(size);
  }
}

}  // namespace linnet
