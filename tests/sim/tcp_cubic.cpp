#include "sim/tcp_cubic.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "base/bytes.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

constexpr double scale = 0.4;  // RFC 9438 section 4.1, as the next one
constexpr double beta = 0.7;
constexpr double reno_alpha = 3 * (1 - beta) / (1 + beta);
constexpr std::uint64_t reordering = 3;  // segments
constexpr std::size_t max_blocks = 3;    // what fits beside timestamps
constexpr Duration delay = 40ms;
constexpr Duration least_timeout = 200ms;
constexpr Duration most_timeout = 60s;
enum Kind : std::uint8_t { data, acknowledgement };

std::uint64_t stamp_of(TimePoint now) { return static_cast<std::uint64_t>(now.time_since_epoch().count()); }

}  // namespace

void TcpCubic::handle_packet(TimePoint now, std::span<const std::byte> packet) {
  const auto sequence = load_be<std::uint32_t>(packet.data() + 4);
  const auto stamp = load_be<std::uint64_t>(packet.data() + 8);
  if (std::to_integer<std::uint8_t>(packet[2]) == data) return take_data(now, sequence, stamp);
  std::array<Block, max_blocks> blocks{};
  const auto count = std::min<std::size_t>(std::to_integer<std::size_t>(packet[3]), max_blocks);
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* at = packet.data() + header_size + 8 * i;
    blocks[i] = {.first = load_be<std::uint32_t>(at), .end = load_be<std::uint32_t>(at + 4)};
  }
  take_acknowledgement(now, sequence, stamp, std::span{blocks}.first(count));
}

// --- The receiver ---

void TcpCubic::take_data(TimePoint now, Sequence sequence, std::uint64_t stamp) {
  // RFC 7323: the echo is of the earliest segment that an acknowledgement covers.
  if (unacknowledged_++ == 0) stamp_ = stamp;
  // RFC 5681 section 4.2: at once when something is missing or comes late, else every second.
  if (sequence != expected_ || !islands_.empty() || unacknowledged_ >= 2) acknowledge_ = true;
  if (!acknowledge_ && delayed_ == never) delayed_ = now + delay;
  if (sequence < expected_) return;
  if (sequence == expected_) {
    ++expected_;
    if (!islands_.empty() && islands_.begin()->first == expected_) {
      expected_ = islands_.begin()->second;
      islands_.erase(islands_.begin());
    }
    return;
  }
  auto next = islands_.upper_bound(sequence);
  auto island = next;
  if (next != islands_.begin() && std::prev(next)->second >= sequence) {
    island = std::prev(next);
    if (island->second > sequence) return;
    ++island->second;
  } else {
    island = islands_.emplace_hint(next, sequence, sequence + 1);
  }
  if (next != islands_.end() && next->first == island->second) {
    island->second = next->second;
    islands_.erase(next);
  }
  std::erase(recent_, island->first);
  recent_.push_front(island->first);
  if (recent_.size() > 8) recent_.pop_back();
}

std::size_t TcpCubic::write_acknowledgement(std::span<std::byte> out) {
  std::byte blocks = {};
  std::size_t size = header_size;
  for (const Sequence first : recent_) {
    const auto island = islands_.find(first);
    if (island == islands_.end()) continue;
    store_be(out.data() + size, island->first);
    store_be(out.data() + size + 4, island->second);
    size += 8;
    blocks = static_cast<std::byte>(std::to_integer<unsigned>(blocks) + 1);
    if (std::to_integer<std::size_t>(blocks) == max_blocks) break;
  }
  std::ranges::fill(out.first(header_size), std::byte{});
  store_be(out.data(), port_);
  out[2] = std::byte{acknowledgement};
  out[3] = blocks;
  store_be(out.data() + 4, expected_);
  store_be(out.data() + 8, stamp_);
  acknowledge_ = false;
  unacknowledged_ = 0;
  delayed_ = never;
  return size;
}

// --- The sender ---

void TcpCubic::take_acknowledgement(TimePoint now, Sequence cumulative, std::uint64_t echo,
                                    std::span<const Block> blocks) {
  if (cumulative < una_) return;
  const bool moved = cumulative > una_;
  double acknowledged = take_cumulative(cumulative);
  for (const Block& block : blocks) acknowledged += take_block(block);
  if (acknowledged > 0) measure(now, echo);
  if (in_recovery_ && una_ >= recovery_end_) in_recovery_ = false;
  if (detect_losses() && !in_recovery_ && una_ >= recovery_end_) {
    reduce();
    in_recovery_ = true;
    recovery_end_ = una_ + static_cast<Sequence>(outstanding_.size());
  }
  if (!in_recovery_) grow(now, acknowledged);
  if (outstanding_.empty()) {
    deadline_ = never;
  } else if (moved) {
    deadline_ = now + timeout_;
  }
}

double TcpCubic::take_cumulative(Sequence cumulative) {
  double acknowledged = 0;
  for (; una_ < cumulative && !outstanding_.empty(); ++una_) {
    const Segment& segment = outstanding_.front();
    if (!segment.sacked) {
      ++acknowledged;
      if (!segment.lost) --in_flight_;
      highest_order_ = std::max(highest_order_, segment.order);
    }
    outstanding_.pop_front();
  }
  while (!sacked_.empty() && sacked_.begin()->second <= una_) sacked_.erase(sacked_.begin());
  return acknowledged;
}

double TcpCubic::take_block(Block block) {
  Sequence at = std::max(block.first, una_);
  const Sequence end = std::min(block.end, una_ + static_cast<Sequence>(outstanding_.size()));
  if (at >= end) return 0;
  double acknowledged = 0;
  Block merged{at, end};
  auto known = sacked_.upper_bound(at);
  if (known != sacked_.begin() && std::prev(known)->second >= at) --known;
  while (at < end || (known != sacked_.end() && known->first == at)) {
    if (known != sacked_.end() && known->first <= at) {
      merged.first = std::min(merged.first, known->first);
      merged.end = std::max(merged.end, known->second);
      at = std::max(at, known->second);
      known = sacked_.erase(known);
      continue;
    }
    const Sequence stop = known == sacked_.end() ? end : std::min(end, known->first);
    for (; at < stop; ++at) {
      Segment& segment = outstanding_[at - una_];
      segment.sacked = true;
      ++acknowledged;
      if (!segment.lost) --in_flight_;
      highest_order_ = std::max(highest_order_, segment.order);
    }
  }
  sacked_.emplace(merged.first, merged.end);
  return acknowledged;
}

bool TcpCubic::detect_losses() {
  bool any = false;
  while (!transmissions_.empty() && transmissions_.front().order + reordering <= highest_order_) {
    const Transmission sent = transmissions_.front();
    transmissions_.pop_front();
    if (sent.sequence < una_) continue;
    Segment& segment = outstanding_[sent.sequence - una_];
    if (segment.sacked || segment.lost || segment.order != sent.order) continue;
    segment.lost = true;
    --in_flight_;
    lost_.push_back(sent.sequence);
    any = true;
  }
  return any;
}

void TcpCubic::measure(TimePoint now, std::uint64_t echo) {
  const Duration sample{static_cast<Duration::rep>(stamp_of(now) - echo)};
  if (smoothed_ == Duration{}) {
    smoothed_ = sample;
    variation_ = sample / 2;
  } else {
    const Duration difference = smoothed_ > sample ? smoothed_ - sample : sample - smoothed_;
    variation_ = (3 * variation_ + difference) / 4;
    smoothed_ = (7 * smoothed_ + sample) / 8;
  }
  // As Linux has it: the floor is of the variation's part.
  timeout_ = std::min(smoothed_ + std::max(4 * variation_, least_timeout), most_timeout);
  watch_delay(sample);
}

// RFC 9406 without the trial phase.
void TcpCubic::watch_delay(Duration round_trip) {
  if (window_ >= threshold_) return;
  round_least_ = std::min(round_least_, round_trip);
  if (last_least_ != Duration::max() && window_ >= 16 &&
      round_least_ >= last_least_ + std::clamp<Duration>(last_least_ / 8, 4ms, 16ms) && una_ >= round_end_) {
    threshold_ = window_;
  }
  if (una_ < round_end_) return;
  last_least_ = round_least_;
  round_least_ = Duration::max();
  round_end_ = una_ + static_cast<Sequence>(outstanding_.size());
}

void TcpCubic::grow(TimePoint now, double acknowledged) {
  if (acknowledged == 0) return;
  if (window_ < threshold_) {
    window_ += acknowledged;
    return;
  }
  if (epoch_ == never) {
    epoch_ = now;
    if (window_ >= most_) {
      most_ = prior_ = window_;
      k_ = 0;
    } else {
      k_ = std::cbrt((most_ - window_) / scale);
    }
    reno_ = window_;
  }
  const auto curve = [&](Duration since) {
    const double t = std::chrono::duration<double>(since).count() - k_;
    return scale * t * t * t + most_;
  };
  const Duration since = now - epoch_;
  const double alpha = reno_ >= prior_ ? 1 : reno_alpha;
  reno_ += alpha * acknowledged / window_;
  if (curve(since) < reno_) {
    window_ = std::max(window_, reno_);
    return;
  }
  const double target = std::clamp(curve(since + smoothed_), window_, 1.5 * window_);
  window_ += (target - window_) / window_ * acknowledged;
}

void TcpCubic::reduce() {
  most_ = window_ < most_ ? window_ * (1 + beta) / 2 : window_;
  prior_ = window_;
  window_ = threshold_ = std::max(window_ * beta, 2.0);
  epoch_ = never;
}

void TcpCubic::handle_timeout(TimePoint now) {
  if (delayed_ <= now) {
    delayed_ = never;
    acknowledge_ = true;
  }
  if (deadline_ > now) return;
  ++timeouts_;
  if (una_ >= recovery_end_ || in_recovery_) reduce();
  window_ = 1;
  in_recovery_ = false;
  recovery_end_ = una_ + static_cast<Sequence>(outstanding_.size());
  lost_.clear();
  transmissions_.clear();
  for (std::size_t i = 0; i < outstanding_.size(); ++i) {
    if (outstanding_[i].sacked) continue;
    outstanding_[i].lost = true;
    lost_.push_back(una_ + static_cast<Sequence>(i));
  }
  in_flight_ = 0;
  timeout_ = std::min<Duration>(2 * timeout_, most_timeout);
  deadline_ = now + timeout_;
}

std::size_t TcpCubic::poll_packet(TimePoint now, std::span<std::byte> out) {
  return acknowledge_ ? write_acknowledgement(out) : write_segment(now, out);
}

std::size_t TcpCubic::write_segment(TimePoint now, std::span<std::byte> out) {
  if (static_cast<double>(in_flight_) + 1 > window_) return 0;
  std::optional<Sequence> sequence;
  while (!lost_.empty() && !sequence) {
    const Sequence candidate = lost_.front();
    lost_.pop_front();
    if (candidate < una_ || outstanding_[candidate - una_].sacked) continue;
    sequence = candidate;
    ++retransmissions_;
  }
  if (!sequence) {
    if (!sending_) return 0;
    sequence = una_ + static_cast<Sequence>(outstanding_.size());
    outstanding_.emplace_back();
  }
  Segment& segment = outstanding_[*sequence - una_];
  segment.order = ++order_;
  segment.lost = false;
  transmissions_.push_back({.order = segment.order, .sequence = *sequence});
  ++in_flight_;
  if (deadline_ == never) deadline_ = now + timeout_;
  constexpr std::size_t size = header_size + segment_size;
  std::ranges::fill(out.first(header_size), std::byte{});
  store_be(out.data(), port_);
  store_be(out.data() + 4, *sequence);
  store_be(out.data() + 8, stamp_of(now));
  return size;
}

TimePoint TcpCubic::next_timeout() const noexcept { return std::min(delayed_, deadline_); }

}  // namespace linnet::sim
