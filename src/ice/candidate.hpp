#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "linnet/core/address.hpp"
#include "linnet/ice_candidate.hpp"
#include "linnet/states.hpp"

namespace linnet::ice {

/// A transport address at which an agent may be reached, RFC 8445 section 5.1 with the text form of
/// RFC 8839 section 5.1. A plain value.
struct Candidate {
  std::string foundation;
  std::uint16_t component = 1;
  Protocol protocol = Protocol::Udp;
  std::uint32_t priority = 0;
  std::variant<IpAddress, std::string> address;  ///< An address, or a name to be resolved.
  std::uint16_t port = 0;
  IceCandidateType type = IceCandidateType::Host;
  std::optional<Endpoint> related{};  ///< raddr and rport.
  std::optional<IceTcpCandidateType> tcp_type{};
  std::optional<std::string> ufrag{};  ///< RFC 8838 section 17 and practice: which generation it belongs to.
  std::optional<std::uint32_t> generation{};
  std::optional<std::uint32_t> network_id{};
  std::optional<std::uint32_t> network_cost{};
  std::vector<std::pair<std::string, std::string>> extensions{};  ///< Others, as they came.
  std::string url{};                         ///< Local only: the server that it came from. Not in the text.
  std::optional<Protocol> relay_protocol{};  ///< Local only: how the TURN server is spoken to. Not in the text.

  /// Its transport address when it has one, not a name.
  [[nodiscard]] std::optional<Endpoint> endpoint() const {
    const auto* ip = std::get_if<IpAddress>(&address);
    return ip ? std::optional{Endpoint{*ip, port}} : std::nullopt;
  }
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// A link-local address without the interface that it is on, which means nothing to a peer.
[[nodiscard]] IpAddress without_scope(const IpAddress& address);

/// Reads "candidate:..." with or without "a=" and "candidate:"; nothing for any other text, never throws on input.
[[nodiscard]] std::optional<Candidate> parse_candidate(std::string_view text);
/// "candidate:FOUNDATION COMPONENT ...".
[[nodiscard]] std::string to_string(const Candidate& candidate);

/// The W3C form; `mid` and `m_line_index` are where it belongs.
[[nodiscard]] IceCandidate to_w3c(const Candidate& candidate, std::optional<std::string> mid = {},
                                  std::optional<std::uint16_t> m_line_index = {});

/// What the W3C form's `address` holds: the address's text or the name.
[[nodiscard]] std::string address_text(const Candidate& candidate);

}  // namespace linnet::ice
