#pragma once

#include <cstdint>

#include "linnet/core/address.hpp"
#include "linnet/states.hpp"

namespace linnet::ice {

/// RFC 8445 section 5.1.2.1, with its recommended type preferences (126, 110, 100, 0).
[[nodiscard]] constexpr std::uint32_t type_preference(IceCandidateType type) noexcept {
  switch (type) {
    case IceCandidateType::Host: return 126;
    case IceCandidateType::Prflx: return 110;
    case IceCandidateType::Srflx: return 100;
    case IceCandidateType::Relay: return 0;
  }
  return 0;
}
/// Of relayed candidates those that are reached over UDP go first, those over TLS last, as in libwebrtc.
[[nodiscard]] constexpr std::uint32_t relay_preference(Protocol protocol) noexcept {
  return 2U - static_cast<std::uint32_t>(protocol);
}
[[nodiscard]] constexpr std::uint32_t relay_priority(Protocol protocol, std::uint32_t local_preference) noexcept {
  return (relay_preference(protocol) << 24) + ((local_preference & 0xFFFF) << 8) + 255U;
}
[[nodiscard]] constexpr std::uint32_t candidate_priority(IceCandidateType type, std::uint32_t local_preference,
                                                         std::uint16_t component = 1) noexcept {
  return (type_preference(type) << 24) + ((local_preference & 0xFFFF) << 8) + (256U - component);
}

/// RFC 6544 section 4.2: TCP comes after UDP of the same kind, and after any of them that is not relayed (as in
/// libwebrtc); an active candidate before a passive one, as it gets through more firewalls.
[[nodiscard]] constexpr std::uint32_t tcp_type_preference(IceCandidateType type) noexcept {
  switch (type) {
    case IceCandidateType::Host: return 90;
    case IceCandidateType::Prflx: return 80;
    case IceCandidateType::Srflx: return 70;
    case IceCandidateType::Relay: return 0;
  }
  return 0;
}
[[nodiscard]] constexpr std::uint32_t tcp_priority(IceCandidateType type, IceTcpCandidateType direction,
                                                   std::uint32_t local_preference) noexcept {
  const std::uint32_t direction_preference = direction == IceTcpCandidateType::Active    ? 6
                                             : direction == IceTcpCandidateType::Passive ? 4
                                                                                         : 2;
  const std::uint32_t preference = (direction_preference << 13) + ((local_preference & 0xFFFF) >> 3);
  return (tcp_type_preference(type) << 24) + (preference << 8) + 255U;
}

}  // namespace linnet::ice
