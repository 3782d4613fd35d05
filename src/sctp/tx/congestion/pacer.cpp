#include "sctp/tx/congestion/pacer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace linnet::sctp {
namespace {

/// What leaves at once: a millisecond's worth, but not more than a few segmentation-offload sends.
constexpr double quantum_seconds = 0.001;
constexpr double max_quantum = 256 * 1'024;
constexpr double min_quantum_packets = 2;
/// RFC 9002 section 7.7: after a rest an initial window may leave at once.
constexpr double rested_packets = 10;

}  // namespace

void Pacer::set_mtu(std::size_t mtu) noexcept {
  mtu_ = static_cast<double>(mtu);
  tokens_ = depth_ = std::max(2 * quantum_, rested_packets * mtu_);
}

void Pacer::set_rate(TimePoint now, double rate) noexcept {
  if (rate_ > 0) refill(now);
  filled_at_ = std::max(filled_at_, now);
  rate_ = rate;
  quantum_ = std::clamp(rate * quantum_seconds, min_quantum_packets * mtu_, std::max(max_quantum, 2 * mtu_));
  depth_ = std::max(2 * quantum_, rested_packets * mtu_);
}

void Pacer::refill(TimePoint now) noexcept {
  if (now <= filled_at_) return;
  tokens_ = std::min(depth_, tokens_ + rate_ * std::chrono::duration<double>(now - filled_at_).count());
  filled_at_ = now;
}

TimePoint Pacer::next_send(TimePoint now) noexcept {
  if (rate_ <= 0) return now;
  refill(now);
  if (empty_ ? tokens_ + 0.5 >= quantum_ : tokens_ > 0) {
    empty_ = false;
    return now;
  }
  empty_ = true;
  // Rounded up: never due before the quantum is complete, always later than now.
  const double wait = std::min(std::max(quantum_ - tokens_, 1.0) / rate_, 1.0);
  return now + Duration{static_cast<Duration::rep>(std::ceil(wait * 1e9))};
}

void Pacer::sent(TimePoint now, std::size_t bytes) noexcept {
  if (rate_ <= 0) return;
  refill(now);
  tokens_ -= static_cast<double>(bytes);
}

}  // namespace linnet::sctp
