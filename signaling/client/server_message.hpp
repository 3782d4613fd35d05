#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "linnet/signaling/client.hpp"

namespace linnet::signaling {

// What a server says, one struct for each type of linnet.1. Plain values: the client acts on them.

struct WelcomeMessage {};
struct ReadyMessage {
  Ready ready;
  std::string resume{};
};
/// Instead of those in `ready`.
struct IceServersMessage {
  std::vector<IceServer> ice_servers{};
};
struct JoinedMessage {
  std::optional<std::uint64_t> id{};  ///< Of the request that it answers.
  Joined joined;
};
struct AckMessage {
  std::optional<std::uint64_t> id{};
};
struct ErrorMessage {
  std::optional<std::uint64_t> id{};
  bool fatal = false;
  ServerError error;
};
struct GoAwayMessage {
  bool disconnect = false;            ///< Do not come back.
  std::chrono::milliseconds after{};  ///< The next try at the earliest; a minute at most.
};
struct PresenceMessage {
  enum class Kind : std::uint8_t { Joined, Updated, Left };
  Kind kind = Kind::Joined;
  PeerEvent event;
};
struct PingMessage {
  boost::json::value t{};  ///< A number, or null: nothing else is echoed.
};
/// A type that is newer than we are, or a body that is: proof that the server lives, and nothing more.
struct UnknownMessage {};

using ServerMessage =
    std::variant<UnknownMessage, WelcomeMessage, ReadyMessage, IceServersMessage, JoinedMessage, AckMessage,
                 ErrorMessage, GoAwayMessage, PresenceMessage, Signal, Message, PingMessage>;

/// Reads one text frame of a server; nothing for what is no JSON object. A member that is missing or of another type
/// has its default: a newer server may say what we cannot read, and it is not ours to judge.
[[nodiscard]] std::optional<ServerMessage> parse_server_message(std::string_view text);

}  // namespace linnet::signaling
