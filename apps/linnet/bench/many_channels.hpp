#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <vector>

#include "bench/gate.hpp"
#include "linnet/linnet.hpp"

namespace linnet::app::bench {

/// One side of a connection with very many channels: opens its half, sends one message on each as it opens, and counts
/// those of the other half. Owned by an end, for one connection; outlives the handlers that it sets.
class ManyChannels {
 public:
  explicit ManyChannels(const boost::asio::any_io_executor& executor) : complete_(executor) {}

  /// A channel of the other side.
  void take(const DataChannel& channel);
  /// Opens channels until `mine` are, and expects `theirs`.
  void open(PeerConnection& connection, std::size_t mine, std::size_t theirs);
  /// Counts a channel of this side that was made before.
  void own(const DataChannel& channel);
  /// False when not all were open and delivered in time.
  [[nodiscard]] boost::asio::awaitable<bool> complete(std::chrono::duration<double> limit);

  [[nodiscard]] std::size_t opened() const noexcept { return opened_; }
  [[nodiscard]] std::size_t delivered() const noexcept { return delivered_; }

 private:
  void look();

  std::vector<DataChannel> channels_;
  std::size_t made_ = 0;
  std::size_t mine_ = 0;
  std::size_t theirs_ = 0;
  std::size_t opened_ = 0;     // of mine
  std::size_t delivered_ = 0;  // of theirs
  bool started_ = false;
  Gate complete_;
};

}  // namespace linnet::app::bench
