#include "sctp/tx/congestion/new_reno.hpp"

#include <algorithm>
#include <utility>

namespace linnet::sctp {

void NewReno::acknowledged(const Acknowledgement& ack) noexcept {
  const std::size_t acked = ack.result.bytes_acked;
  if (acked == 0 || !ack.result.cumulative_moved || ack.recovering) return;
  // A window that was not used says nothing about the path.
  if (!ack.window_limited) return;
  if (slow_start()) {
    // Deviation: section 7.2.1 adds at most one PMDCS for each SACK. Our peers and we acknowledge whole batches;
    // counting bytes (RFC 3465) keeps the doubling for each round trip that slow start means.
    window_ += std::min(acked, window_);
    return;
  }
  partial_bytes_acked_ += acked;
  while (partial_bytes_acked_ >= window_) {  // section 7.2.2
    partial_bytes_acked_ -= window_;
    window_ += mtu_;
  }
}

void NewReno::halve() noexcept {
  window_before_ = window_;
  threshold_before_ = threshold_;
  threshold_ = std::max(window_ / 2, 4 * mtu_);  // section 7.2.3
  partial_bytes_acked_ = 0;
}

void NewReno::congested(bool ecn) noexcept {
  halve();
  window_ = threshold_;
  if (ecn) window_before_ = 0;  // a mark is never a mistake
}

void NewReno::timed_out(bool again) noexcept {
  if (!again) halve();
  window_ = mtu_;
}

void NewReno::undo() noexcept {
  if (window_before_ == 0) return;
  window_ = std::max(window_, std::exchange(window_before_, 0));
  threshold_ = threshold_before_;
}

void NewReno::idle(unsigned timeouts) noexcept {
  const std::size_t least = std::min(initial_, window_);
  window_ = std::max(window_ >> std::min(timeouts, 31U), least);
}

}  // namespace linnet::sctp
