#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "linnet/core/time.hpp"

namespace linnet {

/// The timers of one machine: one slot for each enumerator of `Timer`, whose last one is `Count`.
template <class Timer>
class TimerTable {
 public:
  TimerTable() noexcept { deadlines_.fill(never); }

  void set(Timer timer, TimePoint deadline) noexcept { deadlines_[index(timer)] = deadline; }
  void stop(Timer timer) noexcept { deadlines_[index(timer)] = never; }
  void stop_all() noexcept { deadlines_.fill(never); }
  [[nodiscard]] TimePoint get(Timer timer) const noexcept { return deadlines_[index(timer)]; }
  [[nodiscard]] bool armed(Timer timer) const noexcept { return get(timer) != never; }

  /// The earliest deadline, `never` when all are stopped.
  [[nodiscard]] TimePoint next() const noexcept { return *std::ranges::min_element(deadlines_); }

  /// Stops and returns the earliest timer that is due at `now`, if any.
  [[nodiscard]] std::optional<Timer> expire(TimePoint now) noexcept {
    const auto first = std::ranges::min_element(deadlines_);
    if (*first == never || *first > now) return std::nullopt;
    *first = never;
    return static_cast<Timer>(first - deadlines_.begin());
  }

 private:
  static constexpr std::size_t index(Timer timer) noexcept { return static_cast<std::size_t>(timer); }
  std::array<TimePoint, static_cast<std::size_t>(Timer::Count)> deadlines_;
};

}  // namespace linnet
