#include "sctp/tx/send_queue.hpp"

#include <algorithm>
#include <cassert>

namespace linnet::sctp {

SendQueue::Stream& SendQueue::stream(StreamId id) {
  const auto [entry, created] = streams_.try_emplace(id);
  if (created) entry->second.id = id;
  return entry->second;
}

void SendQueue::add(TimePoint now, StreamId id, Ppid ppid, std::span<const std::byte> payload,
                    const SendOptions& options) {
  Stream& s = stream(id);
  OutMessage* message = pool_->take(payload);
  message->stream = id;
  message->ppid = ppid;
  message->unordered = options.unordered;
  if (options.max_retransmits) message->max_retransmits = *options.max_retransmits;
  if (options.lifetime) message->expires = now + *options.lifetime;
  const bool waits_in_turn = s.head != nullptr || (current_ != nullptr && current_->stream == id);
  (s.tail == nullptr ? s.head : s.tail->next) = message;
  s.tail = message;
  ++s.messages_alive;
  ++waiting_;
  s.buffered += payload.size();
  ++s.messages;
  s.bytes += payload.size();
  total_ += payload.size();
  if (!waits_in_turn) active_.push_back(id);
}

std::optional<SendQueue::Piece> SendQueue::peek(TimePoint now, std::size_t room) {
  while (current_ == nullptr) {
    if (active_.empty()) return std::nullopt;
    Stream& s = stream(active_.pop_front());
    current_ = s.head;
    s.head = current_->next;
    if (s.head == nullptr) s.tail = nullptr;
    if (current_->expires > now) break;
    // RFC 3758 section 3.5: nothing of it was sent, so the peer need not hear of it.
    ++expired_;
    unbuffer(s, current_->payload.size());
    OutMessage* const dropped = current_;
    finish_current();
    release(dropped);
  }
  const std::size_t left = current_->payload.size() - current_->sent;
  return Piece{.message = current_, .offset = current_->sent, .size = std::min(left, room), .last = left <= room};
}

void SendQueue::take(const Piece& piece) {
  assert(piece.message == current_);
  Stream& s = stream(current_->stream);
  if (piece.offset == 0 && !current_->unordered) {
    current_->ssn = s.next;
    ++s.next;
  }
  current_->sent += piece.size;
  unbuffer(s, piece.size);
  if (!piece.last) return;
  current_->complete = true;
  finish_current();
}

/// The current message is out of the queue: its stream goes to the end of the line.
void SendQueue::finish_current() {
  const Stream& s = stream(current_->stream);
  --waiting_;
  if (s.head != nullptr) active_.push_back(s.id);
  current_ = nullptr;
}

bool SendQueue::abandon(OutMessage* message) {
  if (message != current_) return false;
  unbuffer(stream(message->stream), message->payload.size() - message->sent);
  message->complete = true;
  finish_current();
  return true;
}

void SendQueue::unbuffer(Stream& s, std::size_t size) {
  const bool was_above = s.buffered > s.low_threshold;
  s.buffered -= size;
  total_ -= size;
  if (was_above && s.buffered <= s.low_threshold && !s.low_pending) {
    s.low_pending = true;
    low_.push_back(s.id);
  }
}

std::optional<StreamId> SendQueue::poll_low() {
  while (!low_.empty()) {
    const StreamId id = low_.pop_front();
    const auto found = streams_.find(id);
    if (found == streams_.end() || !found->second.low_pending) continue;
    found->second.low_pending = false;
    return id;
  }
  return std::nullopt;
}

std::size_t SendQueue::buffered(StreamId id) const noexcept {
  const auto found = streams_.find(id);
  return found == streams_.end() ? 0 : found->second.buffered;
}

void SendQueue::set_low_threshold(StreamId id, std::size_t threshold) { stream(id).low_threshold = threshold; }

void SendQueue::release(OutMessage* message) {
  const auto found = streams_.find(message->stream);
  pool_->give_back(message);
  if (found == streams_.end()) return;  // after `clear`
  Stream& s = found->second;
  assert(s.messages_alive != 0);
  if (--s.messages_alive == 0 && s.resetting) drained_.push_back(s.id);
}

void SendQueue::set_resetting(StreamId id, bool resetting) {
  Stream& s = stream(id);
  s.resetting = resetting;
  if (resetting && s.messages_alive == 0) drained_.push_back(id);
}

std::optional<StreamId> SendQueue::poll_drained() {
  if (drained_.empty()) return std::nullopt;
  return drained_.pop_front();
}

bool SendQueue::resetting(StreamId id) const noexcept {
  const auto found = streams_.find(id);
  return found != streams_.end() && found->second.resetting;
}

void SendQueue::reset(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  assert(found->second.messages_alive == 0);
  streams_.erase(found);
}

void SendQueue::clear() {
  const auto discard = [this](OutMessage* message) {
    while (message != nullptr) {
      OutMessage* const next = message->next;
      pool_->give_back(message);
      message = next;
    }
  };
  // A message half sent belongs to its outstanding fragments.
  if (current_ != nullptr && current_->fragments == 0) {
    current_->next = nullptr;
    discard(current_);
  }
  current_ = nullptr;
  for (auto& [id, s] : streams_) discard(s.head);
  streams_.clear();
  active_.clear();
  low_.clear();
  drained_.clear();
  total_ = waiting_ = 0;
}

void SendQueue::add_statistics(StreamId id, StreamStatistics& out) const {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  out.messages_sent += found->second.messages;
  out.bytes_sent += found->second.bytes;
}

}  // namespace linnet::sctp
