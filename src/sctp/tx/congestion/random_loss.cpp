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

bool RandomLoss::rare() const noexcept {
  const std::size_t lost = this_round_.lost + last_round_.lost;
  return lost * one_in <= lost + this_round_.acked + last_round_.acked;
}

/// A round trip just begun says little; then the whole one before counts.
Duration RandomLoss::round_trip() const noexcept {
  const auto known = [](Duration rtt) { return rtt == Duration::max() ? Duration::zero() : rtt; };
  return std::max(known(this_round_.rtt), known(last_round_.rtt));
}

bool RandomLoss::likely() const noexcept {
  return rare() && least_ != Duration::max() && round_trip() < least_ + std::clamp(least_ / 8, min_delay, max_delay);
}

double RandomLoss::path_share() const noexcept {
  const Duration rtt = round_trip();
  if (rtt <= Duration::zero() || !rare()) return 0;
  return static_cast<double>(least_.count()) / static_cast<double>(rtt.count());
}

}  // namespace linnet::sctp
