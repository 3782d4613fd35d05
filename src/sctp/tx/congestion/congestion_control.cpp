#include "sctp/tx/congestion/congestion_control.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace linnet::sctp {

namespace {

/// RFC 9002 section 7.7: a bit faster than the window a round trip, so that pacing is not what limits; in slow start
/// as fast as the window is about to become.
constexpr double pacing_gain = 1.25;
constexpr double slow_start_gain = 2;
/// A path this short is a machine's own or a cable's: its queue is smaller than a timer is exact.
constexpr Duration too_short_to_pace = std::chrono::milliseconds{1};

}  // namespace

CongestionControl::Algorithm CongestionControl::make(const Options& options) noexcept {
  const std::size_t initial = options.mtu * options.initial_packets;
  switch (options.algorithm) {
    case CongestionAlgorithm::NewReno: return NewReno(options.mtu, initial);
    case CongestionAlgorithm::Bbr: return Bbr(options.mtu, initial);
    case CongestionAlgorithm::Cubic: break;
  }
  return Cubic(options.mtu, initial, options.tolerate_random_loss);
}

CongestionControl::CongestionControl(const Options& options) noexcept
    : options_(options), algorithm_(make(options)), pacer_(options.mtu) {}

std::size_t CongestionControl::window() const noexcept {
  return std::visit([](const auto& a) { return a.window(); }, algorithm_);
}

std::size_t CongestionControl::threshold() const noexcept {
  return std::visit([](const auto& a) { return a.threshold(); }, algorithm_);
}

bool CongestionControl::slow_start() const noexcept {
  return std::visit([](const auto& a) { return a.slow_start(); }, algorithm_);
}

void CongestionControl::sent(TimePoint now, std::size_t bytes, std::size_t in_flight) noexcept {
  pacer_.sent(now, bytes);
  // RFC 9002 section 7.8, RFC 7661: a window grows only when it is what limits. In slow start half of it will do:
  // it doubles before the acknowledgements of the other half are back.
  const std::size_t room = slow_start() ? window() / 2 : 2 * options_.mtu;
  if (in_flight + room > window()) limited_ = true;
}

bool CongestionControl::acknowledged(Acknowledgement ack) noexcept {
  if (ack.result.rtt && ack.now - *ack.result.rtt < path_since_) {
    ack.result.rtt.reset();
    ack.result.rate.reset();
  }
  const AckResult& result = ack.result;
  if (result.spurious) undo(ack.now);
  if (result.rtt) min_rtt_ = min_rtt_ == Duration::zero() ? *result.rtt : std::min(min_rtt_, *result.rtt);
  if (result.bytes_acked != 0) timed_out_ = false;
  if (exit_ && ack.cumulative >= *exit_) {
    exit_.reset();
    moved_ = false;
  }
  // A hole holds the cumulative TSN up; what arrives behind it measures the round trip all the same.
  const bool newer = result.rtt && ack.now - *result.rtt >= round_began_at_;
  ack.round_began = !round_end_ || newer || ack.cumulative >= *round_end_;
  if (ack.round_began) {
    round_end_ = ack.next_tsn;
    round_began_at_ = ack.now;
    limited_last_ = std::exchange(limited_, false);
  }
  ack.window_limited = limited_ || limited_last_;
  ack.recovering = exit_ && reduced_;
  ack.min_rtt = min_rtt_;
  smoothed_rtt_ = ack.smoothed_rtt;
  if (answered_ && ack.cumulative >= *answered_) answered_.reset();
  const std::size_t before = window();
  std::visit([&](auto& a) { a.acknowledged(ack); }, algorithm_);
  if (std::holds_alternative<Cubic>(algorithm_) && window() < before) answered_ = ack.next_tsn - 1U;
  const bool begins = result.lost.bytes != 0 && lost(ack.now, result.lost, ack.next_tsn - 1U);
  pace(ack.now, ack.smoothed_rtt);
  return begins;
}

void CongestionControl::pace(TimePoint now, Duration smoothed_rtt) noexcept {
  if (!options_.pacing || min_rtt_ < too_short_to_pace || smoothed_rtt <= Duration::zero())
    return pacer_.set_rate(now, 0);
  if (const Bbr* const bbr = std::get_if<Bbr>(&algorithm_)) return pacer_.set_rate(now, bbr->pacing_rate());
  const double gain = slow_start() ? slow_start_gain : pacing_gain;
  pacer_.set_rate(now, gain * static_cast<double>(window()) / std::chrono::duration<double>(smoothed_rtt).count());
}

bool CongestionControl::lost(TimePoint now, Losses lost, Tsn highest) noexcept {
  if (Bbr* const bbr = std::get_if<Bbr>(&algorithm_)) bbr->lost(lost);
  // The same congestion; what T3-rtx did not declare lost at once is found lost now.
  if ((exit_ && reduced_) || now < quiet_until_) return false;
  Cubic* const cubic = std::get_if<Cubic>(&algorithm_);
  const bool forgiven = answered_ || (cubic != nullptr && cubic->forgives(lost));
  // What looked like an accident may turn out to be congestion before the recovery ends.
  if (exit_ && forgiven) return false;
  const bool begins = !exit_;
  exit_ = highest;
  reduced_ = !forgiven;
  if (reduced_) std::visit([](auto& a) { a.congested(false); }, algorithm_);
  return begins;
}

void CongestionControl::timed_out(TimePoint now) noexcept {
  // RFC 5681 section 4.3: ssthresh stays when a retransmission is what timed out.
  const bool again = std::exchange(timed_out_, true);
  // What the last path lost is no reason to begin this one with less than any other.
  if (std::exchange(moved_, false))
    timed_out_ = false;
  else
    std::visit([&](auto& a) { a.timed_out(again); }, algorithm_);
  quiet_until_ = now + smoothed_rtt_;
  exit_.reset();
}

void CongestionControl::ecn_echo(TimePoint /*now*/, Tsn highest) noexcept {
  if (exit_ && reduced_) return;
  std::visit([](auto& a) { a.congested(true); }, algorithm_);
  exit_ = highest;
  reduced_ = true;
}

void CongestionControl::undo(TimePoint /*now*/) noexcept {
  std::visit([](auto& a) { a.undo(); }, algorithm_);
  exit_.reset();
  moved_ = false;
}

void CongestionControl::idle(unsigned timeouts) noexcept {
  std::visit([&](auto& a) { a.idle(timeouts); }, algorithm_);
}

void CongestionControl::set_mtu(std::size_t mtu) noexcept {
  options_.mtu = mtu;
  pacer_.set_mtu(mtu);
  std::visit([&](auto& a) { a.set_mtu(mtu); }, algorithm_);
}

void CongestionControl::path_changed(TimePoint now, std::optional<Tsn> highest) noexcept {
  *this = CongestionControl(options_);
  path_since_ = now;
  exit_ = highest;
  reduced_ = moved_ = highest.has_value();
}

}  // namespace linnet::sctp
