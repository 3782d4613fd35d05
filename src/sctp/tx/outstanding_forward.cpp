#include <cstddef>
#include <vector>

#include "sctp/tx/outstanding_data.hpp"

namespace linnet::sctp {

bool OutstandingData::expired(const Fragment& fragment, TimePoint now) const noexcept {
  if (!may_abandon_) return false;
  const OutMessage& m = *fragment.message;
  return m.expires <= now || (m.max_retransmits != OutMessage::no_limit && fragment.transmissions > m.max_retransmits);
}

/// Gives up the whole message. Between its TSNs lie others' where messages are interleaved.
void OutstandingData::abandon(OutMessage* message) {
  if (!message->abandoned) {
    message->abandoned = true;
    ++abandoned_;
  }
  if (message->fragments != 0)
    for (std::size_t k = index_of(message->first), end = index_of(message->last + 1U); k < end; ++k)
      if (ring_[k].message == message) change(k, State::Abandoned);
  // The rest that was never sent stands behind one more TSN, so that the peer does not meet the beginning of
  // the next message right behind a fragment that was not the last, and can be told to skip the message.
  if (queue_->abandon(message)) {
    ++message->fragments;
    message->last = next_tsn();
    ring_.push_back(
        {.message = message, .offset = static_cast<std::uint32_t>(message->sent), .state = State::Abandoned});
  }
  if (message->last > last_abandoned_) last_abandoned_ = message->last;
  // Its place is kept until the peer has gone past it, which it may never do; its bytes are sent no more.
  message->payload = std::vector<std::byte>{};
}

void OutstandingData::abandon_unsent(OutMessage* message) {
  abandon(message);
  advance_forward();
}

/// RFC 3758 section 3.5 C2. Deviation: what the peer has reported does not stop the point either, if something
/// abandoned follows. The peer would go past it anyway, but only to the next hole: one round trip, and one chance to
/// lose the FORWARD-TSN, for each message given up. The messages between are whole, for TSNs of one are consecutive.
void OutstandingData::advance_forward() noexcept {
  if (forward_ < cumulative_) forward_ = cumulative_;
  for (std::size_t i = index_of(forward_ + 1U); forward_ < last_abandoned_ && i < ring_.size(); ++i) {
    if (ring_[i].state == State::Abandoned)
      forward_ = tsn_at(i);
    else if (ring_[i].state != State::Acked)
      break;
  }
}

//  |                      New Cumulative TSN                       |
//  |         Stream-1              |       Stream Sequence-1       | ...
// or, where messages are interleaved (RFC 8260 section 2.3.1),
//  |       Stream Identifier       |          Reserved           |U|
//  |                       Message Identifier                      | ...
std::size_t OutstandingData::write_forward_tsn(std::span<std::byte> out) const {
  const bool interleaved = queue_->interleaves();
  const std::size_t entry = interleaved ? 8 : 4;
  std::size_t size = 4;
  if (out.size() < size) return 0;
  const OutMessage* last = nullptr;
  Tsn reached = cumulative_;
  for (std::size_t i = 0; reached < forward_; ++i, ++reached) {
    const OutMessage* const message = ring_[i].message;
    if (message == last || !message->abandoned || (message->unordered && !interleaved)) continue;
    // The newest message of a stream stands for those before it.
    const auto stands_for = [&](const std::byte* at) {
      return load_be<std::uint16_t>(at) == message->stream.value() &&
             (!interleaved || (load_be<std::uint16_t>(at + 2) != 0) == message->unordered);
    };
    std::size_t at = 4;
    while (at < size && !stands_for(out.data() + at)) at += entry;
    if (at == size) {
      if (size + entry > out.size()) break;
      size += entry;
    }
    store_be(out.data() + at, message->stream.value());
    if (interleaved) {
      store_be(out.data() + at + 2, static_cast<std::uint16_t>(message->unordered ? 1 : 0));
      store_be(out.data() + at + 4, message->mid.value());
    } else {
      store_be(out.data() + at + 2, message->ssn().value());
    }
    last = message;
  }
  if (reached == cumulative_) return 0;
  store_be(out.data(), reached.value());
  return size;
}

}  // namespace linnet::sctp
