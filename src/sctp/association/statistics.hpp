#pragma once

#include <cstddef>
#include <cstdint>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// Counters since the association was made.
struct Statistics {
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;      ///< SCTP packets, headers included.
  std::uint64_t bytes_received = 0;  ///< SCTP packets, headers included.
  std::uint64_t messages_sent = 0;   ///< Messages whose last fragment was put on the wire.
  std::uint64_t messages_received = 0;
  std::uint64_t payload_bytes_sent = 0;  ///< User bytes put on the wire the first time.
  std::uint64_t payload_bytes_received = 0;
  std::uint64_t chunks_retransmitted = 0;
  std::uint64_t fast_recoveries = 0;
  std::uint64_t timeouts = 0;             ///< Expiries of T3-rtx.
  std::uint64_t tail_probes = 0;          ///< Fragments sent again before T3-rtx to draw a SACK (RFC 8985).
  std::uint64_t spurious_recoveries = 0;  ///< Nothing had been lost.
  std::uint64_t messages_abandoned = 0;
  std::uint64_t packets_dropped = 0;  ///< Received but malformed, with a bad checksum or a wrong tag.
  std::uint64_t duplicates_received = 0;
  std::size_t congestion_window = 0;
  std::size_t slow_start_threshold = 0;
  double pacing_rate = 0;  ///< Bytes a second; 0 while nothing is paced.
  std::size_t peer_receive_window = 0;
  std::size_t receive_window = 0;  ///< What we would advertise now.
  std::size_t bytes_in_flight = 0;
  std::size_t unacked_chunks = 0;       ///< W3C: RTCSctpTransportStats.unackData
  Duration smoothed_round_trip_time{};  ///< 0 before the first measurement.
  Duration retransmission_timeout{};
  std::size_t mtu = 0;
};

}  // namespace linnet::sctp
