#include "client/retry_plan.hpp"

#include <algorithm>
#include <utility>

namespace linnet::signaling {
namespace {

using std::chrono::milliseconds;

/// A connection that lived this long lets the pauses begin anew. One that breaks at once, again and again, does not.
constexpr std::chrono::seconds stable{10};
/// Between two tries, however often the network changes.
constexpr milliseconds breath{300};

}  // namespace

milliseconds RetryPlan::pause() {
  const auto base = std::min<std::uint64_t>(300 * tries_ * tries_, 7000);
  tries_ = std::min<std::uint64_t>(tries_ + 1, 100);
  if (base == 0) return milliseconds(0);
  const std::uint64_t jitter = generator_.below(2 * base / 5 + 1);
  return milliseconds(static_cast<std::int64_t>(base - base / 5 + jitter));
}

void RetryPlan::lost(TimePoint now) {
  const TimePoint opened_at = std::exchange(opened_at_, TimePoint::max());
  if (opened_at != TimePoint::max() && now - opened_at >= stable) tries_ = 0;
  due_ = std::max(now + pause(), not_before_);
}

void RetryPlan::network_changed(TimePoint now) noexcept {
  tries_ = 0;
  due_ = std::min(due_, std::max({now, tried_at_ + breath, not_before_}));
}

}  // namespace linnet::signaling
