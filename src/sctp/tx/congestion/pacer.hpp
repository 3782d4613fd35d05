#pragma once

#include <cstddef>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// Spreads what the window allows over the round trip (RFC 9002 section 7.7): a token bucket. Once empty it waits until
/// a whole quantum may leave, about a millisecond's worth, so that pacing costs few timers and the packets still
/// leave in runs that segmentation offload takes in one call. Owned by CongestionControl.
class Pacer {
 public:
  explicit Pacer(std::size_t mtu) noexcept { set_mtu(mtu); }

  /// Bytes a second; 0: no pacing.
  void set_rate(TimePoint now, double rate) noexcept;
  void set_mtu(std::size_t mtu) noexcept;
  /// When the next packet may leave; a time that is not after `now` means at once.
  [[nodiscard]] TimePoint next_send(TimePoint now) noexcept;
  void sent(TimePoint now, std::size_t bytes) noexcept;
  [[nodiscard]] double rate() const noexcept { return rate_; }
  [[nodiscard]] double quantum() const noexcept { return quantum_; }

 private:
  void refill(TimePoint now) noexcept;
  double rate_ = 0;
  double quantum_ = 0;
  double depth_ = 0;
  double tokens_ = 0;  // below 0 after the last packet of a quantum
  double mtu_ = 0;
  bool empty_ = false;  // until a quantum has come together
  TimePoint filled_at_{};
};

}  // namespace linnet::sctp
