#pragma once

#include <algorithm>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// The shortest round trip of the last five to ten seconds: the path changes, and an old one would mislead for ever.
class MinimumRoundTrip {
 public:
  void measured(TimePoint now, Duration round_trip) noexcept {
    if (now >= changes_at_) {
      before_ = now >= changes_at_ + half ? Duration::max() : latest_;
      latest_ = Duration::max();
      changes_at_ = now + half;
    }
    latest_ = std::min(latest_, round_trip);
  }
  /// 0 before the first measurement.
  [[nodiscard]] Duration value() const noexcept {
    const Duration least = std::min(latest_, before_);
    return least == Duration::max() ? Duration::zero() : least;
  }

 private:
  static constexpr Duration half = std::chrono::seconds(5);
  TimePoint changes_at_{};
  Duration latest_ = Duration::max();
  Duration before_ = Duration::max();
};

}  // namespace linnet::sctp
