#include "sctp/rx/data_tracker.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace linnet::sctp {

DataTracker::Arrival DataTracker::classify(Tsn tsn) const noexcept {
  if (tsn <= cumulative_) return Arrival::Duplicate;
  if (const auto ahead = tsn - cumulative_; ahead < 0 || ahead > max_ahead) return Arrival::TooFar;
  const auto after = std::ranges::upper_bound(blocks_, tsn, {}, &Block::first);
  if (after != blocks_.begin() && tsn <= std::prev(after)->last) return Arrival::Duplicate;
  // A peer that leaves a hole behind every TSN gains nothing: what we could not report we do not take.
  if (blocks_.size() >= max_blocks && !is_next(tsn)) {
    const bool joins = (after != blocks_.begin() && std::prev(after)->last + 1U == tsn) ||
                       (after != blocks_.end() && tsn + 1U == after->first);
    if (!joins) return Arrival::TooFar;
  }
  return Arrival::New;
}

DataTracker::Arrival DataTracker::add(Tsn tsn) {
  const Arrival arrival = classify(tsn);
  if (arrival == Arrival::Duplicate) {
    saw_duplicate_ = true;
    if (duplicate_count_ < max_duplicates) duplicates_[duplicate_count_++] = tsn;
  }
  if (arrival != Arrival::New) return arrival;
  if (is_next(tsn)) {
    ++cumulative_;
    absorb();
    return arrival;
  }
  const auto after = std::ranges::upper_bound(blocks_, tsn, {}, &Block::first);
  const bool joins_before = after != blocks_.begin() && std::prev(after)->last + 1U == tsn;
  const bool joins_after = after != blocks_.end() && tsn + 1U == after->first;
  if (joins_before && joins_after) {
    std::prev(after)->last = after->last;
    blocks_.erase(after);
  } else if (joins_before) {
    std::prev(after)->last = tsn;
  } else if (joins_after) {
    after->first = tsn;
  } else {
    blocks_.insert(after, Block{tsn, tsn});
  }
  return arrival;
}

void DataTracker::forward(Tsn tsn) {
  if (tsn <= cumulative_) return;
  cumulative_ = tsn;
  absorb();
}

void DataTracker::absorb() noexcept {
  auto gone = blocks_.begin();
  for (; gone != blocks_.end() && gone->first <= cumulative_ + 1U; ++gone)
    cumulative_ = std::max(cumulative_, gone->last, [](Tsn a, Tsn b) { return a < b; });
  blocks_.erase(blocks_.begin(), gone);
}

// RFC 9260 section 6.2: at least every second packet, at once for gaps (section 6.7), for duplicates, and for
// the packet that fills the last gap.
void DataTracker::packet_ended(bool immediate) noexcept {
  ++packets_unacked_;
  const bool at_once = immediate || saw_duplicate_ || has_gaps() || had_gaps_ || packets_unacked_ >= 2;
  had_gaps_ = has_gaps();
  if (at_once)
    ack_ = Ack::Now;
  else if (ack_ == Ack::None)
    ack_ = Ack::Delayed;
}

std::size_t DataTracker::write_sack(std::span<std::byte> out, std::uint32_t a_rwnd) noexcept {
  constexpr std::size_t fixed = 12;
  if (out.size() < fixed) return 0;
  const std::size_t entries = (out.size() - fixed) / 4;
  const std::size_t gaps = std::min(entries, blocks_.size());
  const std::size_t duplicates = std::min(entries - gaps, duplicate_count_);
  ByteWriter writer(out);
  writer.u32(cumulative_.value());
  writer.u32(a_rwnd);
  writer.u16(static_cast<std::uint16_t>(gaps));
  writer.u16(static_cast<std::uint16_t>(duplicates));
  for (std::size_t i = 0; i < gaps; ++i) {
    writer.u16(static_cast<std::uint16_t>(blocks_[i].first - cumulative_));
    writer.u16(static_cast<std::uint16_t>(blocks_[i].last - cumulative_));
  }
  for (std::size_t i = 0; i < duplicates; ++i) writer.u32(duplicates_[i].value());
  duplicate_count_ = 0;
  saw_duplicate_ = false;
  packets_unacked_ = 0;
  ack_ = Ack::None;
  return writer.size();
}

}  // namespace linnet::sctp
