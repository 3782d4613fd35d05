#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "hub/hub.hpp"
#include "server/http_reply.hpp"

namespace linnet::signaling {

/// One accepted TCP connection: HTTP requests first, a WebSocket after an upgrade. Kept alive by its own
/// pending operations; the server keeps a table of them. All on the server's executor.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// What a connection needs from the server.
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    [[nodiscard]] virtual const ServerOptions& options() const = 0;
    [[nodiscard]] virtual const StaticFiles& files() const = 0;
    /// `host` is the one of the request, without its port.
    virtual void opened(ConnectionId id, const std::string& address, const std::string& host, bool supported) = 0;
    virtual void received(ConnectionId id, std::string_view text) = 0;
    virtual void received_binary(ConnectionId id) = 0;
    virtual void received_too_much(ConnectionId id) = 0;
    /// The last call of a connection.
    virtual void closed(ConnectionId id) = 0;
  };

  Connection(std::shared_ptr<Owner> owner, ConnectionId id, boost::asio::ip::tcp::socket socket);

  void start();
  /// Queues a text frame; false when the queue is full: nothing was queued then.
  [[nodiscard]] bool send(std::string text);
  /// Closes with `code` after what is queued, and hard a few seconds later.
  void close(std::uint16_t code, std::string reason);
  /// Forgets what is queued but for the frame being written.
  void drop_queue();
  /// Cuts it now.
  void cut();
  [[nodiscard]] bool is_websocket() const noexcept { return websocket_.has_value(); }

 private:
  using WebSocket = boost::beast::websocket::stream<boost::beast::tcp_stream>;

  boost::asio::awaitable<void> run();
  /// True when the request was an upgrade, which run() then carries out.
  boost::asio::awaitable<bool> serve_http(HttpRequest& upgrade);
  boost::asio::awaitable<void> write_reply(HttpReply reply);
  boost::asio::awaitable<void> serve_websocket(const HttpRequest& upgrade);
  boost::asio::awaitable<void> read_frames();
  void write_next();
  void start_close();
  void arm(std::chrono::milliseconds timeout);

  std::shared_ptr<Owner> owner_;
  ConnectionId id_;
  std::string address_;
  std::optional<boost::beast::tcp_stream> stream_;
  std::optional<WebSocket> websocket_;
  boost::asio::steady_timer deadline_;
  boost::asio::cancellation_signal stop_;  ///< Ends run().
  bool cut_ = false;
  boost::beast::flat_buffer buffer_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  bool open_ = false;
  bool writing_ = false;
  std::optional<boost::beast::websocket::close_reason> closing_;
  bool close_started_ = false;
};

/// What limits by address count: the IPv4 address, or the /64 of an IPv6 one, which is what one line gets.
[[nodiscard]] std::string address_key(const boost::asio::ip::address& address);

}  // namespace linnet::signaling
