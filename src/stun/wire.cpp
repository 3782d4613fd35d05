#include "stun/wire.hpp"

#include "base/bytes.hpp"
#include "stun/types.hpp"

namespace linnet::stun::wire {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0xEDB88320U ^ (value >> 1U) : value >> 1U;
    table[i] = value;
  }
  return table;
}
constexpr auto table = make_table();

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes) noexcept {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte b : bytes) crc = table[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xFFU] ^ (crc >> 8U);
  return ~crc;
}

IntegrityInput::IntegrityInput(std::span<const std::byte> message, std::size_t offset, std::size_t value_size) noexcept
    : head_{message[0], message[1]}, parts_{head_, message.subspan(4, offset - 4)} {
  store_be(head_.data() + 2, static_cast<std::uint16_t>(offset + attribute_header + value_size - header_size));
}

}  // namespace linnet::stun::wire
