#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/strong.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"
#include "stun/types.hpp"
#include "turn_server/options.hpp"
#include "turn_server/users.hpp"

namespace linnet::turn_server {

/// Names one relay socket; never used twice.
using RelayId = Strong<struct RelayIdTag, std::uint64_t>;
using ChannelNumber = Strong<struct ChannelNumberTag, std::uint16_t>;

/// Peers that a client may hear from, RFC 8656 section 9; by address, whatever the port. Old ones are forgotten when
/// room is needed.
class Permissions {
 public:
  /// Adds or renews; false when there are `most` already.
  [[nodiscard]] bool grant(TimePoint now, const IpAddress& peer, TimePoint until, std::size_t most);
  [[nodiscard]] bool has(TimePoint now, const IpAddress& peer) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return granted_.size(); }

 private:
  struct Permission {
    IpAddress peer;
    TimePoint until;
  };
  std::vector<Permission> granted_;
};

/// Channels of one allocation, RFC 8656 section 12: a number for a peer and the other way round.
class Channels {
 public:
  enum class Bound : std::uint8_t { Yes, Conflict, Full };
  [[nodiscard]] Bound bind(TimePoint now, ChannelNumber number, const Endpoint& peer, TimePoint until,
                           std::size_t most);
  [[nodiscard]] const Endpoint* peer(TimePoint now, ChannelNumber number) const noexcept;
  [[nodiscard]] std::optional<ChannelNumber> number(TimePoint now, const Endpoint& peer) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return bound_.size(); }

 private:
  struct Channel {
    ChannelNumber number;
    Endpoint peer;
    TimePoint until;
  };
  std::vector<Channel> bound_;
};

/// How many bytes may pass: a bucket that holds one second's worth.
class Allowance {
 public:
  Allowance(std::uint64_t bytes_per_second, TimePoint now) noexcept
      : rate_(static_cast<double>(bytes_per_second)), left_(rate_), at_(now) {}
  [[nodiscard]] bool take(TimePoint now, std::size_t bytes) noexcept;

 private:
  double rate_;  ///< 0: no limit.
  double left_;
  TimePoint at_;
};

/// The addresses of an open relay: where its socket is bound, and what peers see (behind a 1:1 NAT another one).
struct RelayAddress {
  Endpoint local;
  Endpoint relayed;
};

/// One client's relay, RFC 8656 section 3.2: a plain record that TurnServer owns and fills.
struct Allocation {
  RelayId id;
  Path client;  ///< The 5-tuple.
  std::string username;
  std::string account;  ///< What quotas count by.
  Key key;              ///< Good as long as the allocation lives, also when the user's name has expired meanwhile.
  IpAddress::Family family = IpAddress::Family::V4;
  /// The Allocate request, answered when the relay is open, and again when it comes again.
  stun::TransactionId request;
  bool fingerprint = false;  ///< Whether the request had one.
  bool wants_both = false;   ///< It had ADDITIONAL-ADDRESS-FAMILY.
  Duration lifetime{};
  TimePoint expires;
  std::optional<RelayAddress> relay{};  ///< Empty: not open yet.
  Permissions permissions{};
  Channels channels{};
  Allowance from_client;
  Allowance to_client;
};

}  // namespace linnet::turn_server
