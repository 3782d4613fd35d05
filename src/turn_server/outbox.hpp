#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "linnet/core/datagram.hpp"

namespace linnet::turn_server {

/// Datagrams that wait for `poll_transmit`, back to back in memory that is kept. Bounded: what does not fit is dropped,
/// as a busy network would.
class Outbox {
 public:
  Outbox(std::size_t max_bytes, std::size_t max_datagrams) noexcept
      : max_bytes_(max_bytes), max_datagrams_(max_datagrams) {}

  /// Room for one datagram of up to `size` bytes, empty when there is none. The next `begin` discards it.
  [[nodiscard]] std::span<std::byte> begin(std::size_t size);
  /// Drops what no datagram can hold: a stream may carry more.
  void commit(const Path& path, Ecn ecn, std::size_t size);

  /// Moves as many as there is room for.
  [[nodiscard]] Progress drain(DatagramBatch& batch);
  [[nodiscard]] bool empty() const noexcept { return next_ == waiting_.size(); }
  void clear() noexcept;

 private:
  struct Waiting {
    Path path;
    Ecn ecn = Ecn::NotEct;
    std::size_t at = 0;
    std::size_t size = 0;
  };
  std::size_t max_bytes_;
  std::size_t max_datagrams_;
  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::vector<Waiting> waiting_;
  std::size_t next_ = 0;  ///< The first of `waiting_` that was not taken.
};

}  // namespace linnet::turn_server
