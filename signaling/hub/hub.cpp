#include "hub/hub.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <utility>

namespace linnet::signaling {

namespace json = boost::json;

Hub::Hub(HubOptions options, Generator& generator) : options_(std::move(options)), generator_(generator) {}

Hub::Turn::Turn(Hub& owner, TimePoint now) noexcept : hub(owner) { hub.now_ = std::max(hub.now_, now); }

Hub::Turn::~Turn() {
  // Closing one may fill the queue of another.
  while (!hub.overflowed_.empty()) {
    const ConnectionId id = hub.overflowed_.back();
    hub.overflowed_.pop_back();
    if (hub.find(id)) hub.close(id, ErrorCode::QueueFull, "messages are not read fast enough");
  }
}

Hub::Session* Hub::find(ConnectionId id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : &it->second;
}

void Hub::connect(TimePoint now, ConnectionId id, std::string address, std::string host) {
  const Turn turn(*this, now);
  if (sessions_.contains(id)) return;
  const bool full = sessions_.size() >= options_.limits.max_sessions;
  Address* counted = address.empty() ? nullptr : address_of(address);
  const bool too_fast = !address.empty() && (!counted || !counted->sockets.take(now_));

  Session session{.address = std::move(address),
                  .host = std::move(host),
                  .connected_at = now_,
                  .last_heard = now_,
                  .next_ping = now_ + options_.ping_interval,
                  .deadline = never,
                  .messages{options_.limits.messages_per_second, options_.limits.messages_burst, now_}};
  sessions_.emplace(id, std::move(session));
  schedule(id, sessions_.at(id));
  if (going_away_) return close(id, ErrorCode::GoingAway, "the server is shutting down");
  if (full) return close(id, ErrorCode::ServerFull, "the server has no room for more connections");
  if (too_fast) return close(id, ErrorCode::RateLimited, "too many connections from this address");
  welcome(id);
}

void Hub::connect_unsupported(TimePoint now, ConnectionId id) {
  const Turn turn(*this, now);
  if (sessions_.contains(id)) return;
  Session session{.address = {},
                  .connected_at = now_,
                  .last_heard = now_,
                  .next_ping = now_ + options_.ping_interval,
                  .deadline = never,
                  .messages{1, 1, now_}};
  sessions_.emplace(id, std::move(session));
  close(id, ErrorCode::UnsupportedVersion, "this server speaks the WebSocket subprotocol linnet.1");
}

void Hub::handle_text(TimePoint now, ConnectionId id, std::string_view text) {
  const Turn turn(*this, now);
  if (Session* session = find(id)) receive(id, *session, text);
}

void Hub::receive(ConnectionId id, Session& session, std::string_view text) {
  session.last_heard = now_;
  auto message = parse_client_message(text, options_.limits);
  if (!message && message.error().fatal) return close(id, message.error().code, std::move(message.error().message));

  const RequestId request = message ? message->id : message.error().id;
  if (!session.messages.take(now_)) {
    if (++session.violations > options_.limits.max_violations) {
      return close(id, ErrorCode::RateLimited, "too many messages");
    }
    return refuse(
        id, request,
        {.code = ErrorCode::RateLimited, .message = "too many messages", .retry_after = session.messages.wait(now_)});
  }
  session.violations = 0;
  if (!message) return refuse(id, request, {.code = message.error().code, .message = message.error().message});
  std::visit([&](auto& body) { handle(id, session, request, body); }, message->body);
}

void Hub::handle_binary(TimePoint now, ConnectionId id) {
  const Turn turn(*this, now);
  if (find(id)) close(id, ErrorCode::BadRequest, "messages are text frames");
}

void Hub::handle_too_large(TimePoint now, ConnectionId id) {
  const Turn turn(*this, now);
  if (!find(id)) return;
  close(id, ErrorCode::TooLarge,
        "a message is at most " + std::to_string(options_.limits.max_message_bytes) + " bytes");
}

void Hub::disconnect(TimePoint now, ConnectionId id) {
  const Turn turn(*this, now);
  remove(id, "lost");
}

void Hub::overflow(TimePoint now, ConnectionId id) {
  const Turn turn(*this, now);
  if (find(id)) close(id, ErrorCode::QueueFull, "messages are not read fast enough");
}

void Hub::shut_down(TimePoint now) {
  const Turn turn(*this, now);
  going_away_ = true;
  std::vector<ConnectionId> all;
  all.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) all.push_back(id);
  std::ranges::sort(all);
  // Everybody goes: that each other peer left too is no news worth sending.
  rooms_.clear();
  for (const ConnectionId id : all) {
    Session* session = find(id);
    if (!session) continue;
    session->rooms.clear();
    send(id, {{"type", "goaway"}, {"action", "reconnect"}, {"afterMs", 1000}});
    close(id, ErrorCode::GoingAway, "the server is shutting down");
  }
}

void Hub::schedule(ConnectionId id, Session& session) {
  TimePoint at = std::min(session.next_ping, session.last_heard + options_.idle_timeout);
  if (session.peer.empty()) at = std::min(at, session.connected_at + options_.hello_timeout);
  at = std::min(at, session.next_ice_servers);
  if (at == session.deadline) return;
  deadlines_.erase({session.deadline, id});
  session.deadline = at;
  deadlines_.insert({at, id});
}

void Hub::handle_timeout(TimePoint now) {
  const Turn turn(*this, now);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_) {
    const ConnectionId id = deadlines_.begin()->second;
    Session& session = sessions_.at(id);
    deadlines_.erase(deadlines_.begin());
    session.deadline = never;
    check_deadline(id, session);
  }
}

void Hub::check_deadline(ConnectionId id, Session& session) {
  if (now_ >= session.last_heard + options_.idle_timeout) {
    return close(id, ErrorCode::Idle, "nothing was received for too long");
  }
  if (session.peer.empty() && now_ >= session.connected_at + options_.hello_timeout) {
    return close(id, ErrorCode::Idle, "hello is missing");
  }
  if (now_ >= session.next_ping) {
    // At least a nanosecond later, also with a silly interval: timeouts must advance.
    session.next_ping = now_ + std::max(options_.ping_interval, Duration(1));
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count();
    send(id, {{"type", "ping"}, {"t", options_.unix_ms_at_start + ms}});
  }
  if (now_ >= session.next_ice_servers) renew_ice_servers(id, session);
  schedule(id, session);
}

TimePoint Hub::next_timeout() const noexcept { return deadlines_.empty() ? never : deadlines_.begin()->first; }

std::optional<Hub::Event> Hub::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  if (const auto* sent = std::get_if<Send>(&event)) {
    if (Session* session = find(sent->to)) --session->undrained;
  }
  return event;
}

void Hub::remove(ConnectionId id, std::string_view reason) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  Session session = std::move(it->second);
  sessions_.erase(it);
  deadlines_.erase({session.deadline, id});
  if (session.peer.empty()) return;
  peers_.erase(session.peer);
  for (const std::string& room : session.rooms) leave_room(room, session.peer, reason);
}

void Hub::close(ConnectionId id, ErrorCode code, std::string message, std::string_view left_reason) {
  json::object error{{"type", "error"}, {"code", to_string(code)}, {"message", message}, {"fatal", true}};
  events_.push_back(Send{.to = id, .text = json::serialize(error)});
  if (Session* session = find(id)) ++session->undrained;
  events_.push_back(Close{.to = id, .code = close_code(code), .reason = std::string(to_string(code))});
  remove(id, left_reason);
}

Hub::Address* Hub::address_of(const std::string& address) {
  if (const auto it = addresses_.find(address); it != addresses_.end()) return &it->second;
  const Limits& limits = options_.limits;
  if (addresses_.size() >= limits.max_addresses) {
    // An address that used nothing lately is one never seen. Swept seldom, so that strangers cannot cost much.
    if (now_ < addresses_swept_ + std::chrono::seconds(1)) return nullptr;
    addresses_swept_ = now_;
    for (auto it = addresses_.begin(); it != addresses_.end();) {
      const bool unused = it->second.sockets.full(now_) && it->second.joins.full(now_);
      it = unused ? addresses_.erase(it) : std::next(it);
    }
    if (addresses_.size() >= limits.max_addresses) return nullptr;
  }
  return &addresses_
              .emplace(address, Address{.sockets{limits.sockets_per_second, limits.sockets_burst, now_},
                                        .joins{limits.joins_per_second, limits.joins_burst, now_}})
              .first->second;
}

}  // namespace linnet::signaling
