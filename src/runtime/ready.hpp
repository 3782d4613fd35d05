#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <utility>

namespace linnet::runtime {

/// A non-blocking socket of io/ and Asio's readiness for it. The socket owns the descriptor.
template <class Socket>
class Ready {
 public:
  using Wait = boost::asio::posix::stream_descriptor::wait_type;

  Ready(const boost::asio::any_io_executor& executor, Socket socket)
      : socket_(std::move(socket)), descriptor_(executor, socket_.native_handle()) {}
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;
  ~Ready() { stop(); }

  [[nodiscard]] Socket& operator*() noexcept { return socket_; }
  [[nodiscard]] Socket* operator->() noexcept { return &socket_; }

  template <class Handler>
  void wait(Wait what, Handler&& handler) {
    descriptor_.async_wait(what, std::forward<Handler>(handler));
  }
  /// Ends all waiting; nothing can be waited for afterwards.
  void stop() {
    if (descriptor_.is_open()) (void)descriptor_.release();
  }
  [[nodiscard]] bool stopped() const noexcept { return !descriptor_.is_open(); }

 private:
  Socket socket_;
  boost::asio::posix::stream_descriptor descriptor_;
};

}  // namespace linnet::runtime
