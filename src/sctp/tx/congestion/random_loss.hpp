#pragma once

#include <cstddef>

#include "linnet/core/time.hpp"
#include "sctp/tx/congestion/acknowledgement.hpp"

namespace linnet::sctp {

/// Tells loss by congestion from loss by accident (a radio, a bad cable): the latter comes without a queue and is
/// rare. Owned by Cubic. See docs/decisions/004-congestion-control.md.
class RandomLoss {
 public:
  void acknowledged(const Acknowledgement& ack) noexcept;
  void lost(std::size_t bytes) noexcept { this_round_.lost += bytes; }
  /// The window was reduced: what was lost until now is made good and tells nothing about the next loss.
  void answered() noexcept { this_round_.lost = last_round_.lost = 0; }
  /// Which part of the round trip is the path itself, the rest being its queue; 0 when nothing is known or
  /// too much is lost for an accident.
  [[nodiscard]] double path_share() const noexcept;
  /// Round trips are as short as they ever were, and of what was sent no more than 2 % was lost.
  [[nodiscard]] bool likely() const noexcept;

 private:
  [[nodiscard]] bool rare() const noexcept;
  [[nodiscard]] Duration round_trip() const noexcept;
  struct Round {
    std::size_t acked = 0;
    std::size_t lost = 0;
    Duration rtt = Duration::max();
  };
  Round this_round_;
  Round last_round_;
  Duration least_ = Duration::max();
};

}  // namespace linnet::sctp
