#include "sctp/tx/send_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace linnet::sctp {
namespace {

/// What the scheduler takes a fragment's size to be, before it is known. A message of this size never waits for others
/// to be complete: it will hardly be cut.
constexpr std::size_t nominal_piece = 1'200;

}  // namespace

void SendQueue::add(TimePoint now, StreamId id, Ppid ppid, std::span<const std::byte> payload,
                    const SendOptions& options) {
  Stream& s = streams_.get(id);
  OutMessage* message = pool_->take(payload);
  message->stream = id;
  message->ppid = ppid;
  message->unordered = options.unordered;
  message->counted = options.counted;
  if (options.max_retransmits) message->max_retransmits = *options.max_retransmits;
  if (options.lifetime) message->expires = now + *options.lifetime;
  const bool first = s.head == nullptr;
  (first ? s.head : s.tail->next) = message;
  s.tail = message;
  ++s.messages_alive;
  ++waiting_;
  if (message->counted) s.buffered += payload.size();
  total_ += payload.size();
  if (!first) return;
  scheduler_.wake(s.turn);
  line_up(id, s);
}

/// The stream stands in line with its first message, or what is left of it.
void SendQueue::line_up(StreamId id, Stream& s) {
  const std::size_t size = s.head->payload.size();
  scheduler_.push(id, s.turn, interleave_ ? std::min(size - s.head->sent, nominal_piece) : size, s.weight);
}

bool SendQueue::must_wait(const OutMessage& message) const noexcept {
  const std::size_t size = message.payload.size();
  return interleave_ && message.sent == 0 && open_ != 0 && size > nominal_piece &&
         size > open_limit_ - std::min(open_limit_, open_);
}

std::optional<SendQueue::Piece> SendQueue::peek(TimePoint now, std::size_t room) {
  OutMessage* message = current_;
  if (!held_back_.empty() && !must_wait(*streams_.find(held_back_.front())->head)) {
    scheduler_.push(held_back_.entry());
    held_back_.pop();
  }
  while (message == nullptr) {
    if (scheduler_.empty()) return std::nullopt;
    const StreamId id = scheduler_.front();
    Stream& s = *streams_.find(id);
    if (s.head->sent == 0 && s.head->expires <= now) {
      drop_expired(id, s);
    } else if (must_wait(*s.head)) {
      held_back_.push(scheduler_.entry());
      scheduler_.pop();
    } else {
      message = s.head;
    }
  }
  const std::size_t left = message->payload.size() - message->sent;
  return Piece{.message = message,
               .offset = message->sent,
               .size = std::min(left, room),
               .fsn = message->next_fsn,
               .last = left <= room};
}

/// RFC 3758 section 3.5: nothing of it was sent, so the peer need not hear of it.
void SendQueue::drop_expired(StreamId id, Stream& s) {
  OutMessage* const message = s.head;
  ++expired_;
  scheduler_.pop();
  unbuffer(s, *message, message->payload.size());
  finish_head(id, s);
  release(message);
}

void SendQueue::take(const Piece& piece) {
  OutMessage& message = *piece.message;
  const StreamId id = message.stream;
  Stream& s = *streams_.find(id);
  assert(s.head == piece.message && piece.offset == message.sent);
  if (piece.offset == 0) {
    Mid& next = message.unordered ? s.next_unordered : s.next_ordered;
    message.mid = next;
    ++next;
  }
  ++message.next_fsn;
  message.sent += piece.size;
  unbuffer(s, message, piece.size);
  if (current_ == nullptr) {
    assert(scheduler_.front() == id);
    scheduler_.serve(s.turn, interleave_ ? piece.size : message.payload.size(), s.weight);
  }
  if (!interleave_) current_ = piece.last ? nullptr : &message;
  if (piece.last) {
    if (interleave_ && piece.offset != 0) open_ -= message.payload.size();
    message.complete = true;
    finish_head(id, s);
  } else if (interleave_) {
    if (piece.offset == 0) open_ += message.payload.size();
    line_up(id, s);
  }
}

/// The first message is out of its stream's queue.
void SendQueue::finish_head(StreamId id, Stream& s) {
  --waiting_;
  s.head = s.head->next;
  if (s.head == nullptr)
    s.tail = nullptr;
  else
    line_up(id, s);
}

bool SendQueue::abandon(OutMessage* message) {
  if (message->complete) return false;
  const StreamId id = message->stream;
  Stream& s = *streams_.find(id);
  assert(s.head == message && message->sent != 0);
  unbuffer(s, *message, message->payload.size() - message->sent);
  message->complete = true;
  if (current_ == message)
    current_ = nullptr;
  else
    scheduler_.remove(id);
  finish_head(id, s);
  if (interleave_) open_ -= message->payload.size();
  return true;
}

void SendQueue::unbuffer(Stream& s, const OutMessage& message, std::size_t size) {
  total_ -= size;
  if (!message.counted) return;
  const bool was_above = s.buffered > s.low_threshold;
  s.buffered -= size;
  if (was_above && s.buffered <= s.low_threshold && !s.low_pending) {
    s.low_pending = true;
    low_.push_back(message.stream);
  }
}

std::optional<StreamId> SendQueue::poll_low() {
  while (!low_.empty()) {
    const StreamId id = low_.pop_front();
    Stream* const s = streams_.find(id);
    if (s == nullptr || !s->low_pending) continue;
    s->low_pending = false;
    return id;
  }
  return std::nullopt;
}

std::size_t SendQueue::buffered(StreamId id) const noexcept {
  const Stream* const s = streams_.find(id);
  return s == nullptr ? 0 : s->buffered;
}

// W3C bufferedAmountLowThreshold has 32 bits, and no queue is that long.
void SendQueue::set_low_threshold(StreamId id, std::size_t threshold) {
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  if (threshold != 0 || streams_.find(id) != nullptr)
    streams_.get(id).low_threshold = static_cast<std::uint32_t>(std::min(threshold, most));
}

void SendQueue::set_weight(StreamId id, std::uint16_t weight) {
  if (weight != default_weight || streams_.find(id) != nullptr)
    streams_.get(id).weight = std::max<std::uint16_t>(weight, 1);
}

void SendQueue::release(OutMessage* message) {
  const StreamId id = message->stream;
  pool_->give_back(message);
  Stream* const s = streams_.find(id);
  if (s == nullptr) return;  // after `clear`
  assert(s->messages_alive != 0);
  if (--s->messages_alive == 0 && s->resetting) drained_.push_back(id);
}

void SendQueue::set_resetting(StreamId id, bool resetting) {
  Stream& s = streams_.get(id);
  s.resetting = resetting;
  if (resetting && s.messages_alive == 0) drained_.push_back(id);
}

std::optional<StreamId> SendQueue::poll_drained() {
  if (drained_.empty()) return std::nullopt;
  return drained_.pop_front();
}

bool SendQueue::resetting(StreamId id) const noexcept {
  const Stream* const s = streams_.find(id);
  return s != nullptr && s->resetting;
}

void SendQueue::reset(StreamId id) {
  assert(streams_.find(id) == nullptr || streams_.find(id)->messages_alive == 0);
  streams_.erase(id);
}

void SendQueue::clear() {
  streams_.for_each([this](StreamId, Stream& s) {
    for (OutMessage* message = s.head; message != nullptr;) {
      OutMessage* const next = message->next;
      // A message half sent belongs to its outstanding fragments.
      if (message->fragments == 0) pool_->give_back(message);
      message = next;
    }
    s.head = s.tail = nullptr;  // What was buffered stays known.
  });
  scheduler_.clear();
  held_back_.clear();
  current_ = nullptr;
  low_.clear();
  drained_.clear();
  total_ = waiting_ = open_ = 0;
}

}  // namespace linnet::sctp
