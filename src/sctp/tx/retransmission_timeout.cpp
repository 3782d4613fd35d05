#include "sctp/tx/retransmission_timeout.hpp"

#include <algorithm>

namespace linnet::sctp {

void RetransmissionTimeout::measured(Duration round_trip) noexcept {
  if (round_trip < Duration::zero()) return;
  if (first_) {
    first_ = false;
    smoothed_ = round_trip;
    variation_ = round_trip / 2;
  } else {
    const Duration difference = smoothed_ > round_trip ? smoothed_ - round_trip : round_trip - smoothed_;
    variation_ += (difference - variation_) / 4;
    smoothed_ += (round_trip - smoothed_) / 8;
  }
  value_ = from_averages();
}

// Deviation from section 6.3.1: the variation counts for half the least RTO at least. Where each round trip is like the
// last one, the timeout would be the round trip itself, and the first packet that met a queue would be late.
Duration RetransmissionTimeout::from_averages() const noexcept {
  return std::clamp(smoothed_ + std::max(4 * variation_, limits_.min / 2), limits_.min, limits_.max);
}

void RetransmissionTimeout::answered() noexcept {
  if (!first_) value_ = from_averages();
}

void RetransmissionTimeout::back_off() noexcept { value_ = std::min(value_ * 2, limits_.max); }

}  // namespace linnet::sctp
