#pragma once

#include <cstddef>
#include <optional>

#include "linnet/core/time.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// RACK (RFC 8985 section 6) on TSNs: what was sent some time before something that arrived is lost. Owned by
/// OutstandingData, which tells it what arrived and asks what that means for the rest. Knows no fragment, no timer.
class Rack {
 public:
  /// For each fragment newly acknowledged, in the order of TSNs. `again`: which of its transmissions arrived is not
  /// known. `minimum` is the shortest round trip that was measured.
  void acknowledged(TimePoint now, TimePoint sent_at, Tsn tsn, bool again, Duration minimum) noexcept;
  /// A retransmission proved needless (a DSACK is what TCP calls it), and `reordered` says it was not T3-rtx's. The
  /// window grows once in each round trip.
  void needless(Tsn cumulative, Tsn next, bool reordered) noexcept;
  /// What arrived last proved to be something else: begins again, but for what was learnt about reordering.
  void restart() noexcept { any_ = false; }
  /// A recovery ended.
  void recovered() noexcept;

  /// How much later than in order a fragment may arrive. `packets_reported` arrived above a gap.
  [[nodiscard]] Duration window(Duration minimum, Duration smoothed, std::size_t packets_reported,
                                bool recovering) const noexcept;
  /// Whether what was sent then was sent before the newest that arrived.
  [[nodiscard]] bool is_passed(TimePoint sent_at, Tsn tsn) const noexcept {
    return any_ && (sent_at < newest_at_ || (sent_at == newest_at_ && tsn < newest_));
  }
  /// When something that was passed counts as lost.
  [[nodiscard]] TimePoint lost_at(TimePoint sent_at, Duration window) const noexcept {
    return sent_at + round_trip_ + window;
  }
  /// When everything that was passed does.
  [[nodiscard]] TimePoint all_lost_at(Duration window) const noexcept { return lost_at(newest_at_, window); }
  [[nodiscard]] bool reordering_seen() const noexcept { return reordering_seen_; }

 private:
  TimePoint newest_at_{};  // RACK.xmit_ts
  Tsn newest_;             // RACK.end_seq
  Tsn highest_;            // RACK.fack
  Duration round_trip_{};  // RACK.rtt
  bool any_ = false;
  bool reordering_seen_ = false;
  std::optional<Tsn> round_{};  // RACK.dsack_round
  unsigned quarters_ = 1;       // RACK.reo_wnd_mult
  unsigned persist_ = 0;        // RACK.reo_wnd_persist
};

}  // namespace linnet::sctp
