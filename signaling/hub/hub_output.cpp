#include <boost/json/serialize.hpp>
#include <utility>

#include "hub/hub.hpp"

namespace linnet::signaling {

namespace json = boost::json;

void Hub::send(ConnectionId id, const json::object& message) {
  Session* session = find(id);
  if (!session) return;
  if (session->undrained >= options_.limits.max_queue_messages) {
    if (session->undrained == options_.limits.max_queue_messages) overflowed_.push_back(id);
    ++session->undrained;  // Past the limit: noted once, and nothing more is queued.
    return;
  }
  ++session->undrained;
  events_.push_back(Send{.to = id, .text = json::serialize(message)});
}

void Hub::send_reliable(ConnectionId id, json::object message) {
  Session* session = find(id);
  if (!session) return;
  message["seq"] = ++session->seq;
  send(id, message);
}

void Hub::welcome(ConnectionId id) {
  const Limits& limits = options_.limits;
  json::object numbers{{"message", limits.max_message_bytes},         {"data", limits.max_data_bytes},
                       {"application", limits.max_application_bytes}, {"name", limits.max_name_length},
                       {"peersPerRoom", limits.max_peers_per_room},   {"roomsPerPeer", limits.max_rooms_per_peer},
                       {"candidates", limits.max_candidates}};
  json::object message{{"type", "welcome"},
                       {"protocols", json::array{subprotocol}},
                       {"server", options_.server_name},
                       {"features", json::array{"presence", "message", "takeover"}},
                       {"auth", json::array{"none"}},
                       {"limits", std::move(numbers)}};
  send(id, message);
}

void Hub::ack(ConnectionId id, const RequestId& request) {
  if (request.is_null()) return;
  send(id, {{"type", "ack"}, {"id", request}});
}

void Hub::refuse(ConnectionId id, const RequestId& request, Failure failure) {
  json::object message{
      {"type", "error"}, {"code", to_string(failure.code)}, {"message", failure.message}, {"fatal", failure.fatal}};
  if (!request.is_null()) message["id"] = request;
  if (!failure.to.empty()) message["to"] = failure.to;
  if (failure.retry_after > Duration::zero()) {
    // Rounded up: who waits exactly this long must not be refused again.
    message["retryAfterMs"] = std::chrono::ceil<std::chrono::milliseconds>(failure.retry_after).count();
  }
  send(id, message);
  if (!failure.fatal) return;
  events_.push_back(Close{.to = id, .code = close_code(failure.code), .reason = std::string(to_string(failure.code))});
  remove(id, "lost");
}

void Hub::broadcast(const Room& room, const json::object& message, std::string_view except) {
  for (const auto& [peer, member] : room.members) {
    if (peer != except) send_reliable(member.id, message);
  }
}

}  // namespace linnet::signaling
