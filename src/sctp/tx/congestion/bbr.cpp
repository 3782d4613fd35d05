#include "sctp/tx/congestion/bbr.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace linnet::sctp {
namespace {

using std::chrono::milliseconds;

// draft-ietf-ccwg-bbr section 2.
constexpr double pacing_margin = 0.99;
constexpr double full_growth = 1.25;
constexpr unsigned full_rounds = 3;
constexpr double beta = 0.7;
constexpr double headroom = 0.85;
constexpr double loss_threshold = 0.02;
constexpr std::size_t min_losses = 6;  // in a round, each of packets in a row: fewer are no rate
constexpr Duration min_rtt_lifetime = std::chrono::seconds{10};
constexpr Duration probe_rtt_interval = std::chrono::seconds{5};
constexpr Duration probe_rtt_time = milliseconds{200};
constexpr std::size_t min_packets = 4;
/// The draft waits between two and three seconds, at random, so that flows do not probe in step. Without a source of
/// chance: different from cycle to cycle.
constexpr Duration probe_wait = milliseconds{2'000};
constexpr Duration probe_wait_step = milliseconds{370};
/// To be no meaner to a Reno flow than it is to itself, probe once in as many rounds as it takes a Reno flow.
constexpr std::uint64_t max_probe_rounds = 63;
// Ours: without a queue so much loss is believed to be the path's own nature.
constexpr double loss_threshold_without_queue = 0.15;
constexpr double queue_shows = 1.35;

double seconds(Duration d) noexcept { return std::chrono::duration<double>(d).count(); }

}  // namespace

Bbr::Bbr(std::size_t mtu, std::size_t initial) noexcept : mtu_(mtu), initial_(initial), window_(initial) {}

Bbr::Gains Bbr::gains() const noexcept {
  switch (state_) {
    case State::Startup: return {2.77, 2.0};
    case State::Drain: return {0.5, 2.0};
    case State::Down: return {0.9, 2.0};
    case State::Cruise:
    case State::Refill: return {1.0, 2.0};
    case State::Up: return {1.25, 2.25};
    case State::ProbeRtt: break;
  }
  return {1.0, 0.5};
}

double Bbr::bandwidth() const noexcept {
  const double most = std::max(max_bandwidth_[0], max_bandwidth_[1]);
  return bandwidth_low_ ? std::min(most, *bandwidth_low_) : most;
}

double Bbr::bandwidth_delay(double gain) const noexcept { return gain * bandwidth() * seconds(min_rtt_); }

bool Bbr::probing() const noexcept {
  return state_ == State::Startup || state_ == State::Refill || state_ == State::Up;
}

/// The draft's threshold is 2 % whatever else is seen. Deviation: it holds where there is a queue. Where there is
/// none the loss is more likely a radio's, and giving way to it would not make it less.
bool Bbr::too_lossy() const noexcept {
  const std::size_t total = round_.acked + round_.lost;
  if (round_.runs < min_losses) return false;
  const double rate = static_cast<double>(round_.lost) / static_cast<double>(total);
  const bool queue = round_.rtt != Duration::max() && seconds(round_.rtt) > seconds(min_rtt_) * queue_shows;
  return rate > (queue ? loss_threshold : loss_threshold_without_queue);
}

void Bbr::acknowledged(const Acknowledgement& ack) noexcept {
  delivered_ += ack.result.bytes_acked;
  round_.acked += ack.result.bytes_acked;
  if (ack.result.rtt) round_.rtt = std::min(round_.rtt, *ack.result.rtt);
  update_min_rtt(ack);
  round_began_ = false;
  if (const auto& rate = ack.result.rate) {
    if (rate->prior_delivered >= round_end_) begin_round(ack);
    update_bandwidth(*rate);
  }
  update_state(ack);
  probe_rtt(ack);
  set_pacing_rate();
  set_window(ack);
}

void Bbr::begin_round(const Acknowledgement& /*ack*/) noexcept {
  round_end_ = delivered_;
  round_began_ = true;
  ++rounds_in_state_;
  check_full_pipe();
  adapt_to_loss();
  last_round_ = std::exchange(round_, {});
}

void Bbr::update_bandwidth(const RateSample& rate) noexcept {
  if (rate.interval <= Duration::zero()) return;
  const double bandwidth = static_cast<double>(rate.delivered) / seconds(rate.interval);
  round_.bandwidth = std::max(round_.bandwidth, bandwidth);
  round_.in_flight = std::max(round_.in_flight, rate.in_flight_at_send);
  round_.app_limited |= rate.app_limited;
  // What the application limited says only that the path delivers at least as much.
  if (!rate.app_limited || bandwidth > std::max(max_bandwidth_[0], max_bandwidth_[1]))
    max_bandwidth_[0] = std::max(max_bandwidth_[0], bandwidth);
}

void Bbr::update_min_rtt(const Acknowledgement& ack) noexcept {
  if (!ack.result.rtt) return;
  const Duration rtt = *ack.result.rtt;
  if (probe_min_rtt_ == Duration::zero() || rtt < probe_min_rtt_ ||
      (state_ == State::ProbeRtt && ack.now - probe_min_rtt_at_ > probe_rtt_interval)) {
    probe_min_rtt_ = rtt;
    probe_min_rtt_at_ = ack.now;
  }
  if (min_rtt_ == Duration::zero() || probe_min_rtt_ < min_rtt_ || ack.now - min_rtt_at_ > min_rtt_lifetime) {
    min_rtt_ = probe_min_rtt_;
    min_rtt_at_ = probe_min_rtt_at_;
  }
}

/// Three rounds in which the bandwidth did not grow by a quarter.
void Bbr::check_full_pipe() noexcept {
  if (full_now_ || round_.app_limited || round_.bandwidth <= 0) return;
  if (round_.bandwidth >= full_bandwidth_ * full_growth) {
    full_bandwidth_ = round_.bandwidth;
    full_count_ = 0;
    return;
  }
  full_now_ = ++full_count_ >= full_rounds;
  full_reached_ |= full_now_;
}

void Bbr::adapt_to_loss() noexcept {
  if (!too_lossy()) return;
  const double in_flight = static_cast<double>(round_.in_flight);
  if (probing()) {
    // It was probed too far: this much is known not to fit.
    if (state_ == State::Startup) full_reached_ = true;
    in_flight_high_ = std::max(in_flight * (1 - loss_threshold), beta * bandwidth_delay(1));
    full_now_ = true;
    return;
  }
  const double low = bandwidth_low_.value_or(std::max(max_bandwidth_[0], max_bandwidth_[1]));
  bandwidth_low_ = std::max(round_.bandwidth, beta * low);
}

void Bbr::go(State state, TimePoint now) noexcept {
  state_ = state;
  state_since_ = now;
  rounds_in_state_ = 0;
  if (state == State::Refill) bandwidth_low_.reset();
  if (state == State::Up) {
    full_now_ = false;
    full_count_ = 0;
    full_bandwidth_ = std::max(max_bandwidth_[0], max_bandwidth_[1]);
  }
  if (state == State::Down) {
    ++cycles_;
    // The filter spans two cycles.
    if (cycles_ > 1) {
      max_bandwidth_[1] = max_bandwidth_[0];
      max_bandwidth_[0] = 0;
    }
  }
}

void Bbr::update_state(const Acknowledgement& ack) noexcept {
  const auto in_flight = static_cast<double>(ack.in_flight);
  const Duration since = ack.now - state_since_;
  switch (state_) {
    case State::Startup:
      if (full_reached_) go(State::Drain, ack.now);
      return;
    case State::Drain:
      if (in_flight <= bandwidth_delay(1)) go(State::Down, ack.now);
      return;
    case State::Down:
    case State::Cruise: {
      if (since >= probe_wait + probe_wait_step * (cycles_ % 4) || rounds_in_state_ >= max_probe_rounds)
        return go(State::Refill, ack.now);
      const double target =
          std::min(bandwidth_delay(1), in_flight_high_ ? headroom * *in_flight_high_ : bandwidth_delay(1));
      if (state_ == State::Down && in_flight <= target) state_ = State::Cruise;
      return;
    }
    case State::Refill:
      if (round_began_ && rounds_in_state_ >= 2) go(State::Up, ack.now);
      return;
    case State::Up: {
      // More fits than was thought.
      if (in_flight_high_ && in_flight > *in_flight_high_ && !too_lossy()) in_flight_high_ = in_flight;
      if (in_flight_high_ && round_began_ && ack.window_limited && !too_lossy())
        in_flight_high_ = *in_flight_high_ * full_growth;
      const bool probed = rounds_in_state_ >= 2 && in_flight > bandwidth_delay(1.25);
      if (full_now_ || (probed && last_round_.bandwidth < full_bandwidth_ * 1.02)) go(State::Down, ack.now);
      return;
    }
    case State::ProbeRtt: return;
  }
}

// Section 5.3.4: from time to time the queue is emptied, or nobody would know the path's own delay.
void Bbr::probe_rtt(const Acknowledgement& ack) noexcept {
  if (state_ != State::ProbeRtt) {
    if (state_ == State::Startup || ack.now - probe_min_rtt_at_ <= probe_rtt_interval ||
        probe_min_rtt_ == Duration::zero())
      return;
    window_before_ = std::max(window_before_, window_);
    go(State::ProbeRtt, ack.now);
    probe_rtt_done_.reset();
    return;
  }
  const double target = std::max(bandwidth_delay(gains().window), static_cast<double>(min_packets * mtu_));
  if (!probe_rtt_done_ && static_cast<double>(ack.in_flight) <= target) {
    probe_rtt_done_ = ack.now + std::max(probe_rtt_time, min_rtt_);
  } else if (probe_rtt_done_ && ack.now >= *probe_rtt_done_) {
    probe_min_rtt_at_ = ack.now;
    window_ = std::max(window_, std::exchange(window_before_, 0));
    go(full_reached_ ? State::Cruise : State::Startup, ack.now);
  }
}

void Bbr::set_pacing_rate() noexcept {
  const double rate = gains().pacing * bandwidth() * pacing_margin;
  if (full_reached_ || rate > pacing_rate_) pacing_rate_ = rate;
}

void Bbr::set_window(const Acknowledgement& ack) noexcept {
  const auto least = static_cast<double>(min_packets * mtu_);
  const double gain = gains().window;
  const auto acked = static_cast<double>(ack.result.bytes_acked);
  auto window = static_cast<double>(window_);
  // Three quanta more for senders and receivers that work in batches.
  const double target = bandwidth_delay(gain) + 3 * std::max(0.001 * pacing_rate_, 2.0 * static_cast<double>(mtu_));
  if (full_reached_)
    window = std::min(window + acked, target);
  else if (window < target || delivered_ < initial_)
    window += acked;
  if (in_flight_high_ && state_ != State::Startup) {
    const bool careful = state_ == State::Cruise || state_ == State::Down;
    window = std::min(window, *in_flight_high_ * (careful ? headroom : 1));
  }
  if (state_ == State::ProbeRtt) window = std::min(window, bandwidth_delay(gain));
  window_ = static_cast<std::size_t>(std::max(window, least));
}

void Bbr::lost(Losses lost) noexcept {
  round_.lost += lost.bytes;
  round_.runs += lost.runs;
}

void Bbr::congested(bool ecn) noexcept {
  // Losses are judged by their share of a round; a mark is one judgement already.
  if (ecn) bandwidth_low_ = std::max(round_.bandwidth, beta * bandwidth());
}

void Bbr::timed_out(bool again) noexcept {
  if (!again) window_before_ = std::max(window_before_, window_);
  window_ = mtu_;
}

void Bbr::undo() noexcept {
  window_ = std::max(window_, std::exchange(window_before_, 0));
  bandwidth_low_.reset();
}

void Bbr::idle(unsigned /*timeouts*/) noexcept {}  // it is paced at what the path delivered, however long ago

}  // namespace linnet::sctp
