#pragma once

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// RTO of the one path (RFC 9260 section 6.3.1). Owned by the association's core.
class RetransmissionTimeout {
 public:
  struct Limits {
    Duration initial;
    Duration min;
    Duration max;
  };
  explicit RetransmissionTimeout(const Limits& limits) noexcept : limits_(limits), value_(limits.initial) {}

  void measured(Duration round_trip) noexcept;
  /// Section 6.3.3 E2.
  void back_off() noexcept;
  /// Ends the backing off: the peer answered, though with nothing that can be measured.
  void answered() noexcept;
  /// Section 6.3.1 C1: of the path that is taken from now on nothing is known.
  void path_changed() noexcept { *this = RetransmissionTimeout(limits_); }
  [[nodiscard]] Duration value() const noexcept { return value_; }
  [[nodiscard]] Duration smoothed() const noexcept { return smoothed_; }

 private:
  [[nodiscard]] Duration from_averages() const noexcept;

  Limits limits_;
  Duration value_;
  Duration smoothed_{};
  Duration variation_{};
  bool first_ = true;
};

}  // namespace linnet::sctp
