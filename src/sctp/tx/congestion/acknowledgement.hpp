#pragma once

#include <cstddef>

#include "linnet/core/time.hpp"
#include "sctp/tx/ack_result.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// One SACK as the congestion control sees it.
struct Acknowledgement {
  TimePoint now{};
  AckResult result{};
  std::size_t in_flight_before = 0;
  std::size_t in_flight = 0;  ///< After it was handled.
  Tsn cumulative{};
  Tsn next_tsn{};
  Duration smoothed_rtt{};  ///< 0 before the first measurement.

  // Filled in by CongestionControl for the algorithm.
  Duration min_rtt{};           ///< Least ever seen; 0 before the first measurement.
  bool round_began = false;     ///< All that was in flight one round trip ago is acknowledged.
  bool window_limited = false;  ///< The window held something back in this round trip or the last.
  bool recovering = false;      ///< The window was reduced and what was in flight then is not yet acknowledged.
};

}  // namespace linnet::sctp
