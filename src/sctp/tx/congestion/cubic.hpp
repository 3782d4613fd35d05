#pragma once

#include <cstddef>
#include <optional>

#include "linnet/core/time.hpp"
#include "sctp/tx/congestion/acknowledgement.hpp"
#include "sctp/tx/congestion/hystart.hpp"
#include "sctp/tx/congestion/random_loss.hpp"

namespace linnet::sctp {

/// CUBIC (RFC 9438): the window is a cubic function of the time since the last congestion, flat around the size that
/// was too large then. Slow start ends with HyStart++. Owned by CongestionControl.
class Cubic {
 public:
  /// `tolerant`: accidental loss (RandomLoss) does not count as congestion.
  Cubic(std::size_t mtu, std::size_t initial, bool tolerant) noexcept;

  [[nodiscard]] std::size_t window() const noexcept { return static_cast<std::size_t>(now_.window); }
  [[nodiscard]] std::size_t threshold() const noexcept { return now_.threshold; }
  [[nodiscard]] bool slow_start() const noexcept { return window() < threshold(); }

  void acknowledged(const Acknowledgement& ack) noexcept;
  /// True when the loss is none of congestion's.
  [[nodiscard]] bool forgives(Losses lost) noexcept;
  void congested(bool ecn) noexcept;
  void timed_out(bool again) noexcept;
  void undo() noexcept;
  void idle(unsigned timeouts) noexcept;
  void set_mtu(std::size_t mtu) noexcept { mtu_ = mtu; }

  /// Section 4.2, Figure 1: W_cubic(t) in segments, for a window that was `w_max` and begins at `epoch_window`.
  [[nodiscard]] static double window_at(double seconds, double w_max, double epoch_window) noexcept;

 private:
  /// What `undo` restores (section 4.9).
  struct State {
    double window = 0;  // bytes
    std::size_t threshold = static_cast<std::size_t>(-1);
    double w_max = 0;       // bytes; 0: none, the epoch begins on the plateau
    double cwnd_prior = 0;  // bytes, before the last reduction
    std::optional<TimePoint> epoch{};
    double cwnd_epoch = 0;
    double w_est = 0;
  };
  void begin_epoch(TimePoint now) noexcept;
  void grow(const Acknowledgement& ack) noexcept;
  void reduce(double factor) noexcept;
  void slow_start_grows(const Acknowledgement& ack) noexcept;
  [[nodiscard]] bool path_is_full(bool round_began) noexcept;

  std::size_t mtu_;
  std::size_t initial_;
  bool tolerant_;
  State now_;
  std::optional<State> before_;
  std::optional<TimePoint> last_ack_;
  double rate_ = 0;           // bytes a second, the most that was delivered in slow start
  double delivered_ = 0;      // bytes that got through in a round trip, lately
  double full_rate_ = 0;      // the last rate that was a quarter above the one before
  unsigned full_rounds_ = 0;  // since
  HyStart hystart_;
  RandomLoss random_;
};

}  // namespace linnet::sctp
