#include "sctp/association/state_cookie.hpp"

#include <cassert>

#include "base/bytes.hpp"
#include "crypto/constant_time.hpp"
#include "crypto/hmac.hpp"

namespace linnet::sctp {

std::array<std::byte, StateCookie::size> StateCookie::seal(const Key& key) const {
  std::array<std::byte, size> out{};
  ByteWriter writer(out);
  writer.u32(0x6C6E4331);  // format
  writer.u32(handshake.local_tag);
  writer.u32(handshake.peer_tag);
  writer.u32(handshake.local_initial.value());
  writer.u32(handshake.peer_initial.value());
  writer.u32(handshake.peer_window);
  writer.u16(handshake.outgoing_streams);
  writer.u16(handshake.incoming_streams);
  writer.u32((handshake.forward_tsn ? 1U : 0U) | (handshake.reconfig ? 2U : 0U) | (handshake.zero_checksum ? 4U : 0U) |
             (handshake.interleaving ? 8U : 0U) | (handshake.large_packets ? 16U : 0U) | (handshake.ecn ? 32U : 0U));
  writer.u32(local_tie_tag);
  writer.u32(peer_tie_tag);
  writer.u64(static_cast<std::uint64_t>(made.time_since_epoch().count()));
  assert(writer.ok() && writer.size() == size - mac_size);
  writer.bytes(crypto::hmac_sha256(key, std::span<const std::byte>(out).first(size - mac_size)));
  return out;
}

std::optional<StateCookie> StateCookie::open(std::span<const std::byte> bytes, const Key& key) {
  if (bytes.size() != size) return std::nullopt;
  const auto body = bytes.first(size - mac_size);
  if (!crypto::constant_time_equal(bytes.last(mac_size), crypto::hmac_sha256(key, body))) return std::nullopt;
  ByteReader reader(body);
  reader.skip(4);
  StateCookie cookie;
  cookie.handshake.local_tag = reader.u32();
  cookie.handshake.peer_tag = reader.u32();
  cookie.handshake.local_initial = Tsn{reader.u32()};
  cookie.handshake.peer_initial = Tsn{reader.u32()};
  cookie.handshake.peer_window = reader.u32();
  cookie.handshake.outgoing_streams = reader.u16();
  cookie.handshake.incoming_streams = reader.u16();
  const std::uint32_t extensions = reader.u32();
  cookie.handshake.forward_tsn = (extensions & 1U) != 0;
  cookie.handshake.reconfig = (extensions & 2U) != 0;
  cookie.handshake.interleaving = (extensions & 8U) != 0;
  cookie.handshake.large_packets = (extensions & 16U) != 0;
  cookie.handshake.ecn = (extensions & 32U) != 0;
  cookie.handshake.zero_checksum = (extensions & 4U) != 0;
  cookie.local_tie_tag = reader.u32();
  cookie.peer_tie_tag = reader.u32();
  cookie.made = TimePoint(Duration(static_cast<Duration::rep>(reader.u64())));
  return cookie;
}

}  // namespace linnet::sctp
