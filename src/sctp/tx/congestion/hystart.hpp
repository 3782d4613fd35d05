#pragma once

#include <chrono>
#include <cstddef>
#include <limits>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// HyStart++ (RFC 9406): leaves slow start before it overflows the bottleneck's queue, when round trips get longer.
/// Owned by Cubic, used for the first slow start only (section 4.3).
class HyStart {
 public:
  enum class Phase {
    SlowStart,
    Conservative,  ///< Conservative Slow Start: grows by a quarter of that, until it is sure.
    Done,          ///< Slow start is over.
  };
  static constexpr std::size_t growth_divisor = 4;  // CSS_GROWTH_DIVISOR

  /// Once for each SACK, before what it acknowledges is added to the window.
  void acknowledged(bool round_began) noexcept;
  void measured(Duration rtt) noexcept;
  void stop() noexcept { phase_ = Phase::Done; }
  /// The least round trip of the last whole round; `Duration::max()` when there is none.
  [[nodiscard]] Duration last_round() const noexcept { return last_round_; }
  [[nodiscard]] Phase phase() const noexcept { return phase_; }

 private:
  static constexpr Duration infinite = Duration::max();
  Phase phase_ = Phase::SlowStart;
  unsigned samples_ = 0;
  unsigned rounds_ = 0;  // in Conservative Slow Start
  Duration last_round_ = infinite;
  Duration this_round_ = infinite;
  Duration baseline_ = infinite;
};

}  // namespace linnet::sctp
