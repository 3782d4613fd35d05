#include "sctp/tx/outstanding_data.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace linnet::sctp {
namespace {
constexpr std::uint8_t miss_indications_for_loss = 3;  // RFC 9260 section 7.2.4
}

OutstandingData::~OutstandingData() {
  while (!ring_.empty()) {
    release(ring_.front());
    ring_.pop_front();
  }
}

DataChunk OutstandingData::header(const Fragment& fragment, Tsn tsn) const noexcept {
  const OutMessage& m = *fragment.message;
  return {.tsn = tsn,
          .stream = m.stream,
          .ssn = m.unordered ? Ssn{} : m.ssn(),
          .ppid = m.ppid,
          .mid = m.mid,
          .fsn = fragment.fsn,
          .interleaved = queue_->interleaves(),
          .unordered = m.unordered,
          .begin = fragment.offset == 0,
          .end = fragment.offset + fragment.size == m.payload.size()};
}

DataChunk OutstandingData::send(TimePoint now, const SendQueue::Piece& piece) {
  queue_->take(piece);
  ++piece.message->fragments;
  const Tsn tsn = next_tsn();
  if (piece.offset == 0) piece.message->first = tsn;
  piece.message->last = tsn;
  const Fragment fragment{.message = piece.message,
                          .offset = static_cast<std::uint32_t>(piece.offset),
                          .size = static_cast<std::uint16_t>(piece.size),
                          .transmissions = 1,
                          .fsn = piece.fsn,
                          .sent_at = now};
  ring_.push_back(fragment);
  in_flight_ += data_header_size + piece.size;
  payload_in_flight_ += piece.size;
  return header(fragment, tsn);
}

bool OutstandingData::expired(const Fragment& fragment, TimePoint now) const noexcept {
  if (!may_abandon_) return false;
  const OutMessage& m = *fragment.message;
  return m.expires <= now || (m.max_retransmits != OutMessage::no_limit && fragment.transmissions > m.max_retransmits);
}

std::optional<OutstandingData::Again> OutstandingData::peek_lost(TimePoint now) {
  for (; lost_ != 0 && first_lost_ < ring_.size(); ++first_lost_) {
    Fragment& fragment = ring_[first_lost_];
    if (fragment.state != State::Lost) continue;
    if (expired(fragment, now)) {
      abandon(fragment.message);
      advance_forward();
      continue;
    }
    const Tsn tsn = tsn_at(first_lost_);
    const std::span<const std::byte> payload(fragment.message->payload);
    return Again{tsn, header(fragment, tsn), payload.subspan(fragment.offset, fragment.size)};
  }
  return std::nullopt;
}

void OutstandingData::resend(TimePoint now, const Again& again) {
  Fragment& fragment = ring_[static_cast<std::size_t>(again.tsn - cumulative_) - 1];
  assert(fragment.state == State::Lost);
  change(fragment, State::InFlight);
  ++fragment.transmissions;
  fragment.misses = 0;
  fragment.sent_at = now;
  ++retransmitted_;
}

/// Keeps the sums in step with a fragment's state.
void OutstandingData::change(Fragment& fragment, State state) noexcept {
  if (fragment.state == State::InFlight) {
    in_flight_ -= data_header_size + fragment.size;
    payload_in_flight_ -= fragment.size;
  }
  if (fragment.state == State::Lost) --lost_;
  if (state == State::InFlight) {
    in_flight_ += data_header_size + fragment.size;
    payload_in_flight_ += fragment.size;
  }
  if (state == State::Lost) ++lost_;
  fragment.state = state;
}

void OutstandingData::acknowledge(Fragment& fragment, AckResult& result) noexcept {
  if (fragment.state != State::InFlight && fragment.state != State::Lost) return;
  result.bytes_acked += data_header_size + fragment.size;
  // RFC 9260 section 6.3.1 C5 (Karn): no measurement from what was sent twice.
  if (fragment.transmissions == 1 && (!newest_sent_at_ || *newest_sent_at_ < fragment.sent_at))
    newest_sent_at_ = fragment.sent_at;
  change(fragment, State::Acked);
}

void OutstandingData::pop_acknowledged(Tsn cumulative, AckResult& result) {
  std::size_t popped = 0;
  for (; cumulative_ < cumulative; ++cumulative_, ++popped) {
    Fragment& fragment = ring_.front();
    acknowledge(fragment, result);
    release(fragment);
    ring_.pop_front();
  }
  if (popped == 0) return;
  result.cumulative_moved = true;
  gap_end_ -= std::min(gap_end_, popped);
  if (gap_end_ == 0) reported_.clear();
  first_lost_ -= std::min(first_lost_, popped);
  if (forward_ < cumulative_) forward_ = cumulative_;
}

void OutstandingData::release(Fragment& fragment) {
  OutMessage* const message = fragment.message;
  assert(message != nullptr && message->fragments != 0);
  if (--message->fragments == 0 && message->complete) queue_->release(message);
}

std::size_t OutstandingData::index_of(Tsn tsn) const noexcept {
  const auto ahead = tsn - (cumulative_ + 1U);
  return ahead < 0 ? 0 : static_cast<std::size_t>(ahead);
}

/// Marks what the blocks report, takes back what they report no longer (section 6.2.1 D ii: the receiver may
/// renege). Returns the end of the TSNs that a newly acknowledged one lies above. A peer with gaps repeats in each
/// SACK what it said in the last one: only where the two differ are fragments looked at.
std::size_t OutstandingData::apply_gaps(const SackChunk& sack, AckResult& result) {
  std::swap(before_, reported_);
  reported_.clear();
  std::size_t at = 0;
  std::size_t old = 0;
  std::size_t newly_end = 0;
  // Goes on to `end`, in stretches that the last SACK reported or did not.
  const auto walk = [&](std::size_t end, const auto& stretch) {
    while (at < end) {
      while (old < before_.size() && index_of(before_[old].end) <= at) ++old;
      const bool known = old < before_.size() && index_of(before_[old].first) <= at;
      const std::size_t border = old == before_.size() ? end : index_of(known ? before_[old].end : before_[old].first);
      const std::size_t stop = std::min(end, border);
      stretch(stop, known);
      at = stop;
    }
  };
  const auto missing = [&](std::size_t end, bool known) {
    for (std::size_t i = at; known && i < end; ++i)
      if (ring_[i].state == State::Acked) {
        change(ring_[i], State::InFlight);
        if (tsn_at(i) <= forward_) forward_ = tsn_at(i) - 1U;
      }
  };
  const auto present = [&](std::size_t end, bool known) {
    for (std::size_t i = at; !known && i < end; ++i) {
      if (ring_[i].state == State::InFlight || ring_[i].state == State::Lost) newly_end = i;
      acknowledge(ring_[i], result);
    }
  };
  for (std::size_t i = 0; i < sack.gap_count; ++i) {
    const SackChunk::Gap gap = sack.gap(i);
    // Blocks that are out of order or overlap are not worth a search: they end the list.
    if (gap.start < 2 || gap.end < gap.start || gap.start - 1U < at) break;
    walk(gap.start - 1U, missing);
    walk(gap.end, present);
    reported_.push_back({tsn_at(gap.start - 1U), tsn_at(gap.end)});
  }
  gap_end_ = at;
  if (!before_.empty()) walk(index_of(before_.back().end), missing);
  return newly_end;
}

/// RFC 9260 section 7.2.4, for what lies between the blocks. Deviation: a fragment may be found lost more than once
/// without T3-rtx, when something sent after its retransmission arrived; the section allows one fast retransmission
/// of each TSN.
void OutstandingData::count_misses(std::size_t end, AckResult& result) {
  std::size_t at = 0;
  for (const Block& block : reported_) {
    for (const std::size_t hole_end = std::min(index_of(block.first), end); at < hole_end; ++at) {
      Fragment& fragment = ring_[at];
      if (fragment.state != State::InFlight) continue;
      if (fragment.transmissions > 1 && (!newest_sent_at_ || *newest_sent_at_ <= fragment.sent_at)) continue;
      if (++fragment.misses < miss_indications_for_loss) continue;
      change(fragment, State::Lost);
      first_lost_ = std::min(first_lost_, at);
      result.bytes_lost += data_header_size + fragment.size;
    }
    at = std::max(at, index_of(block.end));
    if (at >= end) return;
  }
}

AckResult OutstandingData::handle_sack(TimePoint now, const SackChunk& sack, bool fast_recovery) {
  AckResult result;
  const auto ahead = sack.cumulative - cumulative_;
  if (ahead < 0 || static_cast<std::size_t>(ahead) > ring_.size()) return result;
  const std::size_t left = ring_.size() - static_cast<std::size_t>(ahead);
  for (std::size_t i = 0; i < sack.gap_count; ++i)
    if (sack.gap(i).end > left) return result;
  result.valid = true;
  newest_sent_at_.reset();
  pop_acknowledged(sack.cumulative, result);
  if (sack.gap_count != 0 || gap_end_ != 0) {
    const std::size_t newly_end = apply_gaps(sack, result);
    count_misses(fast_recovery && result.cumulative_moved ? gap_end_ : newly_end, result);
  }
  advance_forward();
  if (newest_sent_at_) result.rtt = now - *newest_sent_at_;
  return result;
}

AckResult OutstandingData::handle_cumulative(TimePoint now, Tsn cumulative) {
  AckResult result;
  const auto ahead = cumulative - cumulative_;
  if (ahead < 0 || static_cast<std::size_t>(ahead) > ring_.size()) return result;
  result.valid = true;
  newest_sent_at_.reset();
  pop_acknowledged(cumulative, result);
  advance_forward();
  if (newest_sent_at_) result.rtt = now - *newest_sent_at_;
  return result;
}

void OutstandingData::lose_all() {
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    ring_[i].misses = 0;
    if (ring_[i].state == State::InFlight) change(ring_[i], State::Lost);
  }
  first_lost_ = 0;
}

/// Gives up the whole message. Between its TSNs lie others' where messages are interleaved.
void OutstandingData::abandon(OutMessage* message) {
  if (!message->abandoned) {
    message->abandoned = true;
    ++abandoned_;
  }
  if (message->fragments != 0)
    for (std::size_t k = index_of(message->first), end = index_of(message->last + 1U); k < end; ++k)
      if (ring_[k].message == message) change(ring_[k], State::Abandoned);
  // The rest that was never sent stands behind one more TSN, so that the peer does not meet the beginning of
  // the next message right behind a fragment that was not the last, and can be told to skip the message.
  if (queue_->abandon(message)) {
    ++message->fragments;
    message->last = next_tsn();
    ring_.push_back(
        {.message = message, .offset = static_cast<std::uint32_t>(message->sent), .state = State::Abandoned});
  }
  if (message->last > last_abandoned_) last_abandoned_ = message->last;
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
