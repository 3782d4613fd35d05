#pragma once

#include <cstdint>
#include <string_view>

namespace linnet {

/// RFC 4787 section 4.1: on which parts of the destination the address depends that a NAT gives to a socket.
enum class NatMapping : std::uint8_t {
  Unknown,
  EndpointIndependent,  ///< On none: what a STUN server saw is what every peer sees. So it is, too, without a NAT.
  AddressDependent,
  AddressAndPortDependent,
  Dependent,  ///< On the destination; by which parts was not to be found out.
};
/// "unknown", "endpoint-independent", "address-dependent", "address-and-port-dependent", "dependent".
[[nodiscard]] std::string_view to_string(NatMapping mapping) noexcept;

/// RFC 4787 section 5: from whom a NAT, or a firewall, lets datagrams in to a socket.
enum class NatFiltering : std::uint8_t {
  Unknown,
  EndpointIndependent,      ///< From everybody.
  AddressDependent,         ///< From addresses that the socket has sent to.
  AddressAndPortDependent,  ///< From addresses and ports that the socket has sent to.
};
/// "unknown", "endpoint-independent", "address-dependent", "address-and-port-dependent".
[[nodiscard]] std::string_view to_string(NatFiltering filtering) noexcept;

}  // namespace linnet
