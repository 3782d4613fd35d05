#include "sctp/tx/congestion/random_loss.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace linnet::sctp {
namespace {

constexpr std::size_t one_in = 50;
constexpr std::size_t most = 3;
/// Packets; two per cent of a small window is less than one.
constexpr std::size_t few = 2;
constexpr Duration min_delay = std::chrono::milliseconds{4};
constexpr Duration max_delay = std::chrono::milliseconds{16};

}  // namespace

void RandomLoss::acknowledged(const Acknowledgement& ack) noexcept {
  if (ack.round_began) last_round_ = std::exchange(this_round_, {});
  this_round_.acked += ack.result.bytes_acked;
  // What left before the window shrank met the queue that it shrank for.
  if (!ack.result.rtt || ack.now - *ack.result.rtt < answered_at_) return;
  range_.measured(ack.now, *ack.result.rtt);
  this_round_.rtt = std::min(this_round_.rtt, *ack.result.rtt);
  recent_[next_++ % recent_.size()] = *ack.result.rtt;
}

void RandomLoss::lost(Losses lost, std::size_t mtu) noexcept {
  this_round_.lost += lost.bytes;
  this_round_.accidents += std::min(lost.bytes, lost.runs * mtu);
}

/// A queue that drops is full, and so it is for what passes it just before and after: their round trips are the longest
/// ones, of those that the path shows at all. Without a queue (behind a policer) nothing tells the two apart.
bool RandomLoss::overflow() const noexcept {
  const Duration room = range_.most() - range_.least();
  const Duration seen = std::min(threshold() / 4, range_.least() / 2);  // a cable's queue is as short as the cable
  return room < seen || std::ranges::max(recent_) - range_.least() >= room / 2;
}

/// As HyStart++ (RFC 9406) tells a queue from jitter.
Duration RandomLoss::threshold() const noexcept { return std::clamp(range_.least() / 8, min_delay, max_delay); }

void RandomLoss::answered(TimePoint now) noexcept {
  answered_at_ = now;
  for (Round* const round : {&this_round_, &last_round_}) {
    round->lost = round->accidents = 0;
    round->rtt = Duration::max();
  }
}

/// A fading takes many packets at once; it is one accident as long as it leaves more than it takes.
bool RandomLoss::rare() const noexcept {
  const std::size_t lost = this_round_.lost + last_round_.lost;
  const std::size_t sent = lost + this_round_.acked + last_round_.acked;
  return (this_round_.accidents + last_round_.accidents) * one_in <= sent && lost * most <= sent;
}

/// A part of a round may have met nothing but a burst of our own: a queue stands in all of it.
Duration RandomLoss::round_trip() const noexcept {
  return last_round_.rtt == Duration::max() ? Duration::zero() : std::min(this_round_.rtt, last_round_.rtt);
}

bool RandomLoss::likely_in_slow_start(std::size_t mtu) const noexcept {
  return rare() || (this_round_.lost + last_round_.lost <= few * mtu && no_queue());
}

bool RandomLoss::likely() const noexcept { return rare() && no_queue() && !overflow(); }

bool RandomLoss::no_queue() const noexcept {
  return range_.least() != Duration::max() && round_trip() < range_.least() + threshold();
}

double RandomLoss::path_share() const noexcept {
  const Duration rtt = round_trip();
  if (rtt <= Duration::zero() || !rare() || overflow()) return 0;
  return static_cast<double>(range_.least().count()) / static_cast<double>(rtt.count());
}

}  // namespace linnet::sctp
