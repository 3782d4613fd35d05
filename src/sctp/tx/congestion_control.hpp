#pragma once

#include <cstddef>
#include <optional>

#include "sctp/types.hpp"

namespace linnet::sctp {

/// cwnd and ssthresh of the one path (RFC 9260 section 7.2). Owned by the association's core.
class CongestionControl {
 public:
  /// Deviation: RFC 9260 section 7.2.1 begins with at most 4380 bytes; RFC 6928 made ten packets usual.
  CongestionControl(std::size_t mtu, unsigned initial_packets) noexcept
      : mtu_(mtu), initial_(mtu * initial_packets), window_(initial_) {}

  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  [[nodiscard]] std::size_t threshold() const noexcept { return threshold_; }
  [[nodiscard]] bool slow_start() const noexcept { return window_ <= threshold_; }
  [[nodiscard]] bool in_fast_recovery() const noexcept { return exit_.has_value(); }

  /// `acked` bytes were newly acknowledged while `flight_before` were in flight.
  void acknowledged(Tsn cumulative, bool cumulative_moved, std::size_t acked, std::size_t flight_before) noexcept;
  /// Fragments were found lost; true when this begins a fast recovery, which ends once `highest` is acknowledged.
  bool lost(Tsn highest) noexcept;
  void timed_out() noexcept;
  /// Nothing was sent for a retransmission timeout (section 7.2.1).
  void idle() noexcept;
  void set_mtu(std::size_t mtu) noexcept { mtu_ = mtu; }

 private:
  void halve() noexcept;
  std::size_t mtu_;
  std::size_t initial_;
  std::size_t window_;
  std::size_t threshold_ = static_cast<std::size_t>(-1);
  std::size_t partial_bytes_acked_ = 0;
  std::optional<Tsn> exit_;
};

}  // namespace linnet::sctp
