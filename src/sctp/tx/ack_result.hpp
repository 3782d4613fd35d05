#pragma once

#include <cstddef>
#include <optional>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// How fast the path delivered, seen over the round trip of one fragment
/// (draft-cheng-iccrg-delivery-rate-estimation).
struct RateSample {
  std::size_t delivered = 0;  ///< Bytes delivered within `interval`, chunk headers included.
  Duration interval{};        ///< The longer of the time in which they were sent and that in which they were acked.
  std::size_t prior_delivered = 0;    ///< Bytes ever delivered when the newest acked fragment was sent.
  std::size_t in_flight_at_send = 0;  ///< Bytes in flight just after that fragment was sent.
  bool app_limited = false;           ///< There was less to send than the path would have taken.
};

/// Fragments found lost.
struct Losses {
  std::size_t bytes = 0;  ///< With chunk headers, as `in_flight()` counts.
  std::size_t runs = 0;   ///< Each of TSNs in a row: what one fading of a radio takes, or one overflow.

  Losses& operator+=(Losses other) noexcept {
    bytes += other.bytes;
    runs += other.runs;
    return *this;
  }
};

/// What a SACK (or the cumulative TSN of a SHUTDOWN) changed. Written by OutstandingData; read by the association's
/// core and by the congestion control.
struct AckResult {
  bool valid = false;  ///< false: older than the last one, or about TSNs that were never sent
  bool cumulative_moved = false;
  std::size_t bytes_acked = 0;       ///< Newly acknowledged, with chunk headers, as `in_flight()` counts.
  Losses lost{};                     ///< Newly found lost.
  std::optional<Duration> rtt{};     ///< Of the newest fragment acknowledged that was sent once (Karn).
  std::optional<RateSample> rate{};  ///< Nothing when no fragment was newly acknowledged.
  /// Everything that was retransmitted in this episode of recovery had arrived the first time: what was done to the
  /// congestion window at its beginning may be undone.
  bool spurious = false;
};

}  // namespace linnet::sctp
