#include "sctp/tx/congestion_control.hpp"

#include <algorithm>

namespace linnet::sctp {

void CongestionControl::acknowledged(Tsn cumulative, bool cumulative_moved, std::size_t acked,
                                     std::size_t flight_before) noexcept {
  if (exit_ && cumulative >= *exit_) exit_.reset();
  if (acked == 0 || !cumulative_moved || exit_) return;
  // A window that was not used says nothing about the path.
  const bool used = flight_before + 2 * mtu_ > window_;
  if (slow_start()) {
    // Deviation: section 7.2.1 adds at most one PMDCS for each SACK. Our peers and we acknowledge whole batches;
    // counting bytes (RFC 3465) keeps the doubling for each round trip that slow start means.
    if (flight_before >= window_ / 2) window_ += std::min(acked, window_);
    return;
  }
  partial_bytes_acked_ += acked;
  while (partial_bytes_acked_ >= window_ && used) {  // section 7.2.2
    partial_bytes_acked_ -= window_;
    window_ += mtu_;
  }
  partial_bytes_acked_ = std::min(partial_bytes_acked_, window_);
}

void CongestionControl::halve() noexcept {
  threshold_ = std::max(window_ / 2, 4 * mtu_);  // section 7.2.3
  partial_bytes_acked_ = 0;
}

bool CongestionControl::lost(Tsn highest) noexcept {
  if (exit_) return false;
  halve();
  window_ = threshold_;
  exit_ = highest;
  return true;
}

void CongestionControl::timed_out() noexcept {
  halve();
  window_ = mtu_;
  exit_.reset();
}

void CongestionControl::idle() noexcept { window_ = std::max(window_ / 2, std::min(initial_, window_)); }

}  // namespace linnet::sctp
