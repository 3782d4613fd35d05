#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "linnet/signaling/server.hpp"
#include "linnet/signaling/types.hpp"

namespace linnet::signaling {

/// `id` of a request: a string of at most 64 bytes or an integer from 0; null stands for none.
using RequestId = boost::json::value;

struct HelloRequest {
  std::string peer{};  ///< Empty: the server chooses.
  std::string token{};
  std::string resume_token{};
};
struct JoinRequest {
  std::string room;
  boost::json::object data{};
  bool has_password = false;
};
struct LeaveRequest {
  std::string room;
};
struct UpdateRequest {
  std::string room;
  boost::json::object data{};
};
struct SignalRequest {
  std::string to;
  std::string room{};  ///< Empty: the only room of the sender.
  std::string conn{};
  boost::json::object body{};  ///< Checked, and holding nothing but the one member that is forwarded.
  std::size_t candidates = 0;  ///< How many `body` holds.
  bool is_description = false;
};
struct MessageRequest {
  std::string to{};  ///< Empty: everyone else in the room.
  std::string room{};
  boost::json::value data{};
};
struct PingRequest {
  boost::json::value t{};
};
struct PongRequest {};

struct ClientMessage {
  RequestId id{};
  std::variant<HelloRequest, JoinRequest, LeaveRequest, UpdateRequest, SignalRequest, MessageRequest, PingRequest,
               PongRequest>
      body;
};

/// What is wrong with a frame, as the reply needs it.
struct ProtocolError {
  ErrorCode code = ErrorCode::BadRequest;
  std::string message;
  RequestId id{};
  bool fatal = false;  ///< The peer does not speak the protocol: close.
};

/// Reads one text frame of a client. Checks everything that needs no state: JSON, types, ids, sizes.
[[nodiscard]] std::expected<ClientMessage, ProtocolError> parse_client_message(std::string_view text,
                                                                               const Limits& limits);

}  // namespace linnet::signaling
