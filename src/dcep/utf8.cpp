#include "dcep/utf8.hpp"

#include <cstdint>

namespace linnet::dcep {

bool is_utf8(std::span<const std::byte> bytes) noexcept {
  const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint32_t first = at(i);
    if (first < 0x80) {
      ++i;
      continue;
    }
    // RFC 3629 section 4: how long the sequence is and the least code point that needs this length.
    std::size_t length = 0;
    std::uint32_t least = 0;
    std::uint32_t code = 0;
    if ((first & 0xe0) == 0xc0) {
      length = 2, least = 0x80, code = first & 0x1f;
    } else if ((first & 0xf0) == 0xe0) {
      length = 3, least = 0x800, code = first & 0x0f;
    } else if ((first & 0xf8) == 0xf0) {
      length = 4, least = 0x1'0000, code = first & 0x07;
    } else {
      return false;
    }
    if (length > bytes.size() - i) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((at(i + k) & 0xc0) != 0x80) return false;
      code = code << 6 | (at(i + k) & 0x3f);
    }
    if (code < least || code > 0x10'ffff || (code >= 0xd800 && code <= 0xdfff)) return false;
    i += length;
  }
  return true;
}

}  // namespace linnet::dcep
