#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace linnet::sctp {

/// CRC32c (Castagnoli) of RFC 9260 appendix A, continued from `crc` of the bytes before.
/// Uses the processor's instruction where it has one.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

/// The same from tables alone, on any processor.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

}  // namespace linnet::sctp
