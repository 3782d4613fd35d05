#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "linnet/core/generator.hpp"

namespace linnet::stun {

inline constexpr std::uint32_t magic_cookie = 0x2112A442;
inline constexpr std::size_t header_size = 20;
inline constexpr std::uint16_t default_port = 3478;
inline constexpr std::uint16_t default_tls_port = 5349;

/// RFC 8489 section 5.
enum class Class : std::uint8_t { Request = 0, Indication = 1, Success = 2, Error = 3 };

/// RFC 8489 section 18.2 and RFC 8656 section 17.
enum class Method : std::uint16_t {
  Binding = 0x001,
  Allocate = 0x003,
  Refresh = 0x004,
  Send = 0x006,
  Data = 0x007,
  CreatePermission = 0x008,
  ChannelBind = 0x009,
};

/// RFC 8489 section 18.3, RFC 8445 section 20.1, RFC 8656 section 18, RFC 5780 section 7 and some of libwebrtc's.
/// Numbers below 0x8000 must be understood by the reader.
enum class AttributeType : std::uint16_t {
  MappedAddress = 0x0001,
  ChangeRequest = 0x0003,  ///< RFC 5780 section 7.2: `change_address`, `change_port`.
  Username = 0x0006,
  MessageIntegrity = 0x0008,
  ErrorCode = 0x0009,
  UnknownAttributes = 0x000A,
  ChannelNumber = 0x000C,
  Lifetime = 0x000D,
  XorPeerAddress = 0x0012,
  Data = 0x0013,
  Realm = 0x0014,
  Nonce = 0x0015,
  XorRelayedAddress = 0x0016,
  RequestedAddressFamily = 0x0017,
  EvenPort = 0x0018,
  RequestedTransport = 0x0019,
  DontFragment = 0x001A,
  MessageIntegritySha256 = 0x001C,
  PasswordAlgorithm = 0x001D,
  Userhash = 0x001E,
  XorMappedAddress = 0x0020,
  ReservationToken = 0x0022,
  Priority = 0x0024,
  UseCandidate = 0x0025,
  Padding = 0x0026,       ///< RFC 5780 section 7.6
  ResponsePort = 0x0027,  ///< RFC 5780 section 7.5
  AdditionalAddressFamily = 0x8000,
  AddressErrorCode = 0x8001,
  PasswordAlgorithms = 0x8002,
  AlternateDomain = 0x8003,
  Icmp = 0x8004,
  Software = 0x8022,
  AlternateServer = 0x8023,
  Fingerprint = 0x8028,
  IceControlled = 0x8029,
  IceControlling = 0x802A,
  ResponseOrigin = 0x802B,                 ///< RFC 5780 section 7.3: where the response comes from.
  OtherAddress = 0x802C,                   ///< RFC 5780 section 7.4: the server's other address and other port.
  Nomination = 0xC001,                     ///< libwebrtc: the controlling side's renomination counter.
  NetworkCost = 0xC057,                    ///< libwebrtc: network id (16 bits) and cost (16 bits).
  MetaDtlsInStun = 0xC070,                 ///< draft-hancke-webrtc-sped: a datagram of DTLS.
  MetaDtlsInStunAcknowledgement = 0xC071,  ///< The same: CRC-32s of those that arrived.
};

/// Whether the reader of a message must know the attribute or refuse the message.
[[nodiscard]] constexpr bool comprehension_required(std::uint16_t type) noexcept { return type < 0x8000; }

/// RFC 5780 section 7.2, in CHANGE-REQUEST: answer from the other address, from the other port.
inline constexpr std::uint32_t change_address = 4;
inline constexpr std::uint32_t change_port = 2;

/// RFC 8489 section 14.8, RFC 8445 section 20.2, RFC 8656 section 19.
enum class ErrorCode : std::uint16_t {
  TryAlternate = 300,
  BadRequest = 400,
  Unauthenticated = 401,
  Forbidden = 403,
  UnknownAttribute = 420,
  AllocationMismatch = 437,
  StaleNonce = 438,
  AddressFamilyNotSupported = 440,
  WrongCredentials = 441,
  UnsupportedTransportProtocol = 442,
  PeerAddressFamilyMismatch = 443,
  AllocationQuotaReached = 486,
  RoleConflict = 487,
  ServerError = 500,
  InsufficientCapacity = 508,
};
/// None of STUN's, but told where they are: the server did not answer, or not with sense. W3C
/// RTCPeerConnectionIceErrorEvent.errorCode.
inline constexpr std::uint16_t unreachable = 701;
/// The reason phrase that the RFC gives; empty for a code that it does not know.
[[nodiscard]] std::string_view reason(ErrorCode code) noexcept;

/// 96 bits that pair a response with its request.
struct TransactionId {
  std::array<std::byte, 12> bytes{};

  [[nodiscard]] static TransactionId random(Generator& generator) {
    TransactionId id;
    generator.fill(id.bytes);
    return id;
  }
  friend constexpr auto operator<=>(const TransactionId&, const TransactionId&) noexcept = default;
};

}  // namespace linnet::stun
