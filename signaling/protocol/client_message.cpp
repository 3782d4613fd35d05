#include "protocol/client_message.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "protocol/fields.hpp"

namespace linnet::signaling {
namespace {

namespace json = boost::json;
using Parsed = std::expected<decltype(ClientMessage::body), ProtocolError>;

std::unexpected<ProtocolError> refuse(ErrorCode code, std::string message) {
  return std::unexpected(ProtocolError{.code = code, .message = std::move(message)});
}
std::unexpected<ProtocolError> bad(std::string message) { return refuse(ErrorCode::BadRequest, std::move(message)); }

/// An id that may be absent; an empty string when it is.
std::expected<std::string, ProtocolError> optional_id(const json::object& o, std::string_view key) {
  if (!has_value(o, key)) return std::string();
  const auto* text = find_string(o, key);
  if (!text || !is_valid_id(*text)) return refuse(ErrorCode::InvalidId, std::string(key) + " is not a legal id");
  return std::string(text->data(), text->size());
}
std::expected<std::string, ProtocolError> needed_id(const json::object& o, std::string_view key) {
  auto id = optional_id(o, key);
  if (id && id->empty()) return bad(std::string(key) + " is missing");
  return id;
}

std::expected<json::object, ProtocolError> presence(const json::object& o, const Limits& limits) {
  if (!has_value(o, "data")) return json::object();
  const auto* data = find_object(o, "data");
  if (!data) return bad("data must be an object");
  if (json::serialize(*data).size() > limits.max_data_bytes) {
    return bad("data is larger than " + std::to_string(limits.max_data_bytes) + " bytes");
  }
  if (has_value(*data, "name")) {
    const auto* name = find_string(*data, "name");
    if (!name) return bad("data.name must be a string");
    if (name->size() > limits.max_name_length) return bad("data.name is too long");
    for (const char c : *name) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return bad("data.name has control characters");
    }
  }
  return *data;
}

Parsed parse_hello(const json::object& o) {
  auto peer = optional_id(o, "peer");
  if (!peer) return std::unexpected(std::move(peer).error());
  HelloRequest out{.peer = std::move(*peer), .token = string_or_empty(o, "token")};
  if (const auto* resume = find_object(o, "resume")) out.resume_token = string_or_empty(*resume, "token");
  return out;
}

template <class Request>
Parsed parse_presence(const json::object& o, const Limits& limits) {
  auto room = needed_id(o, "room");
  if (!room) return std::unexpected(std::move(room).error());
  auto data = presence(o, limits);
  if (!data) return std::unexpected(std::move(data).error());
  Request out{.room = std::move(*room), .data = std::move(*data)};
  if constexpr (std::is_same_v<Request, JoinRequest>) out.has_password = has_value(o, "password");
  return out;
}

Parsed parse_leave(const json::object& o) {
  auto room = needed_id(o, "room");
  if (!room) return std::unexpected(std::move(room).error());
  return LeaveRequest{.room = std::move(*room)};
}

Parsed parse_signal(const json::object& o) {
  auto to = needed_id(o, "to");
  if (!to) return std::unexpected(std::move(to).error());
  auto room = optional_id(o, "room");
  if (!room) return std::unexpected(std::move(room).error());
  auto conn = optional_id(o, "conn");
  if (!conn) return std::unexpected(std::move(conn).error());
  const auto body = parse_signal_body(o);
  if (!body) return bad(body.error().message);

  SignalRequest out{.to = std::move(*to), .room = std::move(*room), .conn = std::move(*conn)};
  // What is forwarded is written anew: no member that was not checked travels on.
  out.body = to_json(*body);
  out.is_description = std::holds_alternative<SessionDescription>(*body);
  if (std::holds_alternative<Candidate>(*body)) out.candidates = 1;
  if (const auto* list = std::get_if<std::vector<Candidate>>(&*body)) out.candidates = list->size();
  return out;
}

Parsed parse_message(const json::object& o, const Limits& limits) {
  auto to = optional_id(o, "to");
  if (!to) return std::unexpected(std::move(to).error());
  auto room = optional_id(o, "room");
  if (!room) return std::unexpected(std::move(room).error());
  const auto* data = o.if_contains("data");
  if (!data) return bad("data is missing");
  if (json::serialize(*data).size() > limits.max_application_bytes) {
    return bad("data is larger than " + std::to_string(limits.max_application_bytes) + " bytes");
  }
  return MessageRequest{.to = std::move(*to), .room = std::move(*room), .data = *data};
}

Parsed parse_body(std::string_view type, const json::object& o, const Limits& limits) {
  if (type == "signal") return parse_signal(o);
  if (type == "message") return parse_message(o, limits);
  if (type == "ping") {
    const auto* t = o.if_contains("t");
    // Echoed: nothing but a number may come back this way.
    return PingRequest{.t = t && t->is_number() ? *t : json::value(nullptr)};
  }
  if (type == "pong") return PongRequest{};
  if (type == "hello") return parse_hello(o);
  if (type == "join") return parse_presence<JoinRequest>(o, limits);
  if (type == "update") return parse_presence<UpdateRequest>(o, limits);
  if (type == "leave") return parse_leave(o);
  return refuse(ErrorCode::UnknownType, "this server does not know the type");
}

/// null when absent; nullopt when it cannot be echoed.
std::optional<RequestId> request_id(const json::object& o) {
  const auto* id = o.if_contains("id");
  if (!id || id->is_null()) return RequestId{};
  if (const auto* text = id->if_string()) return text->size() <= 64 ? std::optional<RequestId>(*id) : std::nullopt;
  if (id->is_uint64() || (id->is_int64() && id->get_int64() >= 0)) return *id;
  return std::nullopt;
}

}  // namespace

std::expected<ClientMessage, ProtocolError> parse_client_message(std::string_view text, const Limits& limits) {
  const auto fatal = [](ErrorCode code, std::string message) {
    return std::unexpected(ProtocolError{.code = code, .message = std::move(message), .fatal = true});
  };
  if (text.size() > limits.max_message_bytes) {
    return fatal(ErrorCode::TooLarge, "a message is at most " + std::to_string(limits.max_message_bytes) + " bytes");
  }
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  if (ec) return fatal(ErrorCode::BadRequest, "not JSON: " + ec.message());
  const auto* object = value.if_object();
  if (!object) return fatal(ErrorCode::BadRequest, "a JSON object is needed");

  auto id = request_id(*object);
  if (!id) return bad("id must be a string of at most 64 bytes or an integer from 0");
  const auto* type = find_string(*object, "type");
  if (!type) {
    return std::unexpected(
        ProtocolError{.code = ErrorCode::BadRequest, .message = "type is missing", .id = std::move(*id)});
  }
  auto body = parse_body(*type, *object, limits);
  if (!body) {
    body.error().id = std::move(*id);
    return std::unexpected(std::move(body).error());
  }
  return ClientMessage{.id = std::move(*id), .body = std::move(*body)};
}

}  // namespace linnet::signaling
