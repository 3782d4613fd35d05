#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

namespace linnet::app::bench {

/// Something that one coroutine waits for and others bring about. Lives on one executor.
class Gate {
 public:
  explicit Gate(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  /// Lets everybody through, now and later.
  void open() {
    open_ = true;
    timer_.cancel();
  }
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  /// Waits until it is open; false when that took longer than `limit`.
  [[nodiscard]] boost::asio::awaitable<bool> wait(std::chrono::duration<double> limit);

 private:
  boost::asio::steady_timer timer_;
  bool open_ = false;
};

/// Runs `work` to its end (true; rethrows what it threw), or until the gate opens, which cancels it.
[[nodiscard]] boost::asio::awaitable<bool> ends_before(boost::asio::awaitable<void> work, Gate& gate);

}  // namespace linnet::app::bench
