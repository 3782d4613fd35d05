#include "linnet/signaling/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "client/client_impl.hpp"

namespace linnet::signaling {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

using detail::make_event;

Error not_connected() {
  return {.name = ErrorName::InvalidStateError, .message = "not connected to the signaling server"};
}

}  // namespace

Client::Impl::Impl(Executor e, ClientOptions o)
    : executor(std::move(e)),
      options(std::move(o)),
      peer_joined(make_event<PeerEvent>(executor)),
      peer_updated(make_event<PeerEvent>(executor)),
      peer_left(make_event<PeerEvent>(executor)),
      signal(make_event<Signal>(executor)),
      app_message(make_event<Message>(executor)),
      error(make_event<ServerError>(executor)),
      ice_servers(make_event<std::vector<IceServer>>(executor)),
      reconnected(make_event<Ready>(executor)),
      rejoined(make_event<Joined>(executor)),
      closed(make_event<Closed>(executor)),
      plan_(random_),
      liveness_({.connect = options.connect_timeout, .idle = options.idle_timeout, .answer = options.probe_timeout}),
      retry_(executor),
      idle_(executor) {}

void Client::Impl::connect(std::string url, detail::Completion<Ready> completion) {
  auto parsed = parse_url(url);
  Error problem;
  if (!parsed) problem = parsed.error();
  if (link_ || ended_) problem = {.name = ErrorName::InvalidStateError, .message = "connect() was called before"};
  if (!problem.message.empty()) {
    asio::post(executor, [completion = std::move(completion), problem]() mutable {
      completion(detail::exception_of(problem), Ready{});
    });
    return;
  }
  url_ = std::move(*parsed);
  connecting_ = std::move(completion);
  asio::co_spawn(executor, run(), [self = shared_from_this()](std::exception_ptr) {});
}

void Client::Impl::join(std::string room, json::object data, detail::Completion<Joined> completion) {
  json::object request{{"type", "join"}, {"room", room}, {"data", data}};
  start_request(std::move(request),
                {.completion{std::move(completion)}, .room = std::move(room), .data = std::move(data)});
}

void Client::Impl::request(json::object message, detail::Completion<> completion) {
  start_request(std::move(message), {.completion{std::move(completion)}});
}

void Client::Impl::start_request(json::object message, Pending pending) {
  if (!open) {
    asio::post(executor, [self = shared_from_this(), pending = std::make_shared<Pending>(std::move(pending))] {
      self->complete(std::move(*pending), not_connected());
    });
    return;
  }
  const std::uint64_t id = ++last_id_;
  message["id"] = id;
  pending.timer = std::make_unique<asio::steady_timer>(executor, options.request_timeout);
  pending.timer->async_wait([weak = weak_from_this(), id](boost::system::error_code ec) {
    if (const auto self = weak.lock(); self && !ec) self->timed_out(id);
  });
  pending_.emplace(id, std::move(pending));
  write(message);
}

void Client::Impl::timed_out(std::uint64_t id) {
  auto node = pending_.extract(id);
  if (node.empty()) return;
  complete(std::move(node.mapped()),
           {.name = ErrorName::OperationError, .message = "the signaling server did not answer in time"});
}

void Client::Impl::complete(Pending pending, const Error& problem) {
  if (auto* joined = std::get_if<detail::Completion<Joined>>(&pending.completion)) {
    (*joined)(detail::exception_of(problem), Joined{});
  } else {
    std::get<detail::Completion<>>(pending.completion)(detail::exception_of(problem));
  }
}

void Client::Impl::write(const json::object& message) {
  if (link_ && !link_->send(json::serialize(message))) {
    server_words_ = "the server does not read";
    link_->cut();
  }
}

void Client::Impl::send(std::string_view peer, json::object body, std::string_view room, std::string_view conn) {
  if (!open) {
    asio::post(executor, [state = error, to = std::string(peer)] {
      state->emit({.code = ErrorCode::PeerUnavailable, .message = not_connected().message, .to = to});
    });
    return;
  }
  body["type"] = "signal";
  body["to"] = peer;
  if (!room.empty()) body["room"] = room;
  if (!conn.empty()) body["conn"] = conn;
  write(body);
}

void Client::Impl::message(std::string_view peer, json::value data, std::string_view room) {
  json::object out{{"type", "message"}, {"data", std::move(data)}};
  if (!peer.empty()) out["to"] = peer;
  if (!room.empty()) out["room"] = room;
  if (open) write(out);
}

void Client::Impl::close() {
  ended_ = true;
  if (watch_) watch_->stop();
  retry_.cancel();
  if (link_) link_->close();
}

void Client::Impl::destroy() {
  destroyed_ = true;
  close();
  idle_.cancel();
  peer_joined->close();
  peer_updated->close();
  peer_left->close();
  signal->close();
  app_message->close();
  error->close();
  ice_servers->close();
  reconnected->close();
  rejoined->close();
  closed->close();
  const Error problem{.name = ErrorName::InvalidStateError, .message = "the signaling client was closed"};
  asio::post(executor, [self = shared_from_this(), problem] { self->fail_pending(problem); });
}

Client::Client(Executor executor, ClientOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {
  on_peer_joined = Event<PeerEvent>(impl_->peer_joined);
  on_peer_updated = Event<PeerEvent>(impl_->peer_updated);
  on_peer_left = Event<PeerEvent>(impl_->peer_left);
  on_signal = Event<Signal>(impl_->signal);
  on_message = Event<Message>(impl_->app_message);
  on_error = Event<ServerError>(impl_->error);
  on_ice_servers = Event<std::vector<IceServer>>(impl_->ice_servers);
  on_reconnected = Event<Ready>(impl_->reconnected);
  on_rejoined = Event<Joined>(impl_->rejoined);
  on_closed = Event<Closed>(impl_->closed);
}
Client::~Client() { impl_->destroy(); }

void Client::start_connect(std::string url, detail::Completion<Ready> completion) {
  impl_->connect(std::move(url), std::move(completion));
}
void Client::start_join(std::string room, json::object data, detail::Completion<Joined> completion) {
  impl_->join(std::move(room), std::move(data), std::move(completion));
}
void Client::start_leave(std::string room, detail::Completion<> completion) {
  impl_->rooms.erase(room);
  json::object request{{"type", "leave"}, {"room", std::move(room)}};
  impl_->request(std::move(request), std::move(completion));
}
void Client::start_update(std::string room, json::object data, detail::Completion<> completion) {
  if (const auto it = impl_->rooms.find(room); it != impl_->rooms.end()) it->second = data;
  json::object request{{"type", "update"}, {"room", std::move(room)}, {"data", std::move(data)}};
  impl_->request(std::move(request), std::move(completion));
}

void Client::send(std::string_view peer, SignalBody body, std::string_view room, std::string_view conn) {
  impl_->send(peer, to_json(body), room, conn);
}
void Client::message(std::string_view peer, json::value data, std::string_view room) {
  impl_->message(peer, std::move(data), room);
}
void Client::close() { impl_->close(); }
void Client::network_changed() { impl_->network_changed(); }

const Executor& Client::executor() const noexcept { return impl_->executor; }
bool Client::connected() const noexcept { return impl_->open; }
std::vector<IceServer> Client::ice_servers() const { return impl_->ready.ice_servers; }
std::string Client::peer() const { return impl_->ready.peer; }

std::optional<std::string> Client::room_in_url(std::string_view url) {
  auto parsed = parse_url(url);
  return parsed ? parsed->room : std::nullopt;
}

}  // namespace linnet::signaling
