#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "client/url.hpp"
#include "linnet/signaling/client.hpp"

namespace linnet::signaling {

/// One WebSocket to a server, plain or TLS. Owned by the client; used up when it closes.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  virtual ~Link() = default;

  [[nodiscard]] static std::shared_ptr<Link> make(const Executor& executor, const Url& url,
                                                  const ClientOptions& options);

  /// Throws boost::system::system_error.
  virtual boost::asio::awaitable<void> open() = 0;
  virtual boost::asio::awaitable<std::string> read() = 0;
  /// False when too much waits already.
  [[nodiscard]] virtual bool send(std::string text) = 0;
  /// Closes after what is queued.
  virtual void close() = 0;
  virtual void cut() = 0;
  /// What the server closed with; 0 when it did not.
  [[nodiscard]] virtual std::uint16_t close_code() const = 0;
  [[nodiscard]] virtual std::string close_reason() const = 0;
  /// What the server answered the upgrade with, 101 for a WebSocket; 0 when nothing was answered.
  [[nodiscard]] virtual unsigned http_status() const = 0;
  /// This machine has the address that the socket is bound to no more, or it leads nowhere. False while there is none.
  [[nodiscard]] virtual bool address_gone() = 0;
};

}  // namespace linnet::signaling
