#include "dcep/stream_ids.hpp"

#include <algorithm>

namespace linnet::dcep {

bool StreamIds::claim(ChannelStream stream, ChannelNumber channel) {
  if (stream.value() > highest) return false;
  return used_.emplace(stream, channel).second;
}

std::optional<ChannelStream> StreamIds::allocate(Parity parity, ChannelNumber channel, std::size_t streams) {
  std::uint32_t& lowest = lowest_[static_cast<std::size_t>(parity)];
  const std::size_t end = std::min<std::size_t>(streams, std::size_t{highest} + 1);
  for (; lowest < end; lowest += 2) {
    const ChannelStream stream{static_cast<std::uint16_t>(lowest)};
    if (used_.emplace(stream, channel).second) {
      lowest += 2;
      return stream;
    }
  }
  return std::nullopt;
}

void StreamIds::release(ChannelStream stream) {
  if (used_.erase(stream) == 0) return;
  std::uint32_t& lowest = lowest_[stream.value() % 2];
  lowest = std::min<std::uint32_t>(lowest, stream.value());
}

std::optional<ChannelNumber> StreamIds::find(ChannelStream stream) const {
  const auto it = used_.find(stream);
  if (it == used_.end()) return std::nullopt;
  return it->second;
}

}  // namespace linnet::dcep
