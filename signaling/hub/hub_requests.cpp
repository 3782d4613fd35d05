#include <array>
#include <cstddef>
#include <utility>

#include "hub/hub.hpp"

namespace linnet::signaling {

namespace json = boost::json;

std::string Hub::random_id() {
  // 128 bits in base32 (RFC 4648 section 6, in small letters, without padding).
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::array<std::byte, 16> bytes{};
  generator_.fill(bytes);
  std::string out;
  unsigned buffer = 0;
  int bits = 0;
  for (const std::byte b : bytes) {
    buffer = (buffer << 8U) | std::to_integer<unsigned>(b);
    for (bits += 8; bits >= 5; bits -= 5) {
      out.push_back(alphabet[(buffer >> static_cast<unsigned>(bits - 5)) & 31U]);
    }
    buffer &= 31U;
  }
  out.push_back(alphabet[(buffer << static_cast<unsigned>(5 - bits)) & 31U]);
  return out;
}

void Hub::handle(ConnectionId id, Session& session, const RequestId& request, HelloRequest& hello) {
  if (!session.peer.empty()) return refuse(id, request, {.code = ErrorCode::BadRequest, .message = "hello was said"});
  std::string peer = hello.peer.empty() ? random_id() : std::move(hello.peer);
  if (const auto holder = peers_.find(peer); holder != peers_.end()) {
    const ConnectionId old = holder->second;
    // The secret of the session that holds the id: its owner comes back on a new socket.
    if (hello.resume_token.empty() || hello.resume_token != sessions_.at(old).resume) {
      return refuse(id, request,
                    {.code = ErrorCode::IdTaken, .message = "another peer has this id", .to = peer, .fatal = true});
    }
    close(old, ErrorCode::Replaced, "the peer connected again", "replaced");
  }
  session.peer = peer;
  session.resume = random_id();
  peers_.emplace(peer, id);

  json::array servers = ice_servers_for(session);
  schedule(id, session);
  const auto heartbeat = std::chrono::duration_cast<std::chrono::milliseconds>(options_.ping_interval).count();
  json::object ready{{"type", "ready"},
                     {"peer", peer},
                     {"session", random_id()},
                     {"resume", session.resume},
                     {"resumeWindow", 0},
                     {"resumed", false},
                     {"ackSeq", 0},
                     {"heartbeat", heartbeat},
                     {"iceServers", std::move(servers)}};
  if (!request.is_null()) ready["id"] = request;
  send(id, ready);
}

void Hub::handle(ConnectionId id, Session& session, const RequestId& request, JoinRequest& join) {
  const Limits& limits = options_.limits;
  if (session.peer.empty()) return refuse(id, request, {.code = ErrorCode::BadRequest, .message = "say hello first"});
  if (join.has_password) {
    return refuse(id, request, {.code = ErrorCode::Forbidden, .message = "this server has no rooms with passwords"});
  }
  if (session.rooms.contains(join.room)) {
    return refuse(id, request, {.code = ErrorCode::BadRequest, .message = "already in this room"});
  }
  if (session.rooms.size() >= limits.max_rooms_per_peer) {
    return refuse(id, request, {.code = ErrorCode::BadRequest, .message = "in too many rooms"});
  }
  if (!session.address.empty()) {
    Address* address = address_of(session.address);
    if (!address || !address->joins.take(now_)) {
      const Duration wait = address ? address->joins.wait(now_) : Duration(std::chrono::seconds(1));
      return refuse(id, request, {.code = ErrorCode::RateLimited, .message = "too many joins", .retry_after = wait});
    }
  }
  const auto existing = rooms_.find(join.room);
  if (existing != rooms_.end() && existing->second.members.size() >= limits.max_peers_per_room) {
    return refuse(id, request, {.code = ErrorCode::RoomFull, .message = "the room is full"});
  }

  Room& room = existing != rooms_.end() ? existing->second : rooms_[join.room];
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count();
  const std::int64_t since = options_.unix_ms_at_start + ms;
  json::array present;
  for (const auto& [peer, member] : room.members) {
    json::object entry{{"peer", peer}, {"data", member.data}, {"since", member.since}};
    present.push_back(std::move(entry));
  }
  json::object news{
      {"type", "peer-joined"}, {"room", join.room}, {"peer", session.peer}, {"data", join.data}, {"since", since}};
  room.members.emplace(session.peer, Member{.id = id, .data = std::move(join.data), .since = since});
  session.rooms.insert(join.room);

  json::object joined{{"type", "joined"},
                      {"room", join.room},
                      {"peers", std::move(present)},
                      {"permissions", json::array{"signal", "message"}},
                      {"max", limits.max_peers_per_room}};
  if (!request.is_null()) joined["id"] = request;
  broadcast(room, news, session.peer);
  send_reliable(id, std::move(joined));
}

void Hub::handle(ConnectionId id, Session& session, const RequestId& request, LeaveRequest& leave) {
  if (session.rooms.erase(leave.room) == 0) {
    return refuse(id, request, {.code = ErrorCode::NotJoined, .message = "not in this room"});
  }
  std::erase_if(session.candidates, [&](const auto& entry) { return entry.first.starts_with(leave.room + '\n'); });
  leave_room(leave.room, session.peer, "left");
  ack(id, request);
}

void Hub::leave_room(const std::string& name, const std::string& peer, std::string_view reason) {
  const auto it = rooms_.find(name);
  if (it == rooms_.end()) return;
  it->second.members.erase(peer);
  if (it->second.members.empty()) {
    rooms_.erase(it);
    return;
  }
  broadcast(it->second, {{"type", "peer-left"}, {"room", name}, {"peer", peer}, {"reason", reason}}, peer);
}

void Hub::handle(ConnectionId id, Session& session, const RequestId& request, UpdateRequest& update) {
  if (!session.rooms.contains(update.room)) {
    return refuse(id, request, {.code = ErrorCode::NotJoined, .message = "not in this room"});
  }
  Room& room = rooms_.find(update.room)->second;
  json::object news{{"type", "peer-updated"}, {"room", update.room}, {"peer", session.peer}, {"data", update.data}};
  room.members.find(session.peer)->second.data = std::move(update.data);
  broadcast(room, news, session.peer);
  ack(id, request);
}

std::expected<std::string, Hub::Failure> Hub::room_of(const Session& session, const std::string& wanted) const {
  if (!wanted.empty()) {
    if (session.rooms.contains(wanted)) return wanted;
    return std::unexpected(Failure{.code = ErrorCode::NotJoined, .message = "not in this room"});
  }
  if (session.rooms.size() == 1) return *session.rooms.begin();
  if (session.rooms.empty()) return std::unexpected(Failure{.code = ErrorCode::NotJoined, .message = "in no room"});
  return std::unexpected(Failure{.code = ErrorCode::BadRequest, .message = "in several rooms: room is needed"});
}

bool Hub::count_candidates(Session& session, const std::string& room, const SignalRequest& signal) {
  const std::string key = room + '\n' + signal.to + '\n' + signal.conn;
  // A description starts a new round; before the first one counts too.
  if (signal.is_description) {
    session.candidates.erase(key);
    return true;
  }
  if (signal.candidates == 0) return true;
  const auto it = session.candidates.find(key);
  const std::size_t before = it == session.candidates.end() ? 0 : it->second;
  if (before + signal.candidates > options_.limits.max_candidates) return false;
  // `conn` is the sender's to choose: the table is bounded by what one room can need.
  if (it == session.candidates.end() && session.candidates.size() >= 4 * options_.limits.max_peers_per_room) {
    return false;
  }
  session.candidates[key] = before + signal.candidates;
  return true;
}

void Hub::handle(ConnectionId id, Session& session, const RequestId& request, SignalRequest& signal) {
  auto name = room_of(session, signal.room);
  if (!name) return refuse(id, request, std::move(name).error());
  const Room& room = rooms_.find(*name)->second;
  const auto target = room.members.find(signal.to);
  if (target == room.members.end() || signal.to == session.peer) {
    return refuse(id, request,
                  {.code = ErrorCode::PeerUnavailable, .message = "no such peer in the room", .to = signal.to});
  }
  if (!count_candidates(session, *name, signal)) {
    return refuse(id, request, {.code = ErrorCode::RateLimited, .message = "too many candidates", .to = signal.to});
  }
  json::object out{{"type", "signal"}, {"room", *name}, {"from", session.peer}};
  if (!signal.conn.empty()) out["conn"] = signal.conn;
  for (auto& member : signal.body) out[member.key()] = std::move(member.value());
  send_reliable(target->second.id, std::move(out));
  ack(id, request);
}

void Hub::handle(ConnectionId id, Session& session, const RequestId& request, MessageRequest& message) {
  auto name = room_of(session, message.room);
  if (!name) return refuse(id, request, std::move(name).error());
  const Room& room = rooms_.find(*name)->second;
  json::object out{{"type", "message"}, {"room", *name}, {"from", session.peer}, {"data", std::move(message.data)}};
  if (message.to.empty()) {
    broadcast(room, out, session.peer);
    return ack(id, request);
  }
  const auto target = room.members.find(message.to);
  if (target == room.members.end() || message.to == session.peer) {
    return refuse(id, request,
                  {.code = ErrorCode::PeerUnavailable, .message = "no such peer in the room", .to = message.to});
  }
  send_reliable(target->second.id, std::move(out));
  ack(id, request);
}

void Hub::handle(ConnectionId id, Session&, const RequestId& request, PingRequest& ping) {
  json::object pong{{"type", "pong"}, {"t", std::move(ping.t)}};
  if (!request.is_null()) pong["id"] = request;
  send(id, pong);
}

void Hub::handle(ConnectionId, Session&, const RequestId&, PongRequest&) {}

}  // namespace linnet::signaling
