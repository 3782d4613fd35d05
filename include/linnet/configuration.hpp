#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linnet/certificate.hpp"
#include "linnet/states.hpp"

namespace linnet {

/// W3C RTCIceServer. All servers are asked at once, and none waits for another. A TURN server gives a relayed
/// candidate, and over UDP the server-reflexive one, too; for `turns:` its certificate is verified
/// (`Tuning::tls_ca_file`).
struct IceServer {
  std::vector<std::string> urls;  ///< stun:, stuns:, turn: or turns: URLs (RFC 7064, RFC 7065).
  std::string username{};         ///< For TURN.
  std::string credential{};       ///< For TURN: the password.

  friend bool operator==(const IceServer&, const IceServer&) = default;
};

/// W3C RTCConfiguration, and nothing else; what is ours is in `Tuning`.
struct Configuration {
  std::vector<IceServer> ice_servers{};
  /// Relay: neither candidates nor their related addresses tell where we are, and nothing goes but through TURN
  /// servers.
  IceTransportPolicy ice_transport_policy = IceTransportPolicy::All;
  BundlePolicy bundle_policy = BundlePolicy::Balanced;
  RtcpMuxPolicy rtcp_mux_policy = RtcpMuxPolicy::Require;
  std::vector<Certificate> certificates{};  ///< Empty: one is made. More than one: the first is used.
  /// Above 0: candidates are gathered from the beginning (RFC 8829 section 3.5.4) and told at once by the first
  /// set_local_description(), which otherwise only starts to gather. Holds sockets and NAT mappings meanwhile. All is
  /// bundled on one transport, so 1 is as good as 255. Cannot be changed after set_local_description().
  std::uint8_t ice_candidate_pool_size = 0;

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

}  // namespace linnet
