#include "client/server_message.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <limits>
#include <utility>

#include "protocol/fields.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;

/// The member as an integer from 0 to `most`; a greater one counts as `most`, a missing one as 0.
std::uint64_t uint_up_to(const json::object& o, std::string_view key, std::uint64_t most) {
  return std::min(find_uint(o, key).value_or(0), most);
}

PeerInfo read_peer(const json::object& o) {
  PeerInfo out{.peer = string_or_empty(o, "peer")};
  if (const auto* data = find_object(o, "data")) out.data = *data;
  out.since = static_cast<std::int64_t>(uint_up_to(o, "since", std::numeric_limits<std::int64_t>::max()));
  return out;
}

std::vector<IceServer> read_ice_servers(const json::object& o) {
  std::vector<IceServer> out;
  const auto* list = find_array(o, "iceServers");
  if (!list) return out;
  for (const auto& value : *list) {
    const auto* entry = value.if_object();
    if (!entry) continue;
    IceServer server{.urls = {},
                     .username = string_or_empty(*entry, "username"),
                     .credential = string_or_empty(*entry, "credential")};
    if (const auto* one = find_string(*entry, "urls")) server.urls.emplace_back(one->data(), one->size());
    if (const auto* many = find_array(*entry, "urls")) {
      for (const auto& url : *many) {
        if (const auto* text = url.if_string()) server.urls.emplace_back(text->data(), text->size());
      }
    }
    if (!server.urls.empty()) out.push_back(std::move(server));
  }
  return out;
}

ReadyMessage read_ready(const json::object& o) {
  constexpr std::uint64_t day = 24 * 60 * 60 * 1'000;
  return {.ready = {.peer = string_or_empty(o, "peer"),
                    .session = string_or_empty(o, "session"),
                    .heartbeat = std::chrono::milliseconds{uint_up_to(o, "heartbeat", day)},
                    .ice_servers = read_ice_servers(o)},
          .resume = string_or_empty(o, "resume")};
}

JoinedMessage read_joined(const json::object& o) {
  JoinedMessage out{.id = find_uint(o, "id"), .joined = {.room = string_or_empty(o, "room")}};
  if (const auto* peers = find_array(o, "peers")) {
    for (const auto& peer : *peers) {
      if (const auto* object = peer.if_object()) out.joined.peers.push_back(read_peer(*object));
    }
  }
  out.joined.max = static_cast<std::uint32_t>(uint_up_to(o, "max", std::numeric_limits<std::uint32_t>::max()));
  return out;
}

ErrorMessage read_error(const json::object& o) {
  const auto* fatal = o.if_contains("fatal");
  return {.id = find_uint(o, "id"),
          .fatal = fatal && fatal->is_bool() && fatal->get_bool(),
          .error = {.code = parse_error_code(string_or_empty(o, "code")).value_or(ErrorCode::Internal),
                    .message = string_or_empty(o, "message"),
                    .to = string_or_empty(o, "to")}};
}

PresenceMessage read_presence(PresenceMessage::Kind kind, const json::object& o) {
  return {.kind = kind,
          .event = {.room = string_or_empty(o, "room"), .info = read_peer(o), .reason = string_or_empty(o, "reason")}};
}

ServerMessage read_signal(const json::object& o) {
  auto body = parse_signal_body(o);
  if (!body) return UnknownMessage{};
  return Signal{.room = string_or_empty(o, "room"),
                .from = string_or_empty(o, "from"),
                .conn = string_or_empty(o, "conn"),
                .body = std::move(*body)};
}

Message read_message(const json::object& o) {
  const auto* data = o.if_contains("data");
  return {.room = string_or_empty(o, "room"),
          .from = string_or_empty(o, "from"),
          .data = data ? *data : json::value(nullptr)};
}

ServerMessage read(std::string_view type, const json::object& o) {
  if (type == "signal") return read_signal(o);
  if (type == "message") return read_message(o);
  if (type == "ping") {
    const auto* t = o.if_contains("t");
    return PingMessage{.t = t && t->is_number() ? *t : json::value(nullptr)};
  }
  if (type == "peer-joined") return read_presence(PresenceMessage::Kind::Joined, o);
  if (type == "peer-updated") return read_presence(PresenceMessage::Kind::Updated, o);
  if (type == "peer-left") return read_presence(PresenceMessage::Kind::Left, o);
  if (type == "ack") return AckMessage{.id = find_uint(o, "id")};
  if (type == "joined") return read_joined(o);
  if (type == "error") return read_error(o);
  if (type == "goaway") {
    return GoAwayMessage{.disconnect = string_or_empty(o, "action") == "disconnect",
                         .after = std::chrono::milliseconds{uint_up_to(o, "afterMs", 60'000)}};
  }
  if (type == "welcome") return WelcomeMessage{};
  if (type == "ready") return read_ready(o);
  if (type == "ice-servers") {
    // Without the list it would take away what works.
    if (!find_array(o, "iceServers")) return UnknownMessage{};
    return IceServersMessage{.ice_servers = read_ice_servers(o)};
  }
  return UnknownMessage{};
}

}  // namespace

std::optional<ServerMessage> parse_server_message(std::string_view text) {
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  const auto* object = ec ? nullptr : value.if_object();
  if (!object) return std::nullopt;
  return read(string_or_empty(*object, "type"), *object);
}

}  // namespace linnet::signaling
