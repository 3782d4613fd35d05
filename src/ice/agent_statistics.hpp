#pragma once

#include <cstdint>

namespace linnet::ice {

/// Counts of what the agent did not act upon.
struct AgentStatistics {
  std::uint64_t malformed = 0;           ///< Not STUN, or STUN that is no message.
  std::uint64_t unauthenticated = 0;     ///< Wrong or missing user name or integrity.
  std::uint64_t unexpected = 0;          ///< Responses to nothing, methods we do not serve, unknown sockets.
  std::uint64_t unknown_attributes = 0;  ///< Answered 420 or, as responses, dropped.
  std::uint64_t role_conflicts = 0;
  std::uint64_t limits_hit = 0;          ///< Candidates, pairs, checks or packets dropped because of a limit.
  std::uint64_t candidates_dropped = 0;  ///< The peer's, among `limits_hit`: there were too many, or too many names.
};

}  // namespace linnet::ice
