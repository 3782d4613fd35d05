#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "linnet/core/error.hpp"
#include "linnet/signaling/types.hpp"

namespace linnet::signaling {

/// What a client may do; one limit for each way to grow memory. Over a limit is an error reply.
struct Limits {
  std::size_t max_message_bytes = 64 * 1024;     ///< One frame from a client.
  std::size_t max_data_bytes = 2 * 1024;         ///< Presence data of one member, as JSON.
  std::size_t max_application_bytes = 4 * 1024;  ///< `data` of one `message`, as JSON.
  std::size_t max_name_length = 64;              ///< Display name in presence data, in UTF-8 bytes.
  std::size_t max_peers_per_room = 256;
  std::size_t max_rooms_per_peer = 8;
  std::size_t max_sessions = 10'000;
  std::size_t max_candidates = 256;       ///< From one peer to another between two offers.
  std::size_t max_addresses = 10'000;     ///< Remembered for the limits that count by address.
  std::size_t max_queue_messages = 1024;  ///< Waiting for one slow reader; more than this closes it.
  std::size_t max_queue_bytes = 4 * 1024 * 1024;
  double messages_per_second = 50, messages_burst = 200;  ///< Of one socket.
  double sockets_per_second = 20, sockets_burst = 40;     ///< Of one address.
  double joins_per_second = 5, joins_burst = 20;          ///< Of one address.
  std::size_t max_violations = 200;                       ///< Refused messages in a row before the socket is closed.
  /// Count loopback addresses too. Off, because behind a reverse proxy every client has that address.
  bool limit_loopback = false;
};

/// A file held in memory, for a web app that is built into the program.
struct EmbeddedFile {
  std::string_view path;  ///< As "/assets/app.js".
  std::span<const std::byte> content;
};

/// TURN servers that share a secret with us: each peer gets a user of its own, "EXPIRY:PEER" (Unix seconds) with the
/// password base64(HMAC-SHA1(secret, username)), and another one before it expires. coturn: `use-auth-secret` and
/// `static-auth-secret`.
struct TurnService {
  /// As W3C RTCIceServer.urls. In a url "{host}" stands for the host by which a client reached this server (127.0.0.1
  /// for localhost); a client whose host is not known does not get it.
  std::vector<std::string> urls{};
  std::string secret{};
  std::chrono::seconds lifetime{3'600};  ///< Of a user; at least 2 s.
};

struct ServerOptions {
  std::string bind_address = "127.0.0.1";
  std::uint16_t port = 8080;                 ///< 0 takes a free one, see Server::port().
  std::string web_root{};                    ///< Folder of the web app; empty serves `embedded`.
  std::span<const EmbeddedFile> embedded{};  ///< Must outlive the server.
  /// "https://example.org", or "*". The same host is always allowed. Bound to loopback, the server answers only to
  /// localhost and to the hosts named here; behind a reverse proxy, name the one that people use.
  std::vector<std::string> allowed_origins{};
  std::vector<IceServer> ice_servers{};  ///< Handed to each client in `ready`; "{host}" as in TurnService.
  std::vector<TurnService> turn{};       ///< Likewise, with users that are renewed by `ice-servers`.
  std::string server_name = "linnet";    ///< `welcome.server`.
  Limits limits{};
  std::chrono::milliseconds ping_interval{20'000};
  std::chrono::milliseconds idle_timeout{45'000};   ///< Nothing at all received for this long: dropped.
  std::chrono::milliseconds hello_timeout{10'000};  ///< From the upgrade to `hello`.
  std::chrono::milliseconds http_timeout{15'000};   ///< To send a whole request, or to take a whole answer.
  std::chrono::milliseconds write_timeout{20'000};  ///< A WebSocket write that makes no progress.
  std::size_t max_connections = 12'000;             ///< Open TCP connections of any kind.
};

/// The `linnet serve` server: the signaling protocol linnet.1 at /v1/ws, the web app, and /healthz, on one
/// port. Owned by the program; runs wholly on the given executor and makes no thread.
///
/// Thread safety: distinct objects are safe; one object must be used from its executor's thread only.
/// The executor must run one handler at a time: a one-thread io_context or a strand.
class Server {
 public:
  explicit Server(boost::asio::any_io_executor executor, ServerOptions options = {});
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();  ///< Cuts all connections at once.

  /// Binds and listens. NetworkError with a sentence for the user when that fails, as when the port is taken.
  [[nodiscard]] Result<> start();
  /// Graceful: no new connections, `goaway` to each peer, then close 4008. Done when the sockets are gone.
  void stop();

  [[nodiscard]] std::uint16_t port() const noexcept;  ///< The port in use; 0 before start().
  [[nodiscard]] std::string url() const;              ///< "http://127.0.0.1:8080"
  [[nodiscard]] std::size_t connections() const noexcept;
  [[nodiscard]] std::size_t peers() const noexcept;  ///< Sessions that said hello.
  [[nodiscard]] std::size_t rooms() const noexcept;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace linnet::signaling
