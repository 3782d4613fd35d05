#include "sctp/packet/checksum.hpp"

#include <array>
#include <bit>

#include "base/bytes.hpp"
#include "sctp/packet/crc32c.hpp"

namespace linnet::sctp {
namespace {

constexpr std::size_t checksum_offset = 8;

/// In the byte order of `load_be`.
std::uint32_t checksum_of(std::span<const std::byte> packet) noexcept {
  constexpr std::array<std::byte, 4> zero{};
  std::uint32_t crc = crc32c(packet.first(checksum_offset));
  crc = crc32c(zero, crc);
  return std::byteswap(crc32c(packet.subspan(checksum_offset + 4), crc));
}

}  // namespace

bool checksum_matches(std::span<const std::byte> packet) noexcept {
  return load_be<std::uint32_t>(packet.data() + checksum_offset) == checksum_of(packet);
}

bool checksum_is_zero(std::span<const std::byte> packet) noexcept {
  return load_be<std::uint32_t>(packet.data() + checksum_offset) == 0;
}

void write_zero_checksum(std::span<std::byte> packet) noexcept {
  store_be(packet.data() + checksum_offset, std::uint32_t{0});
}

void write_checksum(std::span<std::byte> packet) noexcept {
  store_be(packet.data() + checksum_offset, checksum_of(packet));
}

}  // namespace linnet::sctp
