#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "linnet/core/address.hpp"

namespace linnet {

/// A range of addresses that begin with the same bits. A plain value.
struct IpPrefix {
  IpAddress address;
  std::uint8_t length = 0;  ///< How many bits count: at most 32 or 128.

  /// "192.0.2.0/24", "2001:db8::/32", or an address alone, which is a range of one.
  [[nodiscard]] static std::optional<IpPrefix> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& other) const noexcept;

  friend bool operator==(const IpPrefix&, const IpPrefix&) = default;
};

/// What counts as one user's: an IPv4 address, or the /64 of an IPv6 one.
[[nodiscard]] IpAddress network_of(const IpAddress& address) noexcept;

}  // namespace linnet
