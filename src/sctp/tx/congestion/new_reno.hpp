#pragma once

#include <cstddef>

#include "linnet/core/time.hpp"
#include "sctp/tx/congestion/acknowledgement.hpp"

namespace linnet::sctp {

/// The window of RFC 9260 section 7.2. Owned by CongestionControl, which knows when a recovery begins and ends.
class NewReno {
 public:
  NewReno(std::size_t mtu, std::size_t initial) noexcept : mtu_(mtu), initial_(initial), window_(initial) {}

  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  [[nodiscard]] std::size_t threshold() const noexcept { return threshold_; }
  [[nodiscard]] bool slow_start() const noexcept { return window_ <= threshold_; }

  void acknowledged(const Acknowledgement& ack) noexcept;
  /// The path is congested: a loss, or a mark (`ecn`).
  void congested(bool ecn) noexcept;
  /// `again`: nothing was acknowledged since the last time.
  void timed_out(bool again) noexcept;
  void undo() noexcept;
  /// Nothing was sent for this many retransmission timeouts (section 7.2.1).
  void idle(unsigned timeouts) noexcept;
  void set_mtu(std::size_t mtu) noexcept { mtu_ = mtu; }

 private:
  void halve() noexcept;
  std::size_t mtu_;
  std::size_t initial_;
  std::size_t window_;
  std::size_t threshold_ = static_cast<std::size_t>(-1);
  std::size_t partial_bytes_acked_ = 0;
  std::size_t window_before_ = 0;  // the last reduction; 0: nothing to take back
  std::size_t threshold_before_ = 0;
};

}  // namespace linnet::sctp
