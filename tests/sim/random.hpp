#pragma once

#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"

namespace linnet::sim {

/// When a simulated run begins. Far from zero, so that a test may also hand out earlier instants.
inline constexpr TimePoint start = TimePoint{} + std::chrono::hours{1};

/// True with probability `p`. Takes nothing from the generator when the answer is certain.
[[nodiscard]] inline bool chance(Generator& generator, double p) {
  if (p <= 0) return false;
  if (p >= 1) return true;
  return static_cast<double>(generator.next_u32()) < p * 4'294'967'296.0;
}

/// Uniform in [0, bound].
[[nodiscard]] inline Duration up_to(Generator& generator, Duration bound) {
  if (bound <= Duration::zero()) return Duration::zero();
  return Duration{static_cast<Duration::rep>(generator.below(static_cast<std::uint64_t>(bound.count()) + 1))};
}

/// Uniform in [low, high].
[[nodiscard]] inline std::size_t between(Generator& generator, std::size_t low, std::size_t high) {
  return low + static_cast<std::size_t>(generator.below(high - low + 1));
}

}  // namespace linnet::sim
