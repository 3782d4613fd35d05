#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "dcep/channel.hpp"
#include "sctp/association/message.hpp"

namespace linnet::session {

/// Messages on streams that are no channel yet: unordered data may overtake the DATA_CHANNEL_OPEN, and the peer of a
/// negotiated channel may be ahead of us. Bounded over all streams together. Owned by DataChannels.
class EarlyMessages {
 public:
  EarlyMessages(std::size_t max_messages, std::size_t max_bytes) : max_messages_(max_messages), max_bytes_(max_bytes) {}

  /// False when there is no room: the stream has then lost a message and has to be closed.
  [[nodiscard]] bool add(dcep::ChannelStream stream, sctp::Message message);
  /// What came on the stream, in order; it is forgotten here.
  [[nodiscard]] std::vector<sctp::Message> take(dcep::ChannelStream stream);
  void clear();
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t max_messages_;
  std::size_t max_bytes_;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  std::map<dcep::ChannelStream, std::vector<sctp::Message>> streams_;
};

}  // namespace linnet::session
