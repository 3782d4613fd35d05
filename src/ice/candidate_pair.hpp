#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/strong.hpp"
#include "ice/candidate.hpp"
#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"

namespace linnet::ice {

using CandidateId = Strong<struct CandidateIdTag, std::uint32_t>;
using PairId = Strong<struct PairIdTag, std::uint32_t>;

/// RFC 8445 section 6.1.2.6; also W3C RTCStatsIceCandidatePairState.
enum class PairState : std::uint8_t { Frozen, Waiting, InProgress, Succeeded, Failed };
[[nodiscard]] std::string_view to_string(PairState state) noexcept;  ///< The W3C string ("in-progress").

/// W3C RTCIceCandidatePairStats. Packets and bytes are what the transport told of; STUN is in the other counters.
struct PairStatistics {
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  TimePoint last_packet_sent{};
  TimePoint last_packet_received{};
  std::uint64_t packets_discarded = 0;  ///< No socket took them; STUN, too.
  std::uint64_t bytes_discarded = 0;
  std::uint64_t requests_sent = 0;
  std::uint64_t requests_received = 0;
  std::uint64_t responses_sent = 0;
  std::uint64_t responses_received = 0;
  std::uint64_t consent_requests_sent = 0;
  Duration total_round_trip_time{};
  std::optional<Duration> current_round_trip_time{};
};

/// A local and a remote candidate whose path is, or was, checked. The local side is the base of a
/// candidate, as checks leave from there; a plain value of the check list.
struct CandidatePair {
  PairId id;
  CandidateId local;  ///< The base until the pair is valid, then what the peer sees (RFC 8445 section 7.2.5.3.2).
  CandidateId remote;
  Path path;
  std::uint32_t local_priority = 0;
  std::uint32_t remote_priority = 0;
  std::uint64_t priority = 0;
  std::uint32_t foundation = 0;  ///< Equal for pairs of equal foundations.
  PairState state = PairState::Frozen;
  bool valid = false;
  bool nominated = false;
  bool nominate_on_success = false;           ///< The peer has sent USE-CANDIDATE already.
  bool nominating = false;                    ///< We check it with USE-CANDIDATE.
  bool triggered = false;                     ///< It waits in the triggered-check queue.
  std::uint32_t our_nomination = 0;           ///< Which of our nominations it was last; 0: none.
  std::optional<std::uint32_t> nomination{};  ///< The highest value of the peer's NOMINATION.
  TimePoint heard{};                          ///< When the peer last sent a check on it; a lite one: an answer.
  PairStatistics statistics{};
};

}  // namespace linnet::ice
