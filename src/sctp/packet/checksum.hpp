#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace linnet::sctp {

/// RFC 9260 section 6.8: CRC32c over the packet with a checksum of zero, least significant byte first.
/// `packet` holds at least the common header.
[[nodiscard]] bool checksum_matches(std::span<const std::byte> packet) noexcept;
/// RFC 9653: the sender left the checksum out.
[[nodiscard]] bool checksum_is_zero(std::span<const std::byte> packet) noexcept;
void write_zero_checksum(std::span<std::byte> packet) noexcept;
void write_checksum(std::span<std::byte> packet) noexcept;

}  // namespace linnet::sctp
