#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "linnet/core/datagram.hpp"

namespace linnet::io {

/// Memory that UdpSocket receives into: one for each thread is enough, since datagrams are consumed before the next
/// batch. Allocates nothing after its construction.
class ReceiveBatch {
 public:
  static constexpr std::size_t messages = 16;          ///< System messages in one call.
  static constexpr std::size_t message_size = 65'536;  ///< With UDP_GRO one message holds many datagrams.
  static constexpr std::size_t max_datagrams = messages * 64;

  ReceiveBatch() : memory_(std::make_unique_for_overwrite<std::byte[]>(messages * message_size)) {
    datagrams_.reserve(max_datagrams);
  }

  [[nodiscard]] std::span<std::byte> message(std::size_t i) noexcept {
    return {memory_.get() + i * message_size, message_size};
  }
  /// What the last receive gave. Borrowed until the next one.
  [[nodiscard]] std::span<Datagram> datagrams() noexcept { return datagrams_; }

  void clear() noexcept { datagrams_.clear(); }
  /// Cuts one message into datagrams of `segment` bytes (0: it is one datagram).
  void add(TimePoint at, const Path& path, Ecn ecn, std::span<std::byte> bytes, std::size_t segment) {
    if (segment == 0 || segment >= bytes.size()) {
      if (datagrams_.size() < max_datagrams) datagrams_.push_back({at, path, ecn, bytes});
      return;
    }
    while (!bytes.empty() && datagrams_.size() < max_datagrams) {
      const auto piece = bytes.first(std::min(segment, bytes.size()));
      datagrams_.push_back({at, path, ecn, piece});
      bytes = bytes.subspan(piece.size());
    }
  }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::vector<Datagram> datagrams_;
};

}  // namespace linnet::io
