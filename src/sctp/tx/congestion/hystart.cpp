#include "sctp/tx/congestion/hystart.hpp"

#include <algorithm>

namespace linnet::sctp {
namespace {

// RFC 9406 section 4.3.
constexpr Duration min_rtt_threshold = std::chrono::milliseconds{4};
constexpr Duration max_rtt_threshold = std::chrono::milliseconds{16};
constexpr int min_rtt_divisor = 8;
constexpr unsigned n_rtt_sample = 8;
constexpr unsigned css_rounds = 5;

}  // namespace

void HyStart::acknowledged(bool round_began) noexcept {
  if (!round_began || phase_ == Phase::Done) return;
  last_round_ = this_round_;
  this_round_ = infinite;
  samples_ = 0;
  if (phase_ == Phase::Conservative && ++rounds_ >= css_rounds) phase_ = Phase::Done;
}

// Section 4.2.
void HyStart::measured(Duration rtt) noexcept {
  if (phase_ == Phase::Done) return;
  this_round_ = std::min(this_round_, rtt);
  if (++samples_ < n_rtt_sample) return;
  if (phase_ == Phase::SlowStart) {
    if (last_round_ == infinite) return;
    const Duration threshold = std::clamp(last_round_ / min_rtt_divisor, min_rtt_threshold, max_rtt_threshold);
    if (this_round_ < last_round_ + threshold) return;
    baseline_ = this_round_;
    phase_ = Phase::Conservative;
    rounds_ = 0;
  } else if (this_round_ < baseline_) {
    // It was jitter, not a queue.
    baseline_ = infinite;
    phase_ = Phase::SlowStart;
  }
}

}  // namespace linnet::sctp
