#pragma once

#include <algorithm>

#include "linnet/core/time.hpp"

namespace linnet::ice {

/// RFC 8445 section 14: new transactions leave one each Ta. Deviation: a few may leave at once, so that a
/// connection on a local network comes up in one round trip and not after the candidates that lead nowhere;
/// the average rate stays that of the RFC.
class Pacer {
 public:
  Pacer(Duration interval, unsigned burst) noexcept
      : interval_(interval), tolerance_(interval * std::max(burst, 1U) - interval) {}

  /// When the next transaction may leave.
  [[nodiscard]] TimePoint next() const noexcept { return due_ - tolerance_; }
  [[nodiscard]] bool ready(TimePoint now) const noexcept { return next() <= now; }
  void spend(TimePoint now) noexcept { due_ = std::max(due_, now) + interval_; }

 private:
  Duration interval_;
  Duration tolerance_;
  TimePoint due_{};
};

}  // namespace linnet::ice
