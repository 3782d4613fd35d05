#pragma once

#include <algorithm>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// The shortest and the longest round trip of the last half minute to minute. A path changes, and one stall must not
/// pass for a queue for ever; yet CUBIC takes 27 s from one full queue of a gigabit over 300 ms to the next.
class RoundTripRange {
 public:
  void measured(TimePoint now, Duration round_trip) noexcept {
    if (now >= changes_at_) {
      before_ = now >= changes_at_ + half ? Range{} : latest_;
      latest_ = {};
      changes_at_ = now + half;
    }
    latest_.least = std::min(latest_.least, round_trip);
    latest_.most = std::max(latest_.most, round_trip);
  }
  /// `Duration::max()` before the first measurement.
  [[nodiscard]] Duration least() const noexcept { return std::min(latest_.least, before_.least); }
  /// 0 before the first measurement.
  [[nodiscard]] Duration most() const noexcept { return std::max(latest_.most, before_.most); }

 private:
  static constexpr Duration half = std::chrono::seconds(30);
  struct Range {
    Duration least = Duration::max();
    Duration most{};
  };
  TimePoint changes_at_{};
  Range latest_;
  Range before_;
};

}  // namespace linnet::sctp
