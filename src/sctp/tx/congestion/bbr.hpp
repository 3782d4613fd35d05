#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "linnet/core/time.hpp"
#include "sctp/tx/congestion/acknowledgement.hpp"

namespace linnet::sctp {

/// BBR (draft-ietf-ccwg-bbr): measures what the path delivers and how long it takes when it is empty, and keeps just
/// that much in flight, instead of filling the queue until it drops. Owned by CongestionControl; needs pacing.
/// Deviation: no packet conservation while recovering and no estimate of aggregated acknowledgements; what counts as
/// too much loss depends on whether there is a queue (see `too_lossy`).
class Bbr {
 public:
  enum class State : std::uint8_t { Startup, Drain, Down, Cruise, Refill, Up, ProbeRtt };

  Bbr(std::size_t mtu, std::size_t initial) noexcept;

  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  [[nodiscard]] std::size_t threshold() const noexcept { return static_cast<std::size_t>(-1); }
  [[nodiscard]] bool slow_start() const noexcept { return state_ == State::Startup; }
  [[nodiscard]] State state() const noexcept { return state_; }
  /// Bytes a second; 0 before the first measurement.
  [[nodiscard]] double pacing_rate() const noexcept { return pacing_rate_; }
  /// Bytes a second that the path can deliver, as far as is known.
  [[nodiscard]] double bandwidth() const noexcept;
  [[nodiscard]] Duration min_rtt() const noexcept { return min_rtt_; }

  void acknowledged(const Acknowledgement& ack) noexcept;
  void lost(Losses lost) noexcept;
  void congested(bool ecn) noexcept;
  void timed_out(bool again) noexcept;
  void undo() noexcept;
  void idle(unsigned timeouts) noexcept;
  void set_mtu(std::size_t mtu) noexcept { mtu_ = mtu; }

 private:
  struct Gains {
    double pacing;
    double window;
  };
  [[nodiscard]] Gains gains() const noexcept;
  [[nodiscard]] double bandwidth_delay(double gain) const noexcept;
  [[nodiscard]] bool probing() const noexcept;
  [[nodiscard]] bool too_lossy() const noexcept;
  void begin_round(const Acknowledgement& ack) noexcept;
  void update_bandwidth(const RateSample& rate) noexcept;
  void update_min_rtt(const Acknowledgement& ack) noexcept;
  void check_full_pipe() noexcept;
  void adapt_to_loss() noexcept;
  void update_state(const Acknowledgement& ack) noexcept;
  void probe_rtt(const Acknowledgement& ack) noexcept;
  void go(State state, TimePoint now) noexcept;
  void set_pacing_rate() noexcept;
  void set_window(const Acknowledgement& ack) noexcept;

  std::size_t mtu_;
  std::size_t initial_;
  std::size_t window_;
  std::size_t window_before_ = 0;  // a timeout or a probe of the round trip
  double pacing_rate_ = 0;
  State state_ = State::Startup;
  TimePoint state_since_{};
  std::uint64_t rounds_in_state_ = 0;

  // The path.
  std::array<double, 2> max_bandwidth_{};  // of this cycle of probing and of the last
  Duration min_rtt_{};
  TimePoint min_rtt_at_{};
  Duration probe_min_rtt_{};
  TimePoint probe_min_rtt_at_{};

  // Rounds.
  std::uint64_t delivered_ = 0;
  std::uint64_t round_end_ = 0;
  bool round_began_ = false;
  struct Round {
    std::size_t acked = 0;
    std::size_t lost = 0;
    std::size_t runs = 0;  // of them
    Duration rtt = Duration::max();
    double bandwidth = 0;
    std::size_t in_flight = 0;
    bool app_limited = false;
  };
  Round round_;
  Round last_round_;

  // Whether the pipe is full.
  double full_bandwidth_ = 0;
  unsigned full_count_ = 0;
  bool full_now_ = false;      // no growth since the last reset
  bool full_reached_ = false;  // startup is over

  // Bounds that loss drew: until the next probe, and until a probe finds better.
  std::optional<double> bandwidth_low_{};
  std::optional<double> in_flight_high_{};
  unsigned cycles_ = 0;
  std::optional<TimePoint> probe_rtt_done_{};
};

}  // namespace linnet::sctp
