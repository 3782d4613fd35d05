#pragma once

#include <algorithm>
#include <utility>

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
    // A full queue stands for a while. After a stall all that waited arrives at once, and what comes then is as ever:
    // such a delay fills one slot, not two in a row.
    if (now - slot_began_at_ >= least() / slots) {
      if (last_slot_ != Duration::max()) latest_.most = std::max(latest_.most, std::min(last_slot_, slot_));
      last_slot_ = std::exchange(slot_, Duration::max());
      slot_began_at_ = now;
    }
    slot_ = std::min(slot_, round_trip);
  }
  /// `Duration::max()` before the first measurement.
  [[nodiscard]] Duration least() const noexcept { return std::min(latest_.least, before_.least); }
  /// Of those that lasted, half of the shortest at most; 0 as long as none did.
  [[nodiscard]] Duration most() const noexcept { return std::max(latest_.most, before_.most); }

 private:
  static constexpr Duration half = std::chrono::seconds(30);
  static constexpr int slots = 4;
  struct Range {
    Duration least = Duration::max();
    Duration most{};
  };
  TimePoint changes_at_{};
  Range latest_;
  Range before_;
  TimePoint slot_began_at_{};
  Duration slot_ = Duration::max();  // the shortest of it
  Duration last_slot_ = Duration::max();
};

}  // namespace linnet::sctp
