#pragma once

#include <algorithm>

#include "linnet/core/time.hpp"

namespace linnet::signaling {

/// A rate limit: `burst` at once, then `rate` a second. Told the time, as every machine is.
class TokenBucket {
 public:
  TokenBucket(double rate, double burst, TimePoint now) : rate_(rate), burst_(burst), tokens_(burst), at_(now) {}

  /// Takes one token; false when there is none.
  [[nodiscard]] bool take(TimePoint now) {
    refill(now);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  /// How long until take() works.
  [[nodiscard]] Duration wait(TimePoint now) {
    refill(now);
    if (tokens_ >= 1 || rate_ <= 0) return Duration::zero();
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>((1 - tokens_) / rate_));
  }
  [[nodiscard]] bool full(TimePoint now) {
    refill(now);
    return tokens_ >= burst_;
  }

 private:
  void refill(TimePoint now) {
    if (now <= at_) return;
    tokens_ = std::min(burst_, tokens_ + rate_ * std::chrono::duration<double>(now - at_).count());
    at_ = now;
  }

  double rate_;
  double burst_;
  double tokens_;
  TimePoint at_;
};

}  // namespace linnet::signaling
