#pragma once

#include <cstdint>

#include "sctp/types.hpp"

namespace linnet::sctp {

/// Whether T3-rtx expired for nothing (F-RTO, RFC 5682 section 3.1): SACKs come in for what was sent before and not
/// again since. Owned by OutstandingData.
class TimeoutCheck {
 public:
  /// What one SACK showed.
  struct Seen {
    bool anything = false;  // newly acknowledged
    bool original = false;  // counted as lost, and was not sent again
    bool early = false;     // was sent again, and came back sooner than any round trip
  };
  void timed_out(Tsn next) noexcept {
    step_ = Step::First;
    recover_ = next;
  }
  /// True when the timeout was needless.
  [[nodiscard]] bool handle(const Seen& seen, bool cumulative_moved, Tsn cumulative) noexcept {
    if (step_ == Step::Off || !seen.anything) return false;
    // The first of them may be the answer to what was sent again, and bring old news with it.
    const bool needless = seen.early || (step_ == Step::Second && seen.original);
    const bool goes_on = step_ == Step::First && cumulative_moved && cumulative + 1U < recover_;
    step_ = goes_on && !needless ? Step::Second : Step::Off;
    return needless;
  }

 private:
  enum class Step : std::uint8_t { Off, First, Second };
  Step step_ = Step::Off;
  Tsn recover_;
};

}  // namespace linnet::sctp
