#include "server/connection.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <utility>

#include "server/origin.hpp"

namespace linnet::signaling {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr std::uint32_t max_header_bytes = 8 * 1024;
constexpr std::chrono::milliseconds close_timeout{3'000};

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

bool offers_subprotocol(std::string_view header) {
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    std::string_view token = header.substr(0, comma);
    while (!token.empty() && (token.front() == ' ' || token.front() == '\t')) token.remove_prefix(1);
    while (!token.empty() && (token.back() == ' ' || token.back() == '\t')) token.remove_suffix(1);
    if (token == subprotocol) return true;
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return false;
}

}  // namespace

std::string address_key(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  if (address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return asio::ip::make_address_v6(bytes).to_string();
}

Connection::Connection(std::shared_ptr<Owner> owner, ConnectionId id, asio::ip::tcp::socket socket)
    : owner_(std::move(owner)), id_(id), stream_(std::move(socket)), deadline_(stream_->get_executor()) {
  beast::error_code ec;
  const auto remote = stream_->socket().remote_endpoint(ec);
  if (ec) return;
  if (!remote.address().is_loopback() || owner_->options().limits.limit_loopback) {
    address_ = address_key(remote.address());
  }
  stream_->socket().set_option(asio::ip::tcp::no_delay(true), ec);
}

void Connection::start() {
  const auto ended = [self = shared_from_this()](std::exception_ptr) {
    // Whatever went wrong (out of memory at worst) ends this connection and not the server.
    self->open_ = false;
    self->deadline_.cancel();
    self->cut();
    self->owner_->closed(self->id_);
  };
  asio::co_spawn(deadline_.get_executor(), run(), asio::bind_cancellation_slot(stop_.slot(), ended));
}

asio::awaitable<void> Connection::run() {
  HttpRequest request;
  const bool upgrade = co_await serve_http(request);
  if (upgrade) co_await serve_websocket(request);
}

asio::awaitable<bool> Connection::serve_http(HttpRequest& upgrade) {
  const auto timeout = owner_->options().http_timeout;
  for (;;) {
    beast::error_code ec;
    http::request_parser<http::empty_body> parser;
    parser.header_limit(max_header_bytes);
    stream_->expires_after(timeout);
    co_await http::async_read_header(*stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, ec));
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
      co_await write_reply(error_reply(http::status::request_header_fields_too_large, "The header is too large."));
      co_return false;
    }
    if (ec) {
      const bool malformed = ec.category() == make_error_code(http::error::bad_method).category();
      if (malformed && ec != http::error::end_of_stream && ec != http::error::partial_message) {
        co_await write_reply(error_reply(http::status::bad_request, "This is no HTTP request."));
      }
      co_return false;
    }
    const HttpRequest& request = parser.get();
    const ServerOptions& options = owner_->options();
    if (!is_host_allowed(view(request[http::field::host]), options.bind_address, options.allowed_origins)) {
      co_await write_reply(error_reply(http::status::misdirected_request,
                                       "This server is only for this machine; it was not told of this host name."));
      co_return false;
    }
    std::string_view path = view(request.target());
    path = path.substr(0, path.find('?'));
    if (path == "/v1/ws" && websocket::is_upgrade(request)) {
      if (is_origin_allowed(view(request[http::field::origin]), view(request[http::field::host]),
                            options.allowed_origins)) {
        upgrade = parser.release();
        co_return true;
      }
      co_await write_reply(error_reply(http::status::forbidden, "bad_origin"));
      co_return false;
    }
    HttpReply reply = answer(request, owner_->files());
    const bool keep = reply.keep_alive();
    co_await write_reply(std::move(reply));
    if (!keep || !stream_->socket().is_open()) co_return false;
  }
}

asio::awaitable<void> Connection::write_reply(HttpReply reply) {
  beast::error_code ec;
  stream_->expires_after(owner_->options().http_timeout);
  http::response_serializer<http::string_body> serializer(reply);
  const bool keep = reply.keep_alive();
  co_await http::async_write(*stream_, serializer, asio::redirect_error(asio::use_awaitable, ec));
  if (ec || !keep) {
    // The answer must not be lost to a reset because of what the client is still sending.
    stream_->socket().shutdown(asio::ip::tcp::socket::shutdown_send, ec);
    std::array<char, 1024> scrap{};
    stream_->expires_after(std::min(close_timeout, owner_->options().http_timeout));
    for (int i = 0; i < 64 && !ec; ++i) {
      co_await stream_->async_read_some(asio::buffer(scrap), asio::redirect_error(asio::use_awaitable, ec));
    }
    stream_->close();
  }
}

asio::awaitable<void> Connection::serve_websocket(const HttpRequest& upgrade) {
  const ServerOptions& options = owner_->options();
  const std::string host = without_port(view(upgrade[http::field::host]));
  const bool supported = offers_subprotocol(view(upgrade[http::field::sec_websocket_protocol]));
  stream_->expires_never();  // The WebSocket layer has timeouts of its own.
  websocket_.emplace(std::move(*stream_));
  stream_.reset();
  websocket::stream_base::timeout timeouts{};
  timeouts.handshake_timeout = options.http_timeout;
  timeouts.idle_timeout = websocket::stream_base::none();
  timeouts.keep_alive_pings = false;
  websocket_->set_option(timeouts);
  websocket_->set_option(websocket::stream_base::decorator([supported](websocket::response_type& reply) {
    reply.set(http::field::server, "linnet");
    if (supported) reply.set(http::field::sec_websocket_protocol, subprotocol);
  }));
  websocket_->read_message_max(0);  // Counted by read_frames(), which can say what was wrong.
  websocket_->text(true);

  beast::error_code ec;
  co_await websocket_->async_accept(upgrade, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return;
  open_ = true;
  owner_->opened(id_, address_, host, supported);
  co_await read_frames();
}

asio::awaitable<void> Connection::read_frames() {
  const std::size_t limit = owner_->options().limits.max_message_bytes;
  beast::error_code ec;
  bool skipping = false;  // Too large, or the connection is being closed: read on only to see the close.
  buffer_.consume(buffer_.size());
  for (;;) {
    co_await websocket_->async_read_some(buffer_, 16 * 1024, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return;
    if (!skipping && buffer_.size() > limit) {
      skipping = true;
      owner_->received_too_much(id_);
    }
    if (skipping || closing_) {
      buffer_.consume(buffer_.size());
      continue;
    }
    if (!websocket_->is_message_done()) continue;
    if (websocket_->got_text()) {
      const auto data = buffer_.cdata();
      owner_->received(id_, std::string_view(static_cast<const char*>(data.data()), data.size()));
    } else {
      owner_->received_binary(id_);
    }
    buffer_.consume(buffer_.size());
  }
}

bool Connection::send(std::string text) {
  if (!open_ || closing_) return true;
  const Limits& limits = owner_->options().limits;
  if (queue_.size() >= limits.max_queue_messages || queued_bytes_ + text.size() > limits.max_queue_bytes) return false;
  queued_bytes_ += text.size();
  queue_.push_back(std::move(text));
  write_next();
  return true;
}

void Connection::drop_queue() {
  const std::size_t keep = writing_ ? 1 : 0;
  while (queue_.size() > keep) {
    queued_bytes_ -= queue_.back().size();
    queue_.pop_back();
  }
}

void Connection::write_next() {
  if (writing_ || !open_) return;
  if (queue_.empty()) {
    if (closing_) start_close();
    return;
  }
  writing_ = true;
  if (!closing_) arm(owner_->options().write_timeout);
  websocket_->async_write(asio::buffer(queue_.front()), [self = shared_from_this()](beast::error_code ec, std::size_t) {
    self->writing_ = false;
    if (!self->closing_) self->deadline_.cancel();
    if (ec || !self->open_) return;
    self->queued_bytes_ -= self->queue_.front().size();
    self->queue_.pop_front();
    self->write_next();
  });
}

void Connection::close(std::uint16_t code, std::string reason) {
  if (closing_) return;
  if (!open_) return cut();
  closing_.emplace(static_cast<websocket::close_code>(code), reason);
  arm(close_timeout);
  write_next();
}

void Connection::start_close() {
  if (close_started_) return;
  close_started_ = true;
  websocket_->async_close(*closing_, [self = shared_from_this()](beast::error_code) { self->cut(); });
}

void Connection::arm(std::chrono::milliseconds timeout) {
  deadline_.expires_after(timeout);
  deadline_.async_wait([weak = weak_from_this()](beast::error_code ec) {
    if (ec) return;
    if (const auto self = weak.lock()) self->cut();
  });
}

void Connection::cut() {
  if (stream_) stream_->close();
  if (websocket_) beast::get_lowest_layer(*websocket_).close();
  // A read that waits for Beast's closing handshake, inside of a frame that never ends, does not see the socket go.
  if (std::exchange(cut_, true)) return;
  asio::post(deadline_.get_executor(),
             [self = shared_from_this()] { self->stop_.emit(asio::cancellation_type::terminal); });
}

}  // namespace linnet::signaling
