#include "sctp/tx/delivery_rate.hpp"

#include <algorithm>
#include <limits>

namespace linnet::sctp {
namespace {

// Times before a sending, in a fragment's 32 bits: up to nine minutes in steps of 128 ns.
constexpr int tick_bits = 7;
constexpr std::uint32_t longest = std::numeric_limits<std::uint32_t>::max();

std::uint32_t to_ticks(Duration time) noexcept {
  return static_cast<std::uint32_t>(std::clamp<Duration::rep>(time.count() >> tick_bits, 0, longest));
}
Duration from_ticks(std::uint32_t ticks) noexcept {
  return Duration{static_cast<Duration::rep>(std::uint64_t{ticks} << tick_bits)};
}

}  // namespace

void DeliveryRate::sent(TimePoint now, Fragment& fragment, std::size_t in_flight, std::size_t bytes) noexcept {
  if (in_flight == 0) first_sent_at_ = delivered_at_ = now;
  fragment.delivered = static_cast<std::uint32_t>(delivered_);
  fragment.since_delivery = to_ticks(now - delivered_at_);
  fragment.since_first_sent = to_ticks(now - first_sent_at_);
  fragment.in_flight = static_cast<std::uint32_t>(std::min<std::size_t>(in_flight + bytes, longest));
  fragment.app_limited = limited_until_ != 0;
}

void DeliveryRate::acknowledged(TimePoint now, const Fragment& fragment, std::size_t bytes) noexcept {
  // The upper bits are those of the count now: less than 4 GB are delivered within a round trip.
  const std::uint64_t then = delivered_ - (static_cast<std::uint32_t>(delivered_) - fragment.delivered);
  delivered_ += bytes;
  delivered_at_ = now;
  if (any_ && then < prior_delivered_) return;
  if (any_ && then == prior_delivered_ && fragment.sent_at < first_sent_at_) return;
  any_ = true;
  prior_delivered_ = then;
  send_elapsed_ = from_ticks(fragment.since_first_sent);
  ack_elapsed_ = now - (fragment.sent_at - from_ticks(fragment.since_delivery));
  in_flight_ = fragment.in_flight;
  app_limited_ = fragment.app_limited;
  first_sent_at_ = fragment.sent_at;
}

std::optional<RateSample> DeliveryRate::sample(Duration minimum) noexcept {
  if (limited_until_ != 0 && delivered_ >= limited_until_) limited_until_ = 0;
  if (!any_) return std::nullopt;
  any_ = false;
  const Duration interval = std::max(send_elapsed_, ack_elapsed_);
  if (interval < minimum || interval <= Duration::zero()) return std::nullopt;
  return RateSample{.delivered = static_cast<std::size_t>(delivered_ - prior_delivered_),
                    .interval = interval,
                    .prior_delivered = static_cast<std::size_t>(prior_delivered_),
                    .in_flight_at_send = in_flight_,
                    .app_limited = app_limited_};
}

}  // namespace linnet::sctp
