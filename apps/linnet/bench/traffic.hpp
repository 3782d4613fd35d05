#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/gate.hpp"
#include "linnet/data_channel.hpp"

namespace linnet::app::bench {

/// What arrived: counted from the first message to the end of the last channel.
struct Arrived {
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
  double seconds = 0;
};

/// One side's part of a throughput run: sends for a while on every channel, and counts what comes. Binary messages are
/// payload. After its last one a sender says "end"; who has read that says "ok". Owned by an end, for one connection,
/// and by its own sending; outlives the handlers that it sets.
class Traffic : public std::enable_shared_from_this<Traffic> {
 public:
  explicit Traffic(const boost::asio::any_io_executor& executor)
      : executor_(executor), acknowledged_(executor), ended_(executor) {}

  /// Counts and answers on `channel` from now on.
  void attach(DataChannel channel);
  [[nodiscard]] std::size_t channels() const noexcept { return channels_.size(); }

  /// Sends messages of `size` on all channels for `seconds`, then waits until all of them were read. Throws Exception.
  [[nodiscard]] boost::asio::awaitable<void> send(std::size_t size, std::chrono::duration<double> seconds);
  /// Waits until the other side has said "end" on all channels. Throws Exception.
  [[nodiscard]] boost::asio::awaitable<void> ended();
  [[nodiscard]] Arrived arrived() const;

 private:
  using Clock = std::chrono::steady_clock;
  static boost::asio::awaitable<void> pour(DataChannel channel, std::vector<std::byte> message, std::size_t fill,
                                           Clock::time_point end);
  void read(const DataChannel& channel, const MessageEvent& message);

  boost::asio::any_io_executor executor_;
  std::vector<DataChannel> channels_;
  std::size_t missing_ = 0;  // channels whose "ok" has not come
  std::size_t ends_ = 0;     // channels whose "end" has come
  std::string problem_;
  Gate acknowledged_;
  Gate ended_;
  Arrived arrived_;
  Clock::time_point first_{};
  Clock::time_point last_{};
};

}  // namespace linnet::app::bench
