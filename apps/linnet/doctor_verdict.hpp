#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "linnet/network_check.hpp"

namespace linnet::app {

/// What follows from a NetworkReport for connections to peers.
struct Verdict {
  /// Whether two peers on networks like this one connect without a relay.
  enum class Direct : std::uint8_t { Yes, No, Unknown };

  bool host = false;              ///< Candidates of this machine's own addresses,
  bool server_reflexive = false;  ///< of a NAT's outside,
  bool relay_udp = false;         ///< and of TURN servers, by how they were reached.
  bool relay_tcp = false;
  bool relay_tls = false;
  Direct direct = Direct::Unknown;
  std::vector<std::string> sentences{};  ///< For people.
};

[[nodiscard]] Verdict judge(const NetworkReport& report);

[[nodiscard]] std::string_view to_string(Verdict::Direct direct) noexcept;  ///< "yes", "no", "unknown"

/// Whose an address is: "loopback", "link-local", "private", "public".
[[nodiscard]] std::string_view scope_of(const IpAddress& address) noexcept;

/// In words, for one line each.
[[nodiscard]] std::string_view describe(NatMapping mapping) noexcept;
[[nodiscard]] std::string_view describe(NatFiltering filtering) noexcept;

}  // namespace linnet::app
