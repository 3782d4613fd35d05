#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace linnet::stun::wire {

// The message, RFC 8489 section 5, and an attribute, section 14:
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   |0 0|  class and method (14)    |      length after the header  |
//   |                      0x2112A442, the magic cookie             |
//   |                      transaction id (96 bits)                 |
//   |        attribute type         |      length without padding   |
//   |                      value, padded to 32 bits                 |

inline constexpr std::size_t attribute_header = 4;
inline constexpr std::uint32_t fingerprint_mask = 0x5354554E;

[[nodiscard]] constexpr std::size_t padded(std::size_t size) noexcept { return (size + 3) & ~std::size_t{3}; }

/// CRC-32 of ISO/IEC 13239, as FINGERPRINT uses it.
[[nodiscard]] std::uint32_t crc32(std::span<const std::byte> bytes) noexcept;

/// What an integrity attribute at `offset` with a value of `value_size` bytes authenticates: the message before it,
/// with the length field as if the message ended right after it (RFC 8489 section 14.5).
class IntegrityInput {
 public:
  IntegrityInput(std::span<const std::byte> message, std::size_t offset, std::size_t value_size) noexcept;
  IntegrityInput(const IntegrityInput&) = delete;
  IntegrityInput& operator=(const IntegrityInput&) = delete;
  [[nodiscard]] std::span<const std::span<const std::byte>> parts() const noexcept { return parts_; }

 private:
  std::array<std::byte, 4> head_;
  std::array<std::span<const std::byte>, 2> parts_;
};

}  // namespace linnet::stun::wire
