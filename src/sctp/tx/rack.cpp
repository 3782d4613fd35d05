#include "sctp/tx/rack.hpp"

#include <algorithm>

namespace linnet::sctp {
namespace {
constexpr std::size_t packets_for_loss = 3;     // DupThresh
constexpr unsigned recoveries_to_persist = 16;  // section 6.2 step 4
constexpr unsigned max_quarters = 255;          // the smoothed round trip limits the window anyway
}  // namespace

void Rack::acknowledged(TimePoint now, TimePoint sent_at, Tsn tsn, bool again, Duration minimum) noexcept {
  // Step 3. Something that was sent once arrived after what was sent behind it.
  if (!any_ || tsn > highest_)
    highest_ = tsn;
  else if (!again)
    reordering_seen_ = true;
  // Step 2. Sooner than any round trip: it was an earlier transmission that arrived.
  if (again && now - sent_at < minimum) return;
  if (any_ && (sent_at < newest_at_ || (sent_at == newest_at_ && tsn < newest_))) return;
  any_ = true;
  newest_at_ = sent_at;
  newest_ = tsn;
  round_trip_ = now - sent_at;
}

// Step 4.
void Rack::needless(Tsn cumulative, Tsn next, bool reordered) noexcept {
  if (reordered) reordering_seen_ = true;
  if (round_ && cumulative < *round_) return;
  round_ = next;
  quarters_ = std::min(quarters_ + 1, max_quarters);
  persist_ = recoveries_to_persist;
}

void Rack::recovered() noexcept {
  if (persist_ != 0) --persist_;
  if (persist_ == 0) quarters_ = 1;
}

Duration Rack::window(Duration minimum, Duration smoothed, std::size_t packets_reported,
                      bool recovering) const noexcept {
  // On a path that never reordered, three packets behind a gap tell (RFC 9260 section 7.2.4 counts as far).
  if (!reordering_seen_ && (recovering || packets_reported >= packets_for_loss)) return Duration::zero();
  return std::min(minimum / 4 * static_cast<int>(quarters_), smoothed);
}

}  // namespace linnet::sctp
