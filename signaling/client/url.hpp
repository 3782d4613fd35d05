#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "linnet/core/error.hpp"

namespace linnet::signaling {

/// Where a signaling server is, from what a user may type.
struct Url {
  bool tls = false;
  std::string host;  ///< Without the brackets of an IPv6 address.
  std::uint16_t port = 80;
  std::string target = "/v1/ws";
  std::optional<std::string> room{};  ///< Of .../r/ROOM.

  [[nodiscard]] std::string authority() const;  ///< host:port, or just host for the default port.
  [[nodiscard]] std::string text() const;       ///< "ws://host:port"
};

/// ws://, wss://, http://, https:// or no scheme; SyntaxError says what is wrong.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

}  // namespace linnet::signaling
