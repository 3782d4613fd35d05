#pragma once

#include <cstddef>
#include <span>

namespace linnet::crypto {

/// Whether both are equal; the time taken depends on the sizes only, never on the bytes.
[[nodiscard]] bool constant_time_equal(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

/// Overwrites a secret so that the compiler cannot leave it out.
void cleanse(std::span<std::byte> secret) noexcept;

}  // namespace linnet::crypto
