#pragma once

#include <cstddef>
#include <optional>
#include <variant>

#include "linnet/core/time.hpp"
#include "linnet/tuning.hpp"
#include "sctp/tx/congestion/acknowledgement.hpp"
#include "sctp/tx/congestion/bbr.hpp"
#include "sctp/tx/congestion/cubic.hpp"
#include "sctp/tx/congestion/new_reno.hpp"
#include "sctp/tx/congestion/pacer.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// How much may be in flight on the one path, and when the next of it may leave (RFC 9260 section 7.2). Knows rounds
/// and recoveries; how far the window moves is its algorithm's business. Owned by the association's core, which
/// tells it what was sent, acknowledged and lost. Starts no timer and sends nothing.
class CongestionControl {
 public:
  struct Options {
    CongestionAlgorithm algorithm = CongestionAlgorithm::Cubic;
    std::size_t mtu = 0;
    /// Deviation: RFC 9260 section 7.2.1 begins with at most 4380 bytes; RFC 6928 made ten packets usual.
    unsigned initial_packets = 10;
    bool pacing = true;
    bool tolerate_random_loss = true;  ///< CUBIC only; see RandomLoss.
  };
  explicit CongestionControl(const Options& options) noexcept;

  [[nodiscard]] std::size_t window() const noexcept;
  [[nodiscard]] std::size_t threshold() const noexcept;
  [[nodiscard]] bool slow_start() const noexcept;
  /// What was in flight when fragments were found lost is not yet acknowledged.
  [[nodiscard]] bool in_fast_recovery() const noexcept { return exit_.has_value(); }
  /// When the next packet may leave, window permitting; what is not after `now` means at once.
  [[nodiscard]] TimePoint next_send(TimePoint now) noexcept { return pacer_.next_send(now); }
  /// Bytes a second; 0 while nothing is paced.
  [[nodiscard]] double pacing_rate() const noexcept { return pacer_.rate(); }
  [[nodiscard]] Duration min_rtt() const noexcept { return min_rtt_; }

  /// `bytes` left, `in_flight` with them.
  void sent(TimePoint now, std::size_t bytes, std::size_t in_flight) noexcept;
  /// Takes the losses of the SACK too; true when a fast recovery begins.
  [[nodiscard]] bool acknowledged(Acknowledgement ack) noexcept;
  /// Fragments were found lost, by a timer or by a SACK; true when this begins a fast recovery, which ends once
  /// `highest` is acknowledged.
  bool lost(TimePoint now, Losses lost, Tsn highest) noexcept;
  /// T3-rtx expired.
  void timed_out(TimePoint now) noexcept;
  /// A router marked a packet instead of dropping it; `highest` is in flight.
  void ecn_echo(TimePoint now, Tsn highest) noexcept;
  /// The last reduction was a mistake: everything retransmitted had arrived the first time.
  void undo(TimePoint now) noexcept;
  /// Nothing was sent for this many retransmission timeouts (section 7.2.1).
  void idle(unsigned timeouts) noexcept;
  void set_mtu(std::size_t mtu) noexcept;
  /// Everything takes another path from now on, of which nothing is known: RFC 9260 section 7.2 keeps a window for each
  /// destination. What was sent before, up to `highest` if it is not acknowledged yet, says nothing about it.
  void path_changed(TimePoint now, std::optional<Tsn> highest) noexcept;

 private:
  using Algorithm = std::variant<NewReno, Cubic, Bbr>;
  [[nodiscard]] static Algorithm make(const Options& options) noexcept;
  void pace(TimePoint now, Duration smoothed_rtt) noexcept;

  Options options_;
  Algorithm algorithm_;
  Pacer pacer_;
  Duration min_rtt_{};
  Duration smoothed_rtt_{};
  TimePoint quiet_until_{};  // losses until then belong to the last timeout
  std::optional<Tsn> exit_;
  bool reduced_ = false;         // the recovery under way began with a smaller window
  std::optional<Tsn> answered_;  // slow start ended by itself with a smaller window; what was in flight then
  std::optional<Tsn> round_end_;
  TimePoint round_began_at_{};
  bool limited_ = false;       // the window was used up in this round
  bool limited_last_ = false;  // and in the one before
  bool timed_out_ = false;     // and nothing was acknowledged since
  TimePoint path_since_{};
  bool moved_ = false;  // the recovery under way is what the last path leaves
};

}  // namespace linnet::sctp
