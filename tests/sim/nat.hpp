#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "linnet/core/address.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"

namespace linnet::sim {

/// RFC 4787 sections 4.1 and 5: on which parts of the remote endpoint a mapping or a filter depends.
enum class NatBehavior : std::uint8_t { EndpointIndependent, AddressDependent, AddressAndPortDependent };
enum class PortAllocation : std::uint8_t { Preserve, Sequential, Random };

struct NatOptions {
  NatBehavior mapping = NatBehavior::EndpointIndependent;
  NatBehavior filtering = NatBehavior::AddressAndPortDependent;
  PortAllocation ports = PortAllocation::Preserve;
  /// Since the last packet that went out.
  Duration mapping_timeout = std::chrono::seconds{120};
  bool inbound_refreshes = false;
  bool hairpin = true;
  std::size_t max_mappings = 10'000;
};

/// The translation table of one NAT box: which outside endpoint stands for which inside one. It knows no
/// packets and no links; sim::Network asks it for each datagram.
class NatTable {
 public:
  NatTable(NatOptions options, IpAddress outside, Generator& generator);

  /// The outside endpoint of a datagram from `inside` to `remote`; makes or refreshes the mapping.
  /// Nothing when the table is full.
  [[nodiscard]] std::optional<Endpoint> outbound(TimePoint now, const Endpoint& inside, const Endpoint& remote);
  /// The inside endpoint for a datagram from `remote` to `outside`; nothing when filtered or unknown.
  [[nodiscard]] std::optional<Endpoint> inbound(TimePoint now, const Endpoint& outside, const Endpoint& remote);

  /// The box restarts: all mappings are gone and new ones get other ports.
  void rebind();
  /// The same, with another outside address.
  void rebind(IpAddress outside);

  [[nodiscard]] const IpAddress& outside() const noexcept { return outside_; }
  [[nodiscard]] const NatOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t size() const noexcept { return by_port_.size(); }

 private:
  struct Key {
    Endpoint inside;
    Endpoint remote;  ///< Only the parts that the mapping depends on.
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Mapping {
    Key key;
    TimePoint expires;
    std::set<Endpoint> permitted;
  };
  [[nodiscard]] static Endpoint part(const Endpoint& remote, NatBehavior behavior);
  [[nodiscard]] std::optional<std::uint16_t> allocate(std::uint16_t wanted);
  void expire(TimePoint now);

  NatOptions options_;
  IpAddress outside_;
  Generator& generator_;
  std::map<Key, std::uint16_t> ports_;
  std::map<std::uint16_t, Mapping> by_port_;
  std::set<std::uint16_t> avoid_;  ///< Ports used before a rebind.
  std::uint16_t next_port_;
};

}  // namespace linnet::sim
