#pragma once

#include "linnet/core/time.hpp"

namespace linnet::io {

/// The one place where linnet reads the monotonic clock.
struct SteadyClock {
  [[nodiscard]] static TimePoint now() noexcept {
    return TimePoint{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
  }
  /// For timers of the platform; `never` stays far in the future.
  [[nodiscard]] static std::chrono::steady_clock::time_point to_std(TimePoint when) noexcept {
    return std::chrono::steady_clock::time_point{
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(when.time_since_epoch())};
  }
};

}  // namespace linnet::io
