#include "sctp/tx/congestion/random_loss.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace linnet::sctp {
namespace {

constexpr std::size_t one_in = 50;
// As HyStart++ (RFC 9406) tells a queue from jitter.
constexpr Duration min_delay = std::chrono::milliseconds{4};
constexpr Duration max_delay = std::chrono::milliseconds{16};

}  // namespace

void RandomLoss::acknowledged(const Acknowledgement& ack) noexcept {
  if (ack.round_began) last_round_ = std::exchange(this_round_, {});
  this_round_.acked += ack.result.bytes_acked;
  if (!ack.result.rtt) return;
  least_ = std::min(least_, *ack.result.rtt);
  this_round_.rtt = std::min(this_round_.rtt, *ack.result.rtt);
}

bool RandomLoss::likely() const noexcept {
  const std::size_t lost = this_round_.lost + last_round_.lost;
  const std::size_t acked = this_round_.acked + last_round_.acked;
  if (lost * one_in > lost + acked) return false;
  // A round trip just begun says little; then the whole one before counts.
  const Duration rtt = std::max(this_round_.rtt == Duration::max() ? Duration::zero() : this_round_.rtt,
                                last_round_.rtt == Duration::max() ? Duration::zero() : last_round_.rtt);
  return least_ != Duration::max() && rtt < least_ + std::clamp(least_ / 8, min_delay, max_delay);
}

}  // namespace linnet::sctp
