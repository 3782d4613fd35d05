#include <algorithm>
#include <chrono>
#include <utility>

#include "sctp/association/core.hpp"

namespace linnet::sctp {
namespace {

/// What RFC 8985 section 7.2 calls the worst-case delayed-ACK time; RFC 9260 section 6.2 recommends this delay.
constexpr Duration peer_delay = std::chrono::milliseconds(200);
/// A peer, or we, may be off the processor for a while.
constexpr Duration probe_min = std::chrono::milliseconds(10);
/// Of the reordering timer; without a SACK there is no hurry.
constexpr Duration timer_grain = std::chrono::milliseconds(1);
constexpr unsigned black_hole_timeouts = 2;

}  // namespace

/// RFC 9260 section 6.2: a lone packet may be acknowledged late, unless the SACK was asked for.
bool Core::peer_may_wait() const noexcept {
  return !tcb_->ack_asked && tcb_->outstanding.in_flight() <= path_mtu_.current();
}

/// For T3-rtx. The peer's delay is no part of the RTO, which so may be shorter than it.
Duration Core::retransmission_delay() const noexcept {
  return peer_may_wait() ? std::max(rto_.value(), 2 * rto_.smoothed() + peer_delay) : rto_.value();
}

void Core::arm_recovery_timers() {
  const OutstandingData& outstanding = tcb_->outstanding;
  const TimePoint lost_at = outstanding.reordering_deadline();
  if (lost_at == never)
    timers_.stop(Timer::Reordering);
  else
    timers_.set(Timer::Reordering, std::max(lost_at, now_ + timer_grain));
  // RFC 8985 section 7.2. Deviation: probes a recovery, too. A lost retransmission at its end would be found by T3-rtx
  // only. Unlike that section it waits no longer than T3-rtx, but lets that one wait for a lone packet.
  if (!outstanding.may_probe() || rto_.smoothed() == Duration::zero() || !timers_.armed(Timer::Retransmission))
    return timers_.stop(Timer::Probe);
  const Duration delay = std::max(2 * rto_.smoothed(), probe_min) + (peer_may_wait() ? peer_delay : Duration::zero());
  timers_.set(Timer::Probe, std::min(now_ + delay, timers_.get(Timer::Retransmission)));
}

void Core::reordering_timed_out() {
  Tcb& t = *tcb_;
  const Losses lost = t.outstanding.find_lost(now_);
  if (trace_) trace_->lost(lost.bytes, "reordering_timer");
  if (lost.bytes != 0 && t.congestion.lost(now_, lost, t.outstanding.highest())) {
    t.fast_retransmit = true;
    ++statistics_.fast_recoveries;
  }
  arm_recovery_timers();
}

/// RFC 8985 section 7.3. Deviation: what was sent last goes out again even when there is something new; the peer tells
/// of it when that was needless.
void Core::probe_timed_out() {
  Tcb& t = *tcb_;
  if (!t.outstanding.may_probe() || !t.outstanding.probe(now_)) return;
  if (trace_) trace_->expired("tail_probe", 2 * rto_.smoothed(), errors_);
  t.fast_retransmit = true;
  ++statistics_.tail_probes;
  timers_.set(Timer::Retransmission, now_ + rto_.value());
}

// RFC 9260 section 6.3.3.
void Core::retransmission_timed_out() {
  Tcb& t = *tcb_;
  if (t.outstanding.empty()) {
    t.probe = true;
    return;
  }
  ++statistics_.timeouts;
  if (trace_) trace_->expired("t3_rtx", rto_.value(), errors_ + 1);
  if (!count_error()) return;
  rto_.back_off();
  // RFC 8899 section 4.3: several in a row look like a path that lost its MTU, and the base size works there too.
  if (errors_ >= black_hole_timeouts) {
    path_mtu_.black_hole(now_);
    path_mtu_found();
  }
  t.congestion.timed_out(now_);
  const std::size_t flight = t.outstanding.in_flight();
  t.outstanding.timed_out();
  if (trace_) trace_->lost(flight - t.outstanding.in_flight(), "t3_rtx");
  t.fast_retransmit = t.outstanding.has_lost();
  t.forward_due = t.outstanding.wants_forward();
  timers_.set(Timer::Retransmission, now_ + rto_.value());
  arm_recovery_timers();
}

/// What is in flight may be lost with the path before, and stands in the way of the small window that this one begins
/// with. Where nothing was heard lately it is lost; else a probe on this path asks, without waiting for a timer that
/// knows nothing of it or has backed off to seconds.
void Core::resume() {
  if (!tcb_ || !timers_.armed(Timer::Retransmission)) return;
  OutstandingData& outstanding = tcb_->outstanding;
  if (std::exchange(errors_, 0) != 0) outstanding.timed_out();
  const bool probes = outstanding.may_probe() && outstanding.probe(now_);
  if (probes) ++statistics_.tail_probes;
  tcb_->fast_retransmit = probes || outstanding.has_lost();
  timers_.set(Timer::Retransmission, now_ + rto_.value());
  arm_recovery_timers();
}

}  // namespace linnet::sctp
