#include "sctp/tx/outstanding_data.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace linnet::sctp {
namespace {
/// Gap ack blocks of one SACK that are looked at. Our own tracker reports half of them at most.
constexpr std::size_t max_blocks = 2'048;
}  // namespace

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
  // Until it is on its way it is nothing: `goes_out` makes it so.
  ring_.push_back({.message = piece.message,
                   .offset = static_cast<std::uint32_t>(piece.offset),
                   .fsn = piece.fsn,
                   .size = static_cast<std::uint16_t>(piece.size),
                   .state = State::Abandoned});
  goes_out(now, ring_.size() - 1);
  return header(ring_.back(), tsn);
}

void OutstandingData::goes_out(TimePoint now, std::size_t i) noexcept {
  Fragment& fragment = ring_[i];
  if (fragment.transmissions != std::numeric_limits<std::uint16_t>::max()) ++fragment.transmissions;
  fragment.sent_at = now;
  fragment.taken_back = false;
  fragment.begins_packet = std::exchange(packet_begins_, false);
  rate_.sent(now, fragment, in_flight_, data_header_size + fragment.size);
  change(i, State::InFlight);
  ++sent_;
}

std::optional<OutstandingData::Again> OutstandingData::peek_lost(TimePoint now) {
  while (!lost_.empty()) {
    const Tsn tsn = lost_.head();
    const std::size_t i = index_of(tsn);
    const Fragment& fragment = ring_[i];
    if (expired(fragment, now)) {
      abandon(fragment.message);
      advance_forward();
      continue;
    }
    const std::span<const std::byte> payload(fragment.message->payload);
    return Again{tsn, header(fragment, tsn), payload.subspan(fragment.offset, fragment.size)};
  }
  return std::nullopt;
}

void OutstandingData::resend(TimePoint now, const Again& again) {
  const std::size_t i = index_of(again.tsn);
  assert(ring_[i].state == State::Lost);
  goes_out(now, i);
  ++retransmitted_;
}

/// Keeps the lists and sums in step with a fragment's state.
void OutstandingData::change(std::size_t i, State state) noexcept {
  Fragment& fragment = ring_[i];
  const Tsn tsn = tsn_at(i);
  if (fragment.state == State::Abandoned) held_ += fragment.size;
  if (state == State::Abandoned) held_ -= fragment.size;
  switch (fragment.state) {
    case State::InFlight:
      flight_.remove(tsn, finder());
      in_flight_ -= data_header_size + fragment.size;
      payload_in_flight_ -= fragment.size;
      break;
    case State::Lost: lost_.remove(tsn, finder()); break;
    case State::Acked: packets_reported_ -= fragment.begins_packet ? 1U : 0U; break;
    case State::Abandoned: break;
  }
  fragment.state = state;
  switch (state) {
    case State::InFlight:
      flight_.push_back(tsn, finder());
      in_flight_ += data_header_size + fragment.size;
      payload_in_flight_ += fragment.size;
      break;
    case State::Lost: line_up(tsn); break;
    case State::Acked: packets_reported_ += fragment.begins_packet ? 1U : 0U; break;
    case State::Abandoned: break;
  }
}

void OutstandingData::acknowledge(std::size_t i, AckResult& result) noexcept {
  Fragment& fragment = ring_[i];
  if (fragment.state != State::InFlight && fragment.state != State::Lost) return;
  result.bytes_acked += data_header_size + fragment.size;
  learn(i);
  change(i, State::Acked);
}

void OutstandingData::pop_acknowledged(Tsn cumulative, AckResult& result) {
  std::size_t popped = 0;
  for (; cumulative_ < cumulative; ++popped) {
    acknowledge(0, result);
    Fragment& fragment = ring_.front();
    if (fragment.state == State::Acked) {
      held_ -= fragment.size;
      packets_reported_ -= fragment.begins_packet ? 1U : 0U;
    }
    episode_.forget(cumulative_ + 1U, fragment);
    release(fragment);
    ring_.pop_front();
    ++cumulative_;
  }
  if (popped == 0) return;
  result.cumulative_moved = true;
  gap_end_ -= std::min(gap_end_, popped);
  if (gap_end_ == 0) reported_.clear();
  if (forward_ < cumulative_) forward_ = cumulative_;
  if (probe_ && *probe_ <= cumulative_) probe_.reset();
  if (episode_.acknowledged(cumulative_)) rack_.recovered();
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

/// Marks what the blocks report, takes back what they report no longer. A peer with gaps repeats in each SACK what it
/// said in the last one: only where the two differ are fragments looked at.
void OutstandingData::apply_gaps(const SackChunk& sack, std::size_t blocks, AckResult& result) {
  std::swap(before_, reported_);
  reported_.clear();
  std::size_t at = 0;
  std::size_t old = 0;
  // Goes on to `end`, in stretches that the last SACK reported or did not.
  const auto walk = [&](std::size_t end, const auto& stretch) {
    while (at < end) {
      for (; old < before_.size() && index_of(before_[old].end) <= at; ++gap_steps_) ++old;
      const bool known = old < before_.size() && index_of(before_[old].first) <= at;
      const std::size_t border = old == before_.size() ? end : index_of(known ? before_[old].end : before_[old].first);
      const std::size_t stop = std::min(end, border);
      stretch(stop, known);
      at = stop;
      ++gap_steps_;
    }
  };
  const auto missing = [&](std::size_t end, bool known) {
    for (std::size_t i = at; known && i < end; ++i, ++gap_steps_)
      if (ring_[i].state == State::Acked) take_back(i);
  };
  const auto present = [&](std::size_t end, bool known) {
    for (std::size_t i = at; !known && i < end; ++i, ++gap_steps_) acknowledge(i, result);
  };
  for (std::size_t i = 0; i < blocks; ++i) {
    const SackChunk::Gap gap = sack.gap(i);
    // Blocks that are out of order or overlap are not worth a search: they end the list.
    if (gap.start < 2 || gap.end < gap.start || gap.start - 1U < at) break;
    walk(gap.start - 1U, missing);
    walk(gap.end, present);
    reported_.push_back({tsn_at(gap.start - 1U), tsn_at(gap.end)});
  }
  gap_end_ = at;
  if (!before_.empty()) walk(index_of(before_.back().end), missing);
  // A peer that takes back more than it ever got wants to keep us busy.
  if (taken_back_ > sent_ + max_blocks) disbelieve();
}

/// RFC 9260 section 6.2.1 D iii: the receiver may renege. Deviation: the fragment is not lost at once but counts as
/// sent now, so that SACKs that overtook one another do no harm, and a peer that goes to and fro gets each fragment
/// once in a round trip.
void OutstandingData::take_back(std::size_t i) noexcept {
  Fragment& fragment = ring_[i];
  ++taken_back_;
  fragment.taken_back = true;
  fragment.sent_at = seen_.now;
  change(i, State::InFlight);
  if (tsn_at(i) <= forward_) forward_ = tsn_at(i) - 1U;
}

/// From now on the cumulative TSN is all that counts.
void OutstandingData::disbelieve() noexcept {
  believes_gaps_ = false;
  for (std::size_t i = 0; i < gap_end_; ++i)
    if (ring_[i].state == State::Acked) take_back(i);
  gap_end_ = 0;
  reported_.clear();
}

AckResult OutstandingData::begin_ack(TimePoint now, Tsn cumulative) {
  AckResult result;
  const auto ahead = cumulative - cumulative_;
  if (ahead < 0 || static_cast<std::size_t>(ahead) > ring_.size()) return result;
  result.valid = true;
  seen_ = {.now = now};
  return result;
}

AckResult OutstandingData::handle_sack(TimePoint now, const SackChunk& sack, Duration smoothed) {
  AckResult result = begin_ack(now, sack.cumulative);
  if (!result.valid) return result;
  const std::size_t left = ring_.size() - static_cast<std::size_t>(sack.cumulative - cumulative_);
  const std::size_t blocks = believes_gaps_ ? std::min<std::size_t>(sack.gap_count, max_blocks) : 0;
  for (std::size_t i = 0; i < blocks; ++i)
    if (sack.gap(i).end > left) return {};  // about TSNs that were never sent
  pop_acknowledged(sack.cumulative, result);
  if (blocks != 0 || gap_end_ != 0) apply_gaps(sack, blocks, result);
  handle_duplicates(sack);
  finish_ack(smoothed, result);
  return result;
}

AckResult OutstandingData::handle_cumulative(TimePoint now, Tsn cumulative, Duration smoothed) {
  AckResult result = begin_ack(now, cumulative);
  if (!result.valid) return result;
  pop_acknowledged(cumulative, result);
  finish_ack(smoothed, result);
  return result;
}

void OutstandingData::finish_ack(Duration smoothed, AckResult& result) {
  const bool former_path = seen_.newest_sent_at && *seen_.newest_sent_at < path_since_;
  if (seen_.newest_sent_at && !former_path) {
    result.rtt = seen_.now - *seen_.newest_sent_at;
    minimum_.measured(seen_.now, *result.rtt);
  }
  smoothed_ = smoothed == Duration::zero() ? result.rtt.value_or(Duration::zero()) : smoothed;
  result.rate = rate_.sample(minimum_.value());
  if (former_path) result.rate.reset();
  decide(result);
  advance_forward();
}

}  // namespace linnet::sctp
