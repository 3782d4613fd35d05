#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "linnet/detail/completion.hpp"
#include "linnet/event.hpp"
#include "linnet/signaling/types.hpp"

namespace linnet::signaling {

struct ClientOptions {
  std::string peer{};                      ///< The id to ask for; empty takes the server's random one.
  std::string token{};                     ///< Authorization, when the server wants any.
  std::string client_name = "linnet-cpp";  ///< `hello.client`.
  bool reconnect = false;                  ///< After a lost socket: connect again and join the same rooms again.
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::milliseconds idle_timeout{45'000};  ///< Nothing received for this long: the socket counts as lost.
  /// What was sent must have arrived within this time, or the socket counts as lost (Linux).
  std::chrono::milliseconds send_timeout{10'000};
  /// After a change of this machine's network: the server has so long to answer a ping, then the socket counts as lost.
  std::chrono::milliseconds probe_timeout{3'000};
  /// Follow this machine's addresses (Linux): a socket whose address has gone is lost at once, and a network that comes
  /// is tried at once. Elsewhere, call network_changed().
  bool watch_network = true;
  std::string ca_file{};                  ///< PEM roots for wss; empty takes the system's.
  std::size_t max_queue_messages = 1024;  ///< Waiting to be written; more is a lost connection.
};

/// Why the connection to the server ended.
struct Closed {
  std::uint16_t code = 0;  ///< WebSocket close code; 0 when the socket just went away.
  std::string reason{};    ///< The server's words, or the system's.
  bool will_reconnect = false;
};

/// Refused by the server: `error` that answers no request of ours.
struct ServerError {
  ErrorCode code = ErrorCode::Internal;
  std::string message{};
  std::string to{};  ///< The peer that a `peer_unavailable` is about, when known.
};

/// A member came, changed its data, or went.
struct PeerEvent {
  std::string room;
  PeerInfo info;
  std::string reason{};  ///< Of peer-left: "left", "lost", "kicked".
};

/// Connection of a peer to a signaling server, protocol linnet.1.
///
/// Owned by the application, used by it and by Negotiator. It never touches a PeerConnection.
///
///   linnet::signaling::Client client{executor};
///   client.on_signal = [&](const linnet::signaling::Signal& s) { ... };
///   auto me = co_await client.connect("http://localhost:8080/r/demo");
///   boost::json::object data{{"name", "Ann"}};  // a variable: GCC 12 miscompiles braces inside a co_await
///   auto room = co_await client.join("demo", data);
///
/// Functions that take a completion token complete with void(std::exception_ptr[, T]): with use_awaitable
/// they return T or throw linnet::Exception.
///
/// Thread safety: distinct objects are safe; one object must be used from its executor's thread only. Events run
/// on the executor, never inside one of your calls. A handler may destroy the client.
class Client {
 public:
  explicit Client(Executor executor, ClientOptions options = {});
  Client(Client&&) = delete;
  ~Client();  ///< Closes; no handler runs afterwards. What is pending completes with InvalidStateError.

  /// `url` is ws://host[:port][/v1/ws], wss://..., http(s)://host[:port][/r/ROOM] or host:port. Once a client.
  /// SyntaxError for another one, InvalidAccessError when the server does not let us in, NetworkError when there is
  /// none.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto connect(std::string url, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, Ready)>(
        [this](auto handler, std::string u) {
          start_connect(std::move(u), detail::make_completion<Ready>(std::move(handler), executor()));
        },
        token, std::move(url));
  }
  template <class Token = boost::asio::use_awaitable_t<>>
  auto join(std::string room, boost::json::object data = {}, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, Joined)>(
        [this](auto handler, std::string r, boost::json::object d) {
          start_join(std::move(r), std::move(d), detail::make_completion<Joined>(std::move(handler), executor()));
        },
        token, std::move(room), std::move(data));
  }
  template <class Token = boost::asio::use_awaitable_t<>>
  auto leave(std::string room, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [this](auto handler, std::string r) {
          start_leave(std::move(r), detail::make_completion<>(std::move(handler), executor()));
        },
        token, std::move(room));
  }
  /// Replaces our presence data in `room`.
  template <class Token = boost::asio::use_awaitable_t<>>
  auto update(std::string room, boost::json::object data, Token&& token = {}) {
    return boost::asio::async_initiate<Token, void(std::exception_ptr)>(
        [this](auto handler, std::string r, boost::json::object d) {
          start_update(std::move(r), std::move(d), detail::make_completion<>(std::move(handler), executor()));
        },
        token, std::move(room), std::move(data));
  }

  /// Sends one signal to `peer`; `room` may be empty while we are in one room only. Refusals come as on_error.
  void send(std::string_view peer, SignalBody body, std::string_view room = {}, std::string_view conn = {});
  /// Small application data (<= 4 KiB of JSON) to one peer.
  void message(std::string_view peer, boost::json::value data, std::string_view room = {});
  /// Says goodbye; on_closed follows when the socket is gone. Nothing to do when not connected.
  void close();
  /// This machine's network is not what it was; called by itself with ClientOptions::watch_network. A socket whose
  /// address the machine has no more is given up, another one is tried with a ping; between two tries the next one
  /// comes at once, and the pauses start anew. Nothing to do before connect() is done and after close().
  void network_changed();

  [[nodiscard]] const Executor& executor() const noexcept;
  [[nodiscard]] bool connected() const noexcept;
  /// For PeerConnection's configuration: those of `Ready`, or what the server has pushed since. Empty before connect()
  /// is done.
  [[nodiscard]] std::vector<IceServer> ice_servers() const;
  [[nodiscard]] std::string peer() const;  ///< Our id; empty before connect() is done.
  /// The room in a URL such as http://host/r/ROOM, percent-decoded.
  [[nodiscard]] static std::optional<std::string> room_in_url(std::string_view url);

  Event<PeerEvent> on_peer_joined;
  Event<PeerEvent> on_peer_updated;
  Event<PeerEvent> on_peer_left;
  Event<Signal> on_signal;
  Event<Message> on_message;
  Event<ServerError> on_error;
  /// Other ICE servers, or the same with new credentials because the old ones expire: give them to set_configuration()
  /// of each PeerConnection. After a reconnect too.
  Event<std::vector<IceServer>> on_ice_servers;
  Event<Ready> on_reconnected;  ///< A new session after a lost one.
  Event<Joined> on_rejoined;    ///< A room joined again by itself after on_reconnected.
  Event<Closed> on_closed;

 private:
  void start_connect(std::string url, detail::Completion<Ready> completion);
  void start_join(std::string room, boost::json::object data, detail::Completion<Joined> completion);
  void start_leave(std::string room, detail::Completion<> completion);
  void start_update(std::string room, boost::json::object data, detail::Completion<> completion);

  class Impl;
  friend class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace linnet::signaling
