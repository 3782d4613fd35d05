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
  bool deprecated = false;  ///< RFC 4862: not to be used for new connections (or not usable yet).
};

/// Every address of every interface that is up.
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
/// IPv4-compatible or IPv4-mapped ones; link-local IPv6 only where an interface has no other IPv6 address.
[[nodiscard]] std::vector<InterfaceAddress> host_addresses(std::span<const InterfaceAddress> all,
                                                           const HostAddressPolicy& policy);

}  // namespace linnet::io
