#pragma once

#include <cstddef>
#include <span>

namespace linnet::dcep {

/// RFC 3629: well-formed, shortest form, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::span<const std::byte> bytes) noexcept;

}  // namespace linnet::dcep
