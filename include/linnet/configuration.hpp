#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "linnet/certificate.hpp"
#include "linnet/states.hpp"

namespace linnet {

/// W3C RTCIceServer.
struct IceServer {
  std::vector<std::string> urls;  ///< stun:, stuns:, turn: or turns: URLs (RFC 7064, RFC 7065).
  std::string username{};         ///< For TURN.
  std::string credential{};       ///< For TURN: the password.

  friend bool operator==(const IceServer&, const IceServer&) = default;
};

/// W3C RTCConfiguration, and nothing else; what is ours is in `Tuning`.
struct Configuration {
  std::vector<IceServer> ice_servers{};
  IceTransportPolicy ice_transport_policy = IceTransportPolicy::All;
  BundlePolicy bundle_policy = BundlePolicy::Balanced;
  RtcpMuxPolicy rtcp_mux_policy = RtcpMuxPolicy::Require;
  std::vector<Certificate> certificates{};  ///< Empty: one is made. More than one: the first is used.
  /// Accepted and kept; it has no effect: gathering starts with setLocalDescription().
  std::uint8_t ice_candidate_pool_size = 0;

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

}  // namespace linnet
