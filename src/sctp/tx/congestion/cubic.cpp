#include "sctp/tx/congestion/cubic.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace linnet::sctp {
namespace {

// RFC 9438 sections 4.1, 4.6.
constexpr double c = 0.4;
constexpr double beta = 0.7;
constexpr double alpha = 3 * (1 - beta) / (1 + beta);
// RFC 8511: a mark comes from a short queue, there is less to make good.
constexpr double beta_ecn = 0.85;

/// Slow start's window, in what one round trip delivers; 2 plus some for measurements that err.
constexpr double overshoot = 2.1;

/// As BBR tells that a path is full (draft-ietf-ccwg-bbr section 5.3.1.2).
constexpr double full_growth = 1.25;
constexpr unsigned most_full_rounds = 3;

double seconds(Duration d) noexcept { return std::chrono::duration<double>(d).count(); }
/// The time in which the function gets back to `w_max`.
double k(double w_max, double epoch_window) noexcept { return std::cbrt((w_max - epoch_window) / c); }

}  // namespace

Cubic::Cubic(std::size_t mtu, std::size_t initial, bool tolerant) noexcept
    : mtu_(mtu), initial_(initial), tolerant_(tolerant) {
  now_.window = static_cast<double>(initial);
}

double Cubic::window_at(double seconds, double w_max, double epoch_window) noexcept {
  const double from_plateau = seconds - k(w_max, epoch_window);
  return c * from_plateau * from_plateau * from_plateau + w_max;
}

void Cubic::acknowledged(const Acknowledgement& ack) noexcept {
  random_.acknowledged(ack);
  const TimePoint last = std::exchange(last_ack_, ack.now).value_or(ack.now);
  if (slow_start()) {
    hystart_.acknowledged(ack.round_began);
    if (ack.result.rtt) hystart_.measured(*ack.result.rtt);
  }
  // Section 4.2: time in which the window did not limit does not count.
  if (!ack.window_limited && now_.epoch) *now_.epoch += ack.now - last;
  if (ack.result.bytes_acked == 0 || ack.recovering || !ack.window_limited) return;
  if (!slow_start()) return grow(ack);
  slow_start_grows(ack);
}

/// Several rounds without more coming out of the path, though more went in.
bool Cubic::path_is_full(bool round_began) noexcept {
  if (!round_began) return false;
  if (rate_ >= full_growth * full_rate_) {
    full_rate_ = rate_;
    full_rounds_ = 0;
    return false;
  }
  return ++full_rounds_ >= most_full_rounds;
}

void Cubic::slow_start_grows(const Acknowledgement& ack) noexcept {
  auto acked = std::min(static_cast<double>(ack.result.bytes_acked), now_.window);
  if (const auto& rate = ack.result.rate; rate && rate->interval > Duration::zero()) {
    rate_ = std::max(rate_, static_cast<double>(rate->delivered) / seconds(rate->interval));
    if (ack.result.rtt) delivered_ = rate_ * seconds(*ack.result.rtt);
    // A window that doubles is twice what was just delivered. More than that does not come back, it waits in a queue
    // or is lost, and HyStart++, which looks at whole rounds, is about to see it. Until then no more is put on top.
    if (hystart_.last_round() != Duration::max()) {
      const double most = overshoot * rate_ * seconds(hystart_.last_round()) + static_cast<double>(initial_);
      acked = std::min(acked, std::max(most - now_.window, 0.0));
    }
  }
  if (tolerant_ && hystart_.phase() != HyStart::Phase::Done && path_is_full(ack.round_began)) {
    hystart_.stop();
    random_.answered(ack.now);
    now_.window = std::clamp(rate_ * seconds(ack.min_rtt), static_cast<double>(initial_), now_.window);
  }
  switch (hystart_.phase()) {
    // RFC 9406 section 4.2 with L = infinity: what is sent is paced. Back from a timeout HyStart is done, and slow
    // start goes to the threshold as ever.
    case HyStart::Phase::SlowStart: now_.window += acked; break;
    case HyStart::Phase::Conservative: now_.window += acked / static_cast<double>(HyStart::growth_divisor); break;
    case HyStart::Phase::Done:
      if (now_.threshold == static_cast<std::size_t>(-1))
        now_.threshold = window();
      else
        now_.window += acked;
      break;
  }
}

void Cubic::begin_epoch(TimePoint now) noexcept {
  now_.epoch = now;
  // Sections 4.8, 4.10: after a timeout or slow start without loss there is no former maximum.
  now_.w_max = std::max(now_.w_max, now_.window);
  now_.cwnd_epoch = now_.window;
  now_.w_est = now_.window;
}

// Sections 4.2 to 4.5.
void Cubic::grow(const Acknowledgement& ack) noexcept {
  if (!now_.epoch) begin_epoch(ack.now);
  const auto mtu = static_cast<double>(mtu_);
  const auto acked = static_cast<double>(ack.result.bytes_acked);
  const double t = seconds(ack.now - *now_.epoch);
  const auto w_cubic = [&](double at) { return mtu * window_at(at, now_.w_max / mtu, now_.cwnd_epoch / mtu); };
  // Section 4.3: once it is where it was before, it grows as fast as Reno itself.
  now_.w_est += (now_.w_est < now_.cwnd_prior ? alpha : 1.0) * acked * mtu / now_.window;
  if (w_cubic(t) < now_.w_est) {
    now_.window = std::max(now_.window, now_.w_est);
    return;
  }
  const double target = std::clamp(w_cubic(t + seconds(ack.smoothed_rtt)), now_.window, 1.5 * now_.window);
  now_.window += (target - now_.window) * std::min(acked / now_.window, 1.0);
}

void Cubic::reduce(double factor) noexcept {
  before_ = now_;
  now_.cwnd_prior = now_.window;
  // Section 4.7: fast convergence, so that a new flow finds room.
  now_.w_max = now_.window < now_.w_max ? now_.window * (1 + beta) / 2 : now_.window;
  // RFC 9260 section 7.2.3: never under four packets.
  now_.threshold = std::max(static_cast<std::size_t>(now_.window * factor), 4 * mtu_);
  now_.epoch.reset();
  hystart_.stop();
}

bool Cubic::forgives(Losses lost) noexcept {
  random_.lost(lost, mtu_);
  if (!tolerant_) return false;
  const bool first = slow_start() && hystart_.phase() != HyStart::Phase::Done;
  return first ? random_.likely_in_slow_start(mtu_) : random_.likely();
}

void Cubic::congested(bool ecn) noexcept {
  // The first slow start overshoots by far, and what was lost is no part of what the path holds.
  const State whole = now_;
  if (slow_start() && hystart_.phase() != HyStart::Phase::Done && delivered_ > 0)
    now_.window = std::clamp(delivered_, now_.window / 2, now_.window);
  // Where accidents happen all the time, one that meets a short queue must not cost more than that queue.
  const double factor = ecn ? beta_ecn : beta;
  reduce(tolerant_ ? std::max(factor, random_.path_share()) : factor);
  if (last_ack_) random_.answered(*last_ack_);
  now_.window = static_cast<double>(now_.threshold);
  before_ = whole;
  if (ecn) before_.reset();  // a mark is never a mistake
}

// Section 4.8.
void Cubic::timed_out(bool again) noexcept {
  if (!again) reduce(beta);
  now_.window = static_cast<double>(mtu_);
  now_.w_max = 0;
  now_.epoch.reset();
}

void Cubic::undo() noexcept {
  if (!before_) return;
  const double window = std::max(now_.window, before_->window);
  now_ = *std::exchange(before_, std::nullopt);
  now_.window = window;
}

void Cubic::idle(unsigned timeouts) noexcept {
  const double least = std::min(static_cast<double>(initial_), now_.window);
  const double faded = std::max(std::ldexp(now_.window, -static_cast<int>(std::min(timeouts, 31U))), least);
  // Slow start leads back to where it was, nearly (RFC 2861 section 3.1).
  if (faded < now_.window && now_.threshold != static_cast<std::size_t>(-1))
    now_.threshold = std::max(now_.threshold, static_cast<std::size_t>(now_.window * 3 / 4));
  now_.window = faded;
  now_.epoch.reset();
}

}  // namespace linnet::sctp
