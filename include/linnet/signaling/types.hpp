#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "linnet/core/error.hpp"
#include "linnet/ice_candidate.hpp"
#include "linnet/session_description.hpp"

namespace linnet::signaling {

/// The WebSocket subprotocol; the version of the protocol lives in it.
inline constexpr std::string_view subprotocol = "linnet.1";

/// Why the server refused something: the stable strings of signaling/protocol.md.
enum class ErrorCode : std::uint8_t {
  BadRequest,
  UnknownType,
  TooLarge,
  UnsupportedVersion,
  Unauthorized,
  TokenExpired,
  Forbidden,
  BadOrigin,
  InvalidId,
  IdTaken,
  RoomFull,
  RoomLocked,
  BadPassword,
  NotJoined,
  PeerUnavailable,
  QueueFull,
  RateLimited,
  ServerFull,
  GoingAway,
  Replaced,
  ResumeFailed,
  Kicked,
  Idle,
  Internal,
};
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;
[[nodiscard]] std::optional<ErrorCode> parse_error_code(std::string_view text) noexcept;
/// The WebSocket close code that goes with `code` when it ends the connection.
[[nodiscard]] std::uint16_t close_code(ErrorCode code) noexcept;

/// A STUN or TURN server for PeerConnection's configuration, as W3C RTCIceServer.
struct IceServer {
  std::vector<std::string> urls;
  std::string username{};
  std::string credential{};

  friend bool operator==(const IceServer&, const IceServer&) = default;
};

/// One member of a room. `data` is its presence (name, device ...), at most 2 KiB of JSON.
struct PeerInfo {
  std::string peer;
  boost::json::object data{};
  std::int64_t since = 0;  ///< When it joined, in milliseconds of Unix time.
};

/// The server's first answer: who we are.
struct Ready {
  std::string peer;
  std::string session;
  bool resumed = false;
  std::chrono::milliseconds heartbeat{};
  std::vector<IceServer> ice_servers{};
};

/// A room that we are in now, and who was there before us.
struct Joined {
  std::string room;
  std::vector<PeerInfo> peers{};
  std::uint32_t max = 0;  ///< The most members that the room takes.
};

/// A candidate, or nullopt: the end of the candidates (W3C addIceCandidate(null)).
using Candidate = std::optional<IceCandidateInit>;
/// The sender gives up this peer connection.
struct CloseSignal {
  std::string reason{};
  friend bool operator==(const CloseSignal&, const CloseSignal&) = default;
};
/// A body that only the two peers can read; carried unread.
struct SealedSignal {
  std::string sealed;
  friend bool operator==(const SealedSignal&, const SealedSignal&) = default;
};
/// What one `signal` carries. It is also one line of `--signal stdio`.
using SignalBody = std::variant<SessionDescription, Candidate, std::vector<Candidate>, CloseSignal, SealedSignal>;

/// A `signal` from another peer.
struct Signal {
  std::string room;
  std::string from;
  std::string conn{};  ///< Which of several connections between the two; empty by default.
  SignalBody body;
};

/// A `message` from another peer: small application data before the peers are connected.
struct Message {
  std::string room;
  std::string from;
  boost::json::value data{};
};

/// {"description":{...}}, {"candidate":{...}}, {"candidate":null}, {"candidates":[...]}, {"close":{...}} or
/// {"sealed":"..."}.
[[nodiscard]] boost::json::object to_json(const SignalBody& body);
/// Reads the one known member of `object`; others are ignored. TypeError with what is wrong otherwise.
[[nodiscard]] Result<SignalBody> parse_signal_body(const boost::json::object& object);
/// One line of `--signal stdio`, without the line feed.
[[nodiscard]] std::string to_line(const SignalBody& body);
[[nodiscard]] Result<SignalBody> parse_signal_line(std::string_view line);

/// A legal peer id or room name: [A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,62}[A-Za-z0-9])?
[[nodiscard]] bool is_valid_id(std::string_view id) noexcept;

}  // namespace linnet::signaling
