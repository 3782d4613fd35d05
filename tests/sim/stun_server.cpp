#include "sim/stun_server.hpp"

#include "base/bytes.hpp"

namespace linnet::sim {

// RFC 8489 section 5: type, length, magic cookie, 12 bytes of transaction id.
std::size_t answer_binding_request(std::span<const std::byte> request, const Endpoint& from, StunResponse& response) {
  constexpr std::uint16_t binding_request = 0x0001;
  constexpr std::uint16_t binding_success = 0x0101;
  constexpr std::uint32_t magic_cookie = 0x2112'A442;
  constexpr std::uint16_t xor_mapped_address = 0x0020;

  ByteReader in{request};
  const std::uint16_t type = in.u16();
  const std::uint16_t length = in.u16();
  const std::uint32_t cookie = in.u32();
  const auto transaction = in.bytes(12);
  if (!in.ok() || type != binding_request || cookie != magic_cookie || length != in.remaining()) return 0;

  const auto address = from.address.bytes();
  ByteWriter out{response};
  out.u16(binding_success);
  out.u16(static_cast<std::uint16_t>(8 + address.size()));
  out.u32(magic_cookie);
  out.bytes(transaction);
  // RFC 8489 section 14.2: the address is xored with the cookie and, for IPv6, the transaction id after it.
  out.u16(xor_mapped_address);
  out.u16(static_cast<std::uint16_t>(4 + address.size()));
  out.u8(0);
  out.u8(from.address.is_v4() ? 0x01 : 0x02);
  out.u16(static_cast<std::uint16_t>(from.port ^ (magic_cookie >> 16)));
  for (std::size_t i = 0; i < address.size(); ++i) {
    out.u8(static_cast<std::uint8_t>(address[i] ^ std::to_integer<std::uint8_t>(response[4 + i])));
  }
  return out.size();
}

}  // namespace linnet::sim
