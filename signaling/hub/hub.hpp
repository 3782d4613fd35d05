#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/strong.hpp"
#include "hub/token_bucket.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "linnet/signaling/server.hpp"
#include "protocol/client_message.hpp"

namespace linnet::signaling {

/// Names one socket; given by the server, never used twice.
using ConnectionId = Strong<struct ConnectionIdTag, std::uint64_t>;

struct HubOptions {
  std::string server_name = "linnet";
  std::vector<IceServer> ice_servers{};
  std::vector<TurnService> turn{};
  Limits limits{};
  Duration ping_interval = std::chrono::seconds(20);
  Duration idle_timeout = std::chrono::seconds(45);
  Duration hello_timeout = std::chrono::seconds(10);
  std::int64_t unix_ms_at_start = 0;  ///< The wall clock at TimePoint{}, until `set_unix_time`.
};

/// The server's mind: sessions, rooms, presence, routing and limits of linnet.1. A machine: owned by the
/// server, which hands it frames and the time and carries out its events. It never sees a socket.
class Hub {
 public:
  struct Send {
    ConnectionId to;
    std::string text;
  };
  /// After what was sent before has been written, close with this code. The hub has forgotten the connection.
  struct Close {
    ConnectionId to;
    std::uint16_t code;
    std::string reason;
  };
  using Event = std::variant<Send, Close>;

  Hub(HubOptions options, Generator& generator);

  /// What the wall clock says now: it is set, and goes on while the machine sleeps. Users that expire by it are made
  /// anew when it has jumped.
  void set_unix_time(TimePoint now, std::chrono::milliseconds unix_time);
  /// A socket was accepted. `address` is what limits count by; empty when it is exempt from them. `host` is the name by
  /// which the client reached us, for the ICE servers that stand beside us; empty: not known.
  void connect(TimePoint now, ConnectionId id, std::string address, std::string host = {});
  /// It speaks no version that we know: an error, then closed.
  void connect_unsupported(TimePoint now, ConnectionId id);
  void handle_text(TimePoint now, ConnectionId id, std::string_view text);
  void handle_binary(TimePoint now, ConnectionId id);
  void handle_too_large(TimePoint now, ConnectionId id);
  /// The socket is gone, whoever closed it.
  void disconnect(TimePoint now, ConnectionId id);
  /// The server dropped it because it does not read.
  void overflow(TimePoint now, ConnectionId id);
  /// Tells everyone to go and closes; new connections are refused from now on.
  void shut_down(TimePoint now);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();

  [[nodiscard]] std::size_t connections() const noexcept { return sessions_.size(); }
  [[nodiscard]] std::size_t peers() const noexcept { return peers_.size(); }
  [[nodiscard]] std::size_t rooms() const noexcept { return rooms_.size(); }

 private:
  struct Session {
    std::string address;
    std::string host{};
    std::string peer{};  // Empty until hello.
    std::string resume{};
    std::uint64_t seq = 0;
    TimePoint connected_at;
    TimePoint last_heard;
    TimePoint next_ping;
    TimePoint next_ice_servers = never;  ///< When its TURN users are to be renewed.
    TimePoint deadline;
    TokenBucket messages;
    std::size_t violations = 0;
    std::size_t undrained = 0;
    std::set<std::string, std::less<>> rooms{};
    std::map<std::string, std::size_t, std::less<>> candidates{};  // By room, peer and conn.
  };
  struct Member {
    ConnectionId id;
    boost::json::object data;
    std::int64_t since;
  };
  struct Room {
    std::map<std::string, Member, std::less<>> members{};  // By peer id.
  };
  struct Address {
    TokenBucket sockets;
    TokenBucket joins;
  };
  struct Failure {
    ErrorCode code;
    std::string message;
    Duration retry_after = Duration::zero();
    std::string to{};
    bool fatal = false;
  };

  // hub.cpp: the life of a connection
  /// One call from outside: takes the time, and at the end closes who reads too slowly. Nothing is closed by the way.
  struct Turn {
    Hub& hub;
    Turn(Hub& owner, TimePoint now) noexcept;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();
  };
  [[nodiscard]] Session* find(ConnectionId id);
  void schedule(ConnectionId id, Session& session);
  void welcome(ConnectionId id);
  void check_deadline(ConnectionId id, Session& session);
  void receive(ConnectionId id, Session& session, std::string_view text);
  void remove(ConnectionId id, std::string_view reason);
  void close(ConnectionId id, ErrorCode code, std::string message, std::string_view left_reason = "lost");
  [[nodiscard]] Address* address_of(const std::string& address);

  // hub_output.cpp
  void send(ConnectionId id, const boost::json::object& message);
  void send_reliable(ConnectionId id, boost::json::object message);
  void ack(ConnectionId id, const RequestId& request);
  void refuse(ConnectionId id, const RequestId& request, Failure failure);

  // hub_ice_servers.cpp
  /// What the peer of `session` is to be told; says when next.
  [[nodiscard]] boost::json::array ice_servers_for(Session& session);
  void renew_ice_servers(ConnectionId id, Session& session);

  // hub_requests.cpp
  void handle(ConnectionId id, Session& session, const RequestId& request, HelloRequest& hello);
  void handle(ConnectionId id, Session& session, const RequestId& request, JoinRequest& join);
  void handle(ConnectionId id, Session& session, const RequestId& request, LeaveRequest& leave);
  void handle(ConnectionId id, Session& session, const RequestId& request, UpdateRequest& update);
  void handle(ConnectionId id, Session& session, const RequestId& request, SignalRequest& signal);
  void handle(ConnectionId id, Session& session, const RequestId& request, MessageRequest& message);
  void handle(ConnectionId id, Session& session, const RequestId& request, PingRequest& ping);
  void handle(ConnectionId id, Session& session, const RequestId& request, PongRequest& pong);
  void leave_room(const std::string& room, const std::string& peer, std::string_view reason);
  void broadcast(const Room& room, const boost::json::object& message, std::string_view except);
  [[nodiscard]] std::expected<std::string, Failure> room_of(const Session& session, const std::string& wanted) const;
  [[nodiscard]] bool count_candidates(Session& session, const std::string& room, const SignalRequest& signal);
  [[nodiscard]] std::string random_id();

  HubOptions options_;
  Generator& generator_;
  TimePoint now_{};
  bool going_away_ = false;
  std::unordered_map<ConnectionId, Session> sessions_;
  std::unordered_map<std::string, ConnectionId> peers_;
  std::map<std::string, Room, std::less<>> rooms_;
  std::unordered_map<std::string, Address> addresses_;
  TimePoint addresses_swept_{};
  std::set<std::pair<TimePoint, ConnectionId>> deadlines_;
  std::vector<ConnectionId> overflowed_;
  std::deque<Event> events_;
};

}  // namespace linnet::signaling
