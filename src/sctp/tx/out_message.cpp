#include "sctp/tx/out_message.hpp"

#include <utility>

namespace linnet::sctp {

OutMessage* MessagePool::take(std::span<const std::byte> payload) {
  OutMessage* message;
  if (free_.empty()) {
    message = &slots_.emplace_back();
  } else {
    message = free_.back();
    free_.pop_back();
    kept_ -= message->payload.capacity();
  }
  message->payload.assign(payload.begin(), payload.end());
  return message;
}

void MessagePool::give_back(OutMessage* message) {
  std::vector<std::byte> buffer = std::exchange(message->payload, {});
  *message = OutMessage{};
  if (kept_ + buffer.capacity() <= max_kept) {
    buffer.clear();
    kept_ += buffer.capacity();
    message->payload = std::move(buffer);
  }
  free_.push_back(message);
  if (slots_.size() > max_idle) rest();
}

void MessagePool::rest() {
  if (in_use() != 0 || slots_.empty()) return;
  slots_ = std::deque<OutMessage>{};
  free_ = std::vector<OutMessage*>{};
  kept_ = 0;
}

}  // namespace linnet::sctp
