#include "linnet/signaling/server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <utility>

#include "hub/hub.hpp"
#include "server/connection.hpp"
#include "server/static_files.hpp"
#include "server/system_random.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

TimePoint now() { return TimePoint(duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())); }

milliseconds unix_time() { return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()); }

HubOptions hub_options(const ServerOptions& options) {
  const auto ours = duration_cast<milliseconds>(now().time_since_epoch()).count();
  return {.server_name = options.server_name,
          .ice_servers = options.ice_servers,
          .turn = options.turn,
          .limits = options.limits,
          .ping_interval = options.ping_interval,
          .idle_timeout = options.idle_timeout,
          .hello_timeout = options.hello_timeout,
          .unix_ms_at_start = unix_time().count() - ours};
}

std::string authority(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? '[' + address + ']' : address) + ':' + std::to_string(endpoint.port());
}

}  // namespace

/// Owns the listening socket, the table of connections and the hub; carries out what the hub says.
class Server::Impl final : public Connection::Owner, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, ServerOptions options)
      : options_(std::move(options)),
        files_(options_.web_root, options_.embedded),
        hub_(hub_options(options_), random_),
        acceptor_(executor),
        retry_(executor),
        timer_(executor) {}

  Result<> start();
  void stop();
  void abort();

  [[nodiscard]] const ServerOptions& options() const override { return options_; }
  [[nodiscard]] const StaticFiles& files() const override { return files_; }
  void opened(ConnectionId id, const std::string& address, const std::string& host, bool supported) override;
  void received(ConnectionId id, std::string_view text) override;
  void received_binary(ConnectionId id) override;
  void received_too_much(ConnectionId id) override;
  void closed(ConnectionId id) override;

  [[nodiscard]] const tcp::endpoint& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }
  [[nodiscard]] const Hub& hub() const noexcept { return hub_; }

 private:
  void accept();
  /// The time, after the hub was told what the wall clock says.
  [[nodiscard]] TimePoint tell_time();
  void pump();
  void arm();

  ServerOptions options_;
  StaticFiles files_;
  SystemRandom random_;
  Hub hub_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  asio::steady_timer timer_;
  TimePoint armed_ = never;
  tcp::endpoint endpoint_;
  std::map<ConnectionId, std::shared_ptr<Connection>> connections_;
  std::uint64_t last_id_ = 0;
  bool stopping_ = false;
};

Result<> Server::Impl::start() {
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(options_.bind_address, ec);
  if (ec) return fail(ErrorName::TypeError, "cannot listen on " + options_.bind_address + ": it is no IP address");
  endpoint_ = {address, options_.port};
  const auto cannot = [&](const boost::system::error_code& why) {
    std::string text = "cannot listen on " + authority(endpoint_) + ": ";
    if (why == asio::error::address_in_use) {
      text += "the port is taken by another program; choose another one (0 takes any free one)";
    } else if (why == asio::error::access_denied) {
      text += "permission denied; ports below 1024 need privileges";
    } else {
      text += why.message();
    }
    acceptor_.close();
    return fail(ErrorName::NetworkError, std::move(text));
  };
  if (acceptor_.open(endpoint_.protocol(), ec); ec) return cannot(ec);
  if (acceptor_.set_option(tcp::acceptor::reuse_address(true), ec); ec) return cannot(ec);
  if (acceptor_.bind(endpoint_, ec); ec) return cannot(ec);
  if (acceptor_.listen(asio::socket_base::max_listen_connections, ec); ec) return cannot(ec);
  endpoint_ = acceptor_.local_endpoint(ec);
  if (ec) return cannot(ec);
  accept();
  return {};
}

TimePoint Server::Impl::tell_time() {
  const TimePoint time = now();
  hub_.set_unix_time(time, unix_time());
  return time;
}

void Server::Impl::accept() {
  acceptor_.async_accept([self = shared_from_this()](boost::system::error_code ec, tcp::socket socket) {
    if (self->stopping_ || !self->acceptor_.is_open()) return;
    if (ec) {
      // Out of file descriptors, most likely: wait for some to come back instead of spinning.
      self->retry_.expires_after(milliseconds(100));
      self->retry_.async_wait([self](boost::system::error_code cancelled) {
        if (!cancelled && !self->stopping_) self->accept();
      });
      return;
    }
    if (self->connections_.size() < self->options_.max_connections) {
      const ConnectionId id{++self->last_id_};
      auto connection = std::make_shared<Connection>(self, id, std::move(socket));
      self->connections_.emplace(id, connection);
      connection->start();
    }
    self->accept();
  });
}

void Server::Impl::opened(ConnectionId id, const std::string& address, const std::string& host, bool supported) {
  if (supported) {
    hub_.connect(tell_time(), id, address, host);
  } else {
    hub_.connect_unsupported(tell_time(), id);
  }
  pump();
}
void Server::Impl::received(ConnectionId id, std::string_view text) {
  hub_.handle_text(tell_time(), id, text);
  pump();
}
void Server::Impl::received_binary(ConnectionId id) {
  hub_.handle_binary(tell_time(), id);
  pump();
}
void Server::Impl::received_too_much(ConnectionId id) {
  hub_.handle_too_large(tell_time(), id);
  pump();
}
void Server::Impl::closed(ConnectionId id) {
  connections_.erase(id);
  hub_.disconnect(tell_time(), id);
  pump();
}

void Server::Impl::pump() {
  while (auto event = hub_.poll_event()) {
    if (auto* send = std::get_if<Hub::Send>(&*event)) {
      const auto it = connections_.find(send->to);
      if (it == connections_.end() || it->second->send(std::move(send->text))) continue;
      // It does not read: what waits is worth less than the reason.
      it->second->drop_queue();
      hub_.overflow(tell_time(), send->to);
    } else if (const auto* close = std::get_if<Hub::Close>(&*event)) {
      if (const auto it = connections_.find(close->to); it != connections_.end()) {
        it->second->close(close->code, close->reason);
      }
    }
  }
  arm();
}

void Server::Impl::arm() {
  const TimePoint at = hub_.next_timeout();
  if (at == armed_) return;
  armed_ = at;
  if (at == never || stopping_) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(
      std::chrono::steady_clock::time_point(duration_cast<std::chrono::steady_clock::duration>(at.time_since_epoch())));
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->armed_ = never;
    self->hub_.handle_timeout(self->tell_time());
    self->pump();
  });
}

void Server::Impl::stop() {
  if (stopping_) return;
  stopping_ = true;
  boost::system::error_code ec;
  acceptor_.close(ec);
  retry_.cancel();
  hub_.shut_down(tell_time());
  pump();
  timer_.cancel();
  for (const auto& [id, connection] : connections_) {
    if (!connection->is_websocket()) connection->cut();
  }
}

void Server::Impl::abort() {
  stop();
  // Each of them keeps us alive until it ends, which never happens when the executor runs no more.
  for (const auto& [id, connection] : std::exchange(connections_, {})) connection->cut();
}

Server::Server(asio::any_io_executor executor, ServerOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_->abort();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Server::~Server() {
  if (impl_) impl_->abort();
}

Result<> Server::start() { return impl_->start(); }
void Server::stop() { impl_->stop(); }
std::uint16_t Server::port() const noexcept { return impl_->endpoint().port(); }
std::string Server::url() const { return "http://" + authority(impl_->endpoint()); }
std::size_t Server::connections() const noexcept { return impl_->connections(); }
std::size_t Server::peers() const noexcept { return impl_->hub().peers(); }
std::size_t Server::rooms() const noexcept { return impl_->hub().rooms(); }

}  // namespace linnet::signaling
