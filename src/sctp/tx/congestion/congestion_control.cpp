#include "sctp/tx/congestion/congestion_control.hpp"

#include <algorithm>
#include <utility>

namespace linnet::sctp {

CongestionControl::CongestionControl(CongestionAlgorithm /*algorithm*/, std::size_t mtu,
                                     unsigned initial_packets) noexcept
    : algorithm_(NewReno(mtu, mtu * initial_packets)), mtu_(mtu) {}

std::size_t CongestionControl::window() const noexcept {
  return std::visit([](const auto& a) { return a.window(); }, algorithm_);
}

std::size_t CongestionControl::threshold() const noexcept {
  return std::visit([](const auto& a) { return a.threshold(); }, algorithm_);
}

bool CongestionControl::slow_start() const noexcept {
  return std::visit([](const auto& a) { return a.slow_start(); }, algorithm_);
}

void CongestionControl::sent(TimePoint /*now*/, std::size_t /*bytes*/, std::size_t in_flight) noexcept {
  // RFC 9002 section 7.8, RFC 7661: a window grows only when it is what limits. In slow start half of it will do:
  // it doubles before the acknowledgements of the other half are back.
  const std::size_t room = slow_start() ? window() / 2 : 2 * mtu_;
  if (in_flight + room > window()) limited_ = true;
}

bool CongestionControl::acknowledged(Acknowledgement ack) noexcept {
  const AckResult& result = ack.result;
  if (result.spurious) undo(ack.now);
  if (result.rtt) min_rtt_ = min_rtt_ == Duration::zero() ? *result.rtt : std::min(min_rtt_, *result.rtt);
  if (result.bytes_acked != 0) timed_out_ = false;
  if (exit_ && ack.cumulative >= *exit_) exit_.reset();
  ack.round_began = !round_end_ || ack.cumulative >= *round_end_;
  if (ack.round_began) {
    round_end_ = ack.next_tsn;
    limited_last_ = std::exchange(limited_, false);
  }
  ack.window_limited = limited_ || limited_last_;
  ack.recovering = exit_.has_value();
  ack.min_rtt = min_rtt_;
  std::visit([&](auto& a) { a.acknowledged(ack); }, algorithm_);
  return result.bytes_lost != 0 && lost(ack.now, result.bytes_lost, ack.in_flight, ack.next_tsn - 1U);
}

bool CongestionControl::lost(TimePoint /*now*/, std::size_t /*bytes*/, std::size_t /*in_flight*/,
                             Tsn highest) noexcept {
  if (exit_) return false;
  std::visit([](auto& a) { a.congested(false); }, algorithm_);
  exit_ = highest;
  return true;
}

void CongestionControl::timed_out(TimePoint /*now*/) noexcept {
  // RFC 5681 section 4.3: ssthresh stays when a retransmission is what timed out.
  const bool again = std::exchange(timed_out_, true);
  std::visit([&](auto& a) { a.timed_out(again); }, algorithm_);
  exit_.reset();
}

void CongestionControl::undo(TimePoint /*now*/) noexcept {
  std::visit([](auto& a) { a.undo(); }, algorithm_);
  exit_.reset();
}

void CongestionControl::idle(unsigned timeouts) noexcept {
  std::visit([&](auto& a) { a.idle(timeouts); }, algorithm_);
}

void CongestionControl::set_mtu(std::size_t mtu) noexcept {
  mtu_ = mtu;
  std::visit([&](auto& a) { a.set_mtu(mtu); }, algorithm_);
}

}  // namespace linnet::sctp
