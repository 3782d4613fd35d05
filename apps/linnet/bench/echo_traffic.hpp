#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "bench/gate.hpp"
#include "bench/traffic.hpp"
#include "linnet/data_channel.hpp"

namespace linnet::app::bench {

/// A throughput run over a channel whose other side echoes: sends for a while, with never more than a window on the
/// way, and counts what comes back. Owned by a command; outlives the handlers that it sets.
class EchoTraffic {
 public:
  EchoTraffic(const boost::asio::any_io_executor& executor, DataChannel channel);
  ~EchoTraffic();
  EchoTraffic(const EchoTraffic&) = delete;
  EchoTraffic& operator=(const EchoTraffic&) = delete;

  /// Sends messages of `size` for `seconds`; what came back, from the first message sent to the last one back.
  [[nodiscard]] boost::asio::awaitable<Arrived> run(std::size_t size, std::chrono::duration<double> seconds);

 private:
  using Clock = std::chrono::steady_clock;
  void arrived(std::size_t size);
  void fill();

  DataChannel channel_;
  Gate over_;
  std::vector<std::byte> message_;
  Arrived arrived_;
  std::uint64_t sent_ = 0;  // bytes
  Clock::time_point end_{};
};

}  // namespace linnet::app::bench
