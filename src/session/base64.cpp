#include "session/base64.hpp"

#include <cstdint>

namespace linnet::session {

std::string base64(std::span<const std::byte> bytes) {
  static constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    }
    const std::size_t have = bytes.size() - i;
    out += alphabet[group >> 18];
    out += alphabet[group >> 12 & 63];
    out += have > 1 ? alphabet[group >> 6 & 63] : '=';
    out += have > 2 ? alphabet[group & 63] : '=';
  }
  return out;
}

}  // namespace linnet::session
