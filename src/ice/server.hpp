#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "linnet/core/address.hpp"
#include "linnet/core/error.hpp"

namespace linnet::ice {

/// A STUN or TURN server, one for each URL of an RTCIceServer.
struct Server {
  enum class Kind : std::uint8_t { Stun, Turn };
  Kind kind = Kind::Stun;
  std::string host;  ///< A name or an address, without brackets.
  std::uint16_t port = 3478;
  Protocol protocol = Protocol::Udp;
  std::string username{};    ///< TURN only.
  std::string credential{};  ///< TURN only.
  std::string url{};         ///< As it was written.

  friend bool operator==(const Server&, const Server&) = default;
};

/// Reads a stun:, stuns:, turn: or turns: URL (RFC 7064, RFC 7065). Anything else is the SyntaxError that
/// W3C "set the configuration" demands.
[[nodiscard]] Result<Server> parse_server_url(std::string_view url);

}  // namespace linnet::ice
