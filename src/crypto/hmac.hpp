#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace linnet::crypto {

// RFC 2104 message authentication, one-shot. `parts` are taken one after another.

[[nodiscard]] std::array<std::byte, 20> hmac_sha1(std::span<const std::byte> key,
                                                  std::span<const std::span<const std::byte>> parts);
[[nodiscard]] std::array<std::byte, 20> hmac_sha1(std::span<const std::byte> key, std::span<const std::byte> data);

[[nodiscard]] std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key,
                                                    std::span<const std::span<const std::byte>> parts);
[[nodiscard]] std::array<std::byte, 32> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> data);

}  // namespace linnet::crypto
