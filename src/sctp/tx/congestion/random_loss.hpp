#pragma once

#include <array>
#include <cstddef>

#include "linnet/core/time.hpp"
#include "sctp/tx/congestion/acknowledgement.hpp"
#include "sctp/tx/congestion/round_trip_range.hpp"

namespace linnet::sctp {

/// Tells loss by congestion from loss by accident (a radio, a bad cable): the latter is rare, and the queue is not full
/// when it happens, however short that queue is. Owned by Cubic. See docs/decisions/004-congestion-control.md.
class RandomLoss {
 public:
  void acknowledged(const Acknowledgement& ack) noexcept;
  void lost(Losses lost, std::size_t mtu) noexcept;
  /// The window was reduced: what was lost until now is made good, and the queue goes. Neither tells anything about the
  /// next loss.
  void answered(TimePoint now) noexcept;
  /// Which part of the round trip is the path itself, the rest being its queue; 0 when nothing is known, too much is
  /// lost for an accident or the queue is full.
  [[nodiscard]] double path_share() const noexcept;
  /// Of what was sent no more than 2 % was lost, round trips are nearly as short as they ever were lately, and those
  /// next to the loss are far from the longest, which are taken for a full queue's. False where none was seen to be
  /// long.
  [[nodiscard]] bool likely() const noexcept;
  /// Slow start has HyStart++ to look for the queue, and a small window has no two per cent: rare losses, or a few
  /// packets where there is no queue.
  [[nodiscard]] bool likely_in_slow_start(std::size_t mtu) const noexcept;

 private:
  [[nodiscard]] bool rare() const noexcept;
  [[nodiscard]] bool no_queue() const noexcept;
  [[nodiscard]] bool overflow() const noexcept;
  [[nodiscard]] Duration threshold() const noexcept;
  [[nodiscard]] Duration round_trip() const noexcept;
  struct Round {
    std::size_t acked = 0;
    std::size_t lost = 0;
    std::size_t accidents = 0;  // the same, but for no more than one packet of each run
    Duration rtt = Duration::max();
  };
  Round this_round_;
  Round last_round_;
  RoundTripRange range_;
  std::array<Duration, 8> recent_{};  // round trips, of what was sent just before and after a loss when that is found
  std::size_t next_ = 0;
  TimePoint answered_at_{};
};

}  // namespace linnet::sctp
