#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "linnet/core/time.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// What both ends learn from INIT and INIT-ACK.
struct Handshake {
  std::uint32_t local_tag = 0;
  std::uint32_t peer_tag = 0;
  Tsn local_initial;
  Tsn peer_initial;
  std::uint32_t peer_window = 0;
  std::uint16_t outgoing_streams = 0;
  std::uint16_t incoming_streams = 0;
  bool forward_tsn = false;
  bool reconfig = false;
  bool interleaving = false;   // I-DATA and I-FORWARD-TSN instead of DATA and FORWARD-TSN
  bool large_packets = false;  // the peer reads DTLS records of any size
  bool ecn = false;            // both want it
  bool zero_checksum = false;  // the peer takes packets without a checksum, and we may send them
};

/// RFC 9260 section 5.1.3: everything an INIT told us, sealed and handed to the peer, so that an INIT costs us
/// no memory. Plain bytes on the wire that only this association can read back.
struct StateCookie {
  static constexpr std::size_t mac_size = 32;
  static constexpr std::size_t size = 48 + mac_size;
  using Key = std::array<std::byte, 32>;

  Handshake handshake;
  /// Section 5.2.2: tags of the association that existed when the INIT came; 0 if none did.
  std::uint32_t local_tie_tag = 0;
  std::uint32_t peer_tie_tag = 0;
  TimePoint made;

  [[nodiscard]] std::array<std::byte, size> seal(const Key& key) const;
  /// Nothing when the size or the authentication code is wrong.
  [[nodiscard]] static std::optional<StateCookie> open(std::span<const std::byte> bytes, const Key& key);
};

}  // namespace linnet::sctp
