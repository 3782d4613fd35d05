#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_prefix.hpp"
#include "linnet/core/address.hpp"

namespace linnet::io {

/// One address of a network interface that is up.
struct InterfaceAddress {
  std::string name;
  std::uint32_t index = 0;
  IpAddress address;
  bool loopback = false;
  bool multicast = false;
  bool wireless = false;
  bool point_to_point = false;
  bool deprecated = false;         ///< RFC 4862: not to be used for new connections (or not usable yet).
  bool running = true;             ///< The interface has a link: a cable, an access point.
  std::uint8_t prefix_length = 0;  ///< Addresses that begin with as many equal bits are on its link; 0: unknown.
};

/// Every address of every interface that is up, with a link or without.
[[nodiscard]] std::vector<InterfaceAddress> interfaces();

struct HostAddressPolicy {
  bool ipv4 = true;
  bool ipv6 = true;
  bool loopback = false;  ///< Also loopback addresses; without, only when there is nothing else.
  bool loopback_only = false;
  /// Patterns of interface names, see `matches`, and ranges of addresses. No `allow`: all; `deny` counts for more.
  std::vector<std::string> allow_interfaces{};
  std::vector<std::string> deny_interfaces{};
  std::vector<IpPrefix> allow_addresses{};
  std::vector<IpPrefix> deny_addresses{};
};

/// Whether the whole name is what the pattern says, in which "*" stands for any text and all else for itself.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view name) noexcept;

/// The addresses that host candidates are gathered on, RFC 8445 section 5.1.1.1: no deprecated, site-local,
/// IPv4-compatible or IPv4-mapped ones, and none without a link; link-local IPv6 only where an interface has no other
/// IPv6 address.
[[nodiscard]] std::vector<InterfaceAddress> host_addresses(std::span<const InterfaceAddress> all,
                                                           const HostAddressPolicy& policy);

/// Whether a socket on that address has had its day: the machine does not have it any more, or it has no link while
/// there is a network among `chosen` (without one the link may come back, and then nothing needs to be told anybody).
/// That the policy would not choose it now is no reason: who uses it goes on.
[[nodiscard]] bool is_lost(const IpAddress& address, std::span<const InterfaceAddress> all,
                           std::span<const InterfaceAddress> chosen);

/// Whether who sent from that address is on the link of an interface, by what its own addresses say (RFC 6762 section
/// 11). What loopback brings is from this machine.
[[nodiscard]] bool is_on_link(const IpAddress& source, std::uint32_t interface,
                              std::span<const InterfaceAddress> all) noexcept;

}  // namespace linnet::io
