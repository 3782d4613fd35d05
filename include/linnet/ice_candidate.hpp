#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linnet/states.hpp"

namespace linnet {

/// W3C RTCIceCandidateInit: what travels over signaling. An empty `candidate` is the end-of-candidates
/// indication for its m-line.
struct IceCandidateInit {
  std::string candidate;                            ///< W3C candidate: "candidate:..." as RFC 8839 section 5.1.
  std::optional<std::string> sdp_mid{};             ///< W3C sdpMid.
  std::optional<std::uint16_t> sdp_m_line_index{};  ///< W3C sdpMLineIndex.
  std::optional<std::string> username_fragment{};   ///< W3C usernameFragment.

  friend bool operator==(const IceCandidateInit&, const IceCandidateInit&) = default;
};

/// W3C RTCIceCandidate: an IceCandidateInit with its candidate line taken apart. The members after the
/// inherited ones are empty when the line could not be read.
struct IceCandidate : IceCandidateInit {
  std::optional<std::string> foundation{};
  std::optional<std::uint16_t> component{};  ///< 1 is RTP (and everything under rtcp-mux), 2 is RTCP.
  std::optional<std::uint32_t> priority{};
  std::optional<std::string> address{};   ///< An address or an mDNS name.
  std::optional<std::string> protocol{};  ///< "udp" or "tcp".
  std::optional<std::uint16_t> port{};
  std::optional<IceCandidateType> type{};
  std::optional<IceTcpCandidateType> tcp_type{};
  std::optional<std::string> related_address{};
  std::optional<std::uint16_t> related_port{};
  std::optional<std::string> relay_protocol{};  ///< "udp", "tcp" or "tls"; of local relay candidates.
  std::optional<std::string> url{};             ///< The server that a local candidate came from.

  friend bool operator==(const IceCandidate&, const IceCandidate&) = default;
};

}  // namespace linnet
