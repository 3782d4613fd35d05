#include "turn_server/peer_policy.hpp"

#include <algorithm>
#include <span>

namespace linnet::turn_server {
namespace {

using Bytes = std::span<const std::uint8_t>;

bool all_zero(Bytes bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::uint8_t b) { return b == 0; });
}

/// "This network", multicast, reserved and broadcast (RFC 6890).
bool names_no_host_v4(Bytes b) noexcept { return b[0] == 0 || b[0] >= 224; }

/// Besides multicast: unspecified, and every form in which an IPv4 address travels inside of an IPv6 one: compatible
/// and mapped (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052, RFC 8215), Teredo (RFC 4380), 6to4 (RFC 3056), ISATAP
/// (RFC 5214). A NAT64 with a prefix of its own looks like any other network.
bool names_no_host_v6(Bytes b) noexcept {
  if (b[0] == 0xff) return true;
  if (all_zero(b.first(8)) && b[8] == 0xff && b[9] == 0xff) return true;
  if ((b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe) return true;
  if (all_zero(b.first(10))) {
    const bool loopback = all_zero(b.first(15)) && b[15] == 1;
    return !loopback;
  }
  if (b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b) return true;
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0) return true;
  return b[0] == 0x20 && b[1] == 0x02;
}

/// What IpAddress does not count among the private ranges: IETF protocol assignments and benchmarks (RFC 6890), and
/// site-local IPv6 (RFC 3879).
bool is_inside_use(const IpAddress& address) noexcept {
  const Bytes b = address.bytes();
  if (address.is_v6()) return b[0] == 0xfe && (b[1] & 0xc0) == 0xc0;
  return (b[0] == 192 && b[1] == 0 && b[2] == 0) || (b[0] == 198 && (b[1] & 0xfe) == 18);
}

}  // namespace

bool PeerPolicy::allows(const IpAddress& peer) const noexcept {
  if (peer.is_v4() ? names_no_host_v4(peer.bytes()) : names_no_host_v6(peer.bytes())) return false;
  if (peer.is_loopback()) return options_.allow_loopback;
  if (std::ranges::find(options_.own, peer) != options_.own.end()) return options_.allow_private;
  if (peer.is_private() || peer.is_link_local() || is_inside_use(peer)) return options_.allow_private;
  return true;
}

}  // namespace linnet::turn_server
