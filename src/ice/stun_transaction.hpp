#pragma once

#include "linnet/core/time.hpp"

namespace linnet::ice {

/// When to send one request again and when to give it up (RFC 8489 section 6.2.1). Knows no message and no peer.
class StunTransaction {
 public:
  enum class Due : unsigned char { Nothing, Resend, GiveUp };

  StunTransaction() noexcept = default;
  /// The request leaves now. `give_up` is a bound from now on; `never` leaves the RFC's alone.
  StunTransaction(TimePoint now, Duration rto, unsigned max_sends, unsigned last_wait,
                  TimePoint give_up = never) noexcept;

  [[nodiscard]] Due handle_timeout(TimePoint now) noexcept;
  [[nodiscard]] TimePoint next_timeout() const noexcept { return next_ < give_up_ ? next_ : give_up_; }
  /// No more sends, but a response still counts until the time is over (RFC 8445 section 7.3.1.4).
  void cancel() noexcept;
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
  [[nodiscard]] bool sent_once() const noexcept { return sends_ == 1; }
  [[nodiscard]] TimePoint first_sent() const noexcept { return first_; }

 private:
  TimePoint first_{};
  TimePoint next_ = never;
  TimePoint give_up_ = never;
  Duration rto_{};
  Duration last_wait_{};
  unsigned sends_ = 0;
  unsigned max_sends_ = 0;
  bool cancelled_ = false;
};

}  // namespace linnet::ice
