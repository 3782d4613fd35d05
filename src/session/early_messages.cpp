#include "session/early_messages.hpp"

#include <utility>

namespace linnet::session {

bool EarlyMessages::add(dcep::ChannelStream stream, sctp::Message message) {
  const std::size_t size = message.payload.size();
  if (messages_ >= max_messages_ || size > max_bytes_ - bytes_) return false;
  ++messages_;
  bytes_ += size;
  streams_[stream].push_back(std::move(message));
  return true;
}

std::vector<sctp::Message> EarlyMessages::take(dcep::ChannelStream stream) {
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return {};
  std::vector<sctp::Message> messages = std::move(it->second);
  streams_.erase(it);
  messages_ -= messages.size();
  for (const sctp::Message& m : messages) bytes_ -= m.payload.size();
  return messages;
}

void EarlyMessages::clear() {
  streams_.clear();
  messages_ = 0;
  bytes_ = 0;
}

}  // namespace linnet::session
