#include <utility>

#include "client/client_impl.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;

/// A request never stays without an end, whatever the server makes of its id.
Error wrong_answer() {
  return {.name = ErrorName::OperationError, .message = "the signaling server answered something else"};
}

}  // namespace

ErrorName error_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::BadRequest:
    case ErrorCode::InvalidId: return ErrorName::TypeError;
    case ErrorCode::PeerUnavailable:
    case ErrorCode::NotJoined: return ErrorName::NotFoundError;
    case ErrorCode::Unauthorized:
    case ErrorCode::TokenExpired:
    case ErrorCode::Forbidden:
    case ErrorCode::BadOrigin:
    case ErrorCode::RoomLocked:
    case ErrorCode::BadPassword: return ErrorName::InvalidAccessError;
    default: return ErrorName::OperationError;
  }
}

void Client::Impl::dispatch(std::string_view text) {
  if (destroyed_) return;
  auto message = parse_server_message(text);
  if (!message) return;
  if (open) heard();
  std::visit([this](auto& each) { on(each); }, *message);
}

void Client::Impl::on(WelcomeMessage&) {
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

void Client::Impl::on(ReadyMessage& message) {
  if (open || !link_) return;
  open = true;
  plan_.opened(Liveness::Clock::now());
  ready = std::move(message.ready);
  resume_ = std::move(message.resume);
  heard();
  if (connecting_) return std::exchange(connecting_, nullptr)(nullptr, ready);

  for (const auto& [room, data] : rooms) {
    join(room, data, [state = rejoined](std::exception_ptr failed, Joined joined) {
      if (!failed) state->emit(joined);
    });
  }
  reconnected->emit(Ready(ready));
  ice_servers->emit(ready.ice_servers);
}

void Client::Impl::on(IceServersMessage& message) {
  if (!open) return;
  ready.ice_servers = std::move(message.ice_servers);
  ice_servers->emit(ready.ice_servers);
}

std::optional<Client::Impl::Pending> Client::Impl::take(std::optional<std::uint64_t> id) {
  auto node = id ? pending_.extract(*id) : decltype(pending_)::node_type();
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

void Client::Impl::on(JoinedMessage& message) {
  auto pending = take(message.id);
  if (!pending) return;
  if (!std::holds_alternative<detail::Completion<Joined>>(pending->completion))
    return complete(std::move(*pending), wrong_answer());
  rooms[pending->room] = std::move(pending->data);
  std::get<detail::Completion<Joined>>(pending->completion)(nullptr, std::move(message.joined));
}

void Client::Impl::on(AckMessage& message) {
  auto pending = take(message.id);
  if (!pending) return;
  auto* done = std::get_if<detail::Completion<>>(&pending->completion);
  if (!done) return complete(std::move(*pending), wrong_answer());
  (*done)(nullptr);
}

void Client::Impl::on(ErrorMessage& message) {
  ServerError& event = message.error;
  if (message.fatal) server_words_ = event.message;
  if (auto pending = take(message.id)) {
    return complete(std::move(*pending), {.name = error_name(event.code),
                                          .message = std::string(to_string(event.code)) + ": " + event.message});
  }
  if (connecting_) {  // About hello: the server waits for a better one, which will not come.
    server_words_ = event.message;
    not_allowed_ = error_name(event.code) == ErrorName::InvalidAccessError;
    if (link_) link_->close();
    return;
  }
  error->emit(event);
}

void Client::Impl::on(GoAwayMessage& message) {
  // The server closes by itself. `url` is not followed: who runs that one is not known here.
  if (message.disconnect) options.reconnect = false;
  plan_.postpone(Liveness::Clock::now() + message.after);
}

void Client::Impl::on(PresenceMessage& message) {
  switch (message.kind) {
    case PresenceMessage::Kind::Joined: return peer_joined->emit(message.event);
    case PresenceMessage::Kind::Updated: return peer_updated->emit(message.event);
    case PresenceMessage::Kind::Left: return peer_left->emit(message.event);
  }
}

void Client::Impl::on(PingMessage& message) {
  json::object pong{{"type", "pong"}, {"t", std::move(message.t)}};
  write(pong);
}

void Client::Impl::on(Signal& message) { signal->emit(message); }
void Client::Impl::on(Message& message) { app_message->emit(message); }

}  // namespace linnet::signaling
