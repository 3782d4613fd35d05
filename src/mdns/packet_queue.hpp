#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "linnet/core/address.hpp"

namespace linnet::mdns {

/// The packets of one machine that wait to be polled, at most `max`; the oldest go first when there are more.
class PacketQueue {
 public:
  explicit PacketQueue(std::size_t max) : max_(max) {}

  /// `to`: for somebody alone, else for the group.
  void push(std::span<const std::byte> packet, const std::optional<Endpoint>& to = {}) {
    if (packet.empty()) return;
    if (packets_.size() >= max_) packets_.pop_front();
    packets_.push_back({{packet.begin(), packet.end()}, to});
  }
  /// The size of the next packet, 0 when there is none. What does not fit is left out.
  [[nodiscard]] std::size_t poll(std::span<std::byte> out, std::optional<Endpoint>& to) {
    while (!packets_.empty()) {
      const Packet packet = std::move(packets_.front());
      packets_.pop_front();
      if (packet.bytes.size() > out.size()) continue;
      std::ranges::copy(packet.bytes, out.begin());
      to = packet.to;
      return packet.bytes.size();
    }
    return 0;
  }
  void clear() { packets_.clear(); }

 private:
  struct Packet {
    std::vector<std::byte> bytes;
    std::optional<Endpoint> to;
  };

  std::size_t max_;
  std::deque<Packet> packets_;
};

}  // namespace linnet::mdns
