#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/json/parse.hpp>
#include <utility>

#include "client/client_impl.hpp"
#include "protocol/fields.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;

PeerInfo read_peer(const json::object& o) {
  PeerInfo out{.peer = string_or_empty(o, "peer")};
  if (const auto* data = find_object(o, "data")) out.data = *data;
  if (const auto since = find_uint(o, "since")) out.since = static_cast<std::int64_t>(*since);
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

ErrorName error_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::BadRequest:
    case ErrorCode::InvalidId: return ErrorName::TypeError;
    case ErrorCode::PeerUnavailable:
    case ErrorCode::NotJoined: return ErrorName::NotFoundError;
    default: return ErrorName::OperationError;
  }
}

}  // namespace

void Client::Impl::dispatch(const std::string& text) {
  if (destroyed_) return;
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  const auto* message = ec ? nullptr : value.if_object();
  if (!message) return;  // A newer server may say what we cannot read; it is not ours to judge.
  const std::string type = string_or_empty(*message, "type");
  if (open) heard();
  if (type == "signal" || type == "message") return on_peer_message(type, *message);
  if (type == "ping") {
    const auto* t = message->if_contains("t");
    json::object pong{{"type", "pong"}, {"t", t ? *t : json::value(nullptr)}};
    return write(pong);
  }
  if (type == "peer-joined" || type == "peer-updated" || type == "peer-left") return on_presence(type, *message);
  if (type == "ack") return on_ack(*message);
  if (type == "joined") return on_joined(*message);
  if (type == "error") return on_error(*message);
  if (type == "goaway") return on_goaway(*message);
  if (type == "welcome") return on_welcome();
  if (type == "ready") return on_ready(*message);
}

void Client::Impl::on_welcome() {
  json::object hello{{"type", "hello"}, {"client", options.client_name}, {"caps", json::array()}};
  const std::string& wanted = options.peer.empty() ? ready.peer : options.peer;
  if (!wanted.empty()) hello["peer"] = wanted;
  if (!options.token.empty()) hello["token"] = options.token;
  if (!resume_.empty()) {
    json::object resume{{"token", resume_}, {"seq", 0}};
    hello["resume"] = std::move(resume);
  }
  write(hello);
}

void Client::Impl::on_ready(const json::object& message) {
  if (open || !link_) return;
  open = true;
  opened_at_ = std::chrono::steady_clock::now();
  ready.peer = string_or_empty(message, "peer");
  ready.session = string_or_empty(message, "session");
  ready.heartbeat = std::chrono::milliseconds(static_cast<std::int64_t>(find_uint(message, "heartbeat").value_or(0)));
  ready.ice_servers = read_ice_servers(message);
  resume_ = string_or_empty(message, "resume");
  heard();
  if (connecting_) return std::exchange(connecting_, nullptr)(nullptr, ready);

  for (const auto& [room, data] : rooms) {
    join(room, data, [state = rejoined](std::exception_ptr failed, Joined joined) {
      if (!failed) state->emit(joined);
    });
  }
  reconnected->emit(Ready(ready));
}

std::optional<Client::Impl::Pending> Client::Impl::take(const json::object& reply) {
  const auto id = find_uint(reply, "id");
  auto node = id ? pending_.extract(*id) : decltype(pending_)::node_type();
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

void Client::Impl::on_joined(const json::object& message) {
  auto pending = take(message);
  if (!pending || !std::holds_alternative<detail::Completion<Joined>>(pending->completion)) return;
  Joined joined{.room = string_or_empty(message, "room")};
  if (const auto* peers = find_array(message, "peers")) {
    for (const auto& peer : *peers) {
      if (const auto* object = peer.if_object()) joined.peers.push_back(read_peer(*object));
    }
  }
  joined.max = static_cast<std::uint32_t>(find_uint(message, "max").value_or(0));
  rooms[pending->room] = std::move(pending->data);
  std::get<detail::Completion<Joined>>(pending->completion)(nullptr, std::move(joined));
}

void Client::Impl::on_ack(const json::object& message) {
  auto pending = take(message);
  if (!pending) return;
  if (auto* done = std::get_if<detail::Completion<>>(&pending->completion)) (*done)(nullptr);
}

void Client::Impl::on_error(const json::object& message) {
  ServerError event{.code = parse_error_code(string_or_empty(message, "code")).value_or(ErrorCode::Internal),
                    .message = string_or_empty(message, "message"),
                    .to = string_or_empty(message, "to")};
  const auto* fatal = message.if_contains("fatal");
  if (fatal && fatal->is_bool() && fatal->get_bool()) server_words_ = event.message;
  if (auto pending = take(message)) {
    return complete(std::move(*pending), {.name = error_name(event.code),
                                          .message = std::string(to_string(event.code)) + ": " + event.message});
  }
  if (connecting_) {  // About hello: the server waits for a better one, which will not come.
    server_words_ = event.message;
    if (link_) link_->close();
    return;
  }
  error->emit(event);
}

void Client::Impl::on_goaway(const json::object& message) {
  // The server closes by itself. `url` is not followed: who runs that one is not known here.
  if (string_or_empty(message, "action") == "disconnect") options.reconnect = false;
  not_before_ = std::chrono::milliseconds(std::min<std::uint64_t>(find_uint(message, "afterMs").value_or(0), 60'000));
}

void Client::Impl::on_presence(std::string_view type, const json::object& message) {
  const PeerEvent event{.room = string_or_empty(message, "room"),
                        .info = read_peer(message),
                        .reason = string_or_empty(message, "reason")};
  if (type == "peer-joined") return peer_joined->emit(event);
  if (type == "peer-updated") return peer_updated->emit(event);
  peer_left->emit(event);
}

void Client::Impl::on_peer_message(std::string_view type, const json::object& message) {
  std::string room = string_or_empty(message, "room");
  std::string from = string_or_empty(message, "from");
  if (type == "message") {
    const auto* data = message.if_contains("data");
    return app_message->emit(
        Message{.room = std::move(room), .from = std::move(from), .data = data ? *data : json::value()});
  }
  auto body = parse_signal_body(message);
  if (!body) return;
  signal->emit(Signal{.room = std::move(room),
                      .from = std::move(from),
                      .conn = string_or_empty(message, "conn"),
                      .body = std::move(*body)});
}

}  // namespace linnet::signaling
