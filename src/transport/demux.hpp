#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace linnet::transport {

/// What shares the one port of a BUNDLE.
enum class PacketKind : std::uint8_t { Stun, Zrtp, Dtls, TurnChannel, Quic, Rtp, Unknown };

/// RFC 7983 section 7 (RFC 9443 for QUIC): the first byte tells.
[[nodiscard]] constexpr PacketKind kind_of(std::span<const std::byte> datagram) noexcept {
  if (datagram.empty()) return PacketKind::Unknown;
  const auto first = std::to_integer<std::uint8_t>(datagram.front());
  if (first <= 3) return PacketKind::Stun;
  if (first >= 16 && first <= 19) return PacketKind::Zrtp;
  if (first >= 20 && first <= 63) return PacketKind::Dtls;
  if (first >= 64 && first <= 79) return PacketKind::TurnChannel;
  if (first >= 80 && first <= 127) return PacketKind::Quic;
  if (first >= 128 && first <= 191) return PacketKind::Rtp;
  if (first >= 192) return PacketKind::Quic;
  return PacketKind::Unknown;
}

}  // namespace linnet::transport
