#pragma once

#include <chrono>

namespace linnet {

using Duration = std::chrono::nanoseconds;

/// The clock of every machine. It has no `now()`: a machine is told the time, it never asks for it.
/// The runtime maps it to std::chrono::steady_clock, the simulator to its virtual clock.
struct MachineClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MachineClock>;
  static constexpr bool is_steady = true;
};

using TimePoint = MachineClock::time_point;

/// What `next_timeout()` returns when nothing is scheduled.
inline constexpr TimePoint never = TimePoint::max();

}  // namespace linnet
