#include "client/link.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <utility>

#include "client/address_watch.hpp"
#include "io/socket_address.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

/// A server may send more than a client: the list of a full room.
constexpr std::size_t max_incoming = 2 * 1024 * 1024;
constexpr std::chrono::seconds close_timeout{2};

asio::ssl::context make_tls_context(const ClientOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  if (options.ca_file.empty()) {
    context.set_default_verify_paths();
  } else {
    context.load_verify_file(options.ca_file);
  }
  context.set_verify_mode(asio::ssl::verify_peer);
  return context;
}

template <class Stream>
class LinkOf final : public Link {
 public:
  template <class... Args>
  LinkOf(Url url, const ClientOptions& options, const Executor& executor, Args&&... args)
      : url_(std::move(url)),
        max_queue_(options.max_queue_messages),
        connect_timeout_(options.connect_timeout),
        send_timeout_(options.send_timeout),
        resolver_(executor),
        deadline_(executor),
        socket_(std::forward<Args>(args)...) {}

  asio::awaitable<void> open() override {
    const auto found = co_await resolver_.async_resolve(url_.host, std::to_string(url_.port), asio::use_awaitable);
    auto& tcp_layer = beast::get_lowest_layer(socket_);
    tcp_layer.expires_after(connect_timeout_);
    co_await tcp_layer.async_connect(found, asio::use_awaitable);
    tcp_layer.socket().set_option(tcp::no_delay(true));
#ifdef TCP_USER_TIMEOUT
    // The system would try for a quarter of an hour to send from an address that this machine has no more.
    const auto patience = static_cast<int>(send_timeout_.count());
    (void)::setsockopt(tcp_layer.socket().native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
#endif
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      // SSL_set_tlsext_host_name() without its cast.
      if (SSL_ctrl(socket_.next_layer().native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                   url_.host.data()) != 1) {
        throw boost::system::system_error(asio::error::invalid_argument);
      }
      socket_.next_layer().set_verify_callback(asio::ssl::host_name_verification(url_.host));
      co_await socket_.next_layer().async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    }
    tcp_layer.expires_never();
    websocket::stream_base::timeout timeouts{};
    timeouts.handshake_timeout = connect_timeout_;
    timeouts.idle_timeout = websocket::stream_base::none();
    timeouts.keep_alive_pings = false;
    socket_.set_option(timeouts);
    socket_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(http::field::sec_websocket_protocol, subprotocol);
      request.set(http::field::user_agent, "linnet");
    }));
    socket_.read_message_max(max_incoming);
    socket_.text(true);
    co_await socket_.async_handshake(response_, url_.authority(), url_.target, asio::use_awaitable);
    open_ = true;
  }

  asio::awaitable<std::string> read() override {
    buffer_.consume(buffer_.size());
    co_await socket_.async_read(buffer_, asio::use_awaitable);
    const auto data = buffer_.cdata();
    co_return std::string(static_cast<const char*>(data.data()), data.size());
  }

  bool send(std::string text) override {
    if (!open_ || closing_) return true;
    if (queue_.size() >= max_queue_) return false;
    queue_.push_back(std::move(text));
    write_next();
    return true;
  }

  void close() override {
    if (!open_) return cut();
    if (closing_) return;
    closing_ = true;
    deadline_.expires_after(close_timeout);
    deadline_.async_wait([weak = this->weak_from_this()](beast::error_code ec) {
      if (const auto self = weak.lock(); self && !ec) self->cut();
    });
    write_next();
  }

  void cut() override {
    resolver_.cancel();
    beast::get_lowest_layer(socket_).close();
  }

  std::uint16_t close_code() const override {
    const auto code = socket_.reason().code;
    return code == websocket::close_code::none || code == websocket::close_code::abnormal ? std::uint16_t{0} : code;
  }
  std::string close_reason() const override {
    const auto& reason = socket_.reason().reason;
    return {reason.data(), reason.size()};
  }
  unsigned http_status() const override { return response_.result_int(); }
  bool address_gone() override {
    const auto local = io::local_endpoint(beast::get_lowest_layer(socket_).socket().native_handle());
    return local && is_gone(local->address);
  }

 private:
  void write_next() {
    if (writing_) return;
    if (queue_.empty()) {
      if (closing_ && !std::exchange(close_started_, true)) {
        socket_.async_close(websocket::close_code::normal,
                            [self = this->shared_from_this()](beast::error_code) { self->cut(); });
      }
      return;
    }
    writing_ = true;
    auto self = std::static_pointer_cast<LinkOf>(this->shared_from_this());
    socket_.async_write(asio::buffer(queue_.front()), [self](beast::error_code ec, std::size_t) {
      self->writing_ = false;
      if (ec) return;  // The read sees it too.
      self->queue_.pop_front();
      self->write_next();
    });
  }

  Url url_;
  std::size_t max_queue_;
  std::chrono::milliseconds connect_timeout_;
  std::chrono::milliseconds send_timeout_;
  tcp::resolver resolver_;
  asio::steady_timer deadline_;
  websocket::stream<Stream> socket_;
  beast::flat_buffer buffer_;
  websocket::response_type response_{http::status::unknown, 11};  // unknown is 0
  std::deque<std::string> queue_;
  bool open_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool close_started_ = false;
};

}  // namespace

std::shared_ptr<Link> Link::make(const Executor& executor, const Url& url, const ClientOptions& options) {
  if (!url.tls) return std::make_shared<LinkOf<PlainStream>>(url, options, executor, executor);
  auto context = make_tls_context(options);  // The stream keeps its own reference.
  return std::make_shared<LinkOf<TlsStream>>(url, options, executor, executor, context);
}

}  // namespace linnet::signaling
