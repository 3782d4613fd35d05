#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "io/tcp_listener.hpp"
#include "runtime/ready.hpp"

namespace linnet::runtime {

/// A listening TCP socket and Asio's readiness for it; owned by whoever accepts. With a timer of its own for when the
/// system is out of descriptors, because then the socket stays readable.
class Listener : public Ready<io::TcpListener> {
 public:
  Listener(const boost::asio::any_io_executor& executor, io::TcpListener socket)
      : Ready(executor, std::move(socket)), later_(executor) {}

  /// Time passes until somebody goes away.
  template <class Handler>
  void wait_a_moment(Handler&& handler) {
    later_.expires_after(std::chrono::seconds{1});
    later_.async_wait(std::forward<Handler>(handler));
  }
  void stop() {
    later_.cancel();
    Ready::stop();
  }

 private:
  boost::asio::steady_timer later_;
};

}  // namespace linnet::runtime
