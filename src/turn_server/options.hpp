#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"

namespace linnet::turn_server {

/// A user with a password that does not change.
struct User {
  std::string name;
  std::string password;
};

/// Which peers a client may reach through a relay, see PeerPolicy.
struct PeerOptions {
  bool allow_private = false;   ///< RFC 1918, RFC 4193, RFC 6598, link-local and benchmark ranges, and `own`.
  bool allow_loopback = false;  ///< 127.0.0.0/8 and ::1.
  /// The server's, also public ones: what a relay sends to them comes from the machine itself, and no firewall sees it.
  std::vector<IpAddress> own{};
};

/// RFC 5780: by what a client finds out how its NAT behaves. The owner has a UDP socket on both ports of both addresses
/// (on each port of the one, when there is only one), and each request comes from the one that it was received on.
struct BehaviorDiscovery {
  Endpoint primary;
  Endpoint alternate;  ///< Another port; another address of the same family, if there is one.
};

struct Options {
  std::string realm = "linnet";
  std::string software = "linnet";
  std::vector<User> users{};
  /// What is shared with whoever hands out users of the form "EXPIRY:NAME"; empty: there are none.
  std::string secret{};
  PeerOptions peers{};
  bool ipv4 = true;  ///< Whether there may be relayed addresses of the family.
  bool ipv6 = true;
  std::vector<BehaviorDiscovery> discovery{};  ///< Empty: RFC 5780 is not served.
  /// Seconds of Unix time at TimePoint{}, until `set_unix_time`: by it the users of `secret` expire.
  std::int64_t unix_seconds_at_start = 0;

  // RFC 8656 sections 3.2, 9 and 12.
  Duration default_lifetime = std::chrono::minutes{10};
  Duration max_lifetime = std::chrono::hours{1};
  Duration permission_lifetime = std::chrono::minutes{5};
  Duration channel_lifetime = std::chrono::minutes{10};
  /// How long a nonce is good (RFC 8656 section 5: at least once an hour a new one).
  Duration nonce_lifetime = std::chrono::hours{1};

  std::size_t max_allocations = 1'000;
  std::size_t max_allocations_per_user = 20;
  /// Of the clients at one IPv4 address or in one IPv6 /64: users may be had for the asking.
  std::size_t max_allocations_per_address = 50;
  /// Errors over UDP to those who have not proved who they are, a second and address (or /64): the address may be
  /// forged, and the answer is longer than the request. Those with an allocation have as many of their own.
  std::size_t max_challenges_per_second = 100;
  /// For the same reason, of the other answers to Binding requests.
  std::size_t max_bindings_per_second = 300;
  std::size_t max_permissions = 128;  ///< Of one allocation.
  std::size_t max_channels = 64;      ///< Of one allocation.
  std::size_t max_queued_bytes = std::size_t{4} * 1'024 * 1'024;
  std::size_t max_queued_datagrams = 4'096;
  std::uint64_t max_bytes_per_second = 0;  ///< Of one allocation, each way; 0: no limit.
};

}  // namespace linnet::turn_server
