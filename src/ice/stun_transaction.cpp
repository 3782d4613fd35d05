#include "ice/stun_transaction.hpp"

#include <algorithm>

namespace linnet::ice {

StunTransaction::StunTransaction(TimePoint now, Duration rto, unsigned max_sends, unsigned last_wait,
                                 TimePoint give_up) noexcept
    : first_(now), give_up_(give_up), rto_(rto), last_wait_(rto * last_wait), sends_(1), max_sends_(max_sends) {
  next_ = now + (max_sends_ <= 1 ? last_wait_ : rto_);
}

StunTransaction::Due StunTransaction::handle_timeout(TimePoint now) noexcept {
  if (give_up_ <= now) return Due::GiveUp;
  if (next_ > now) return Due::Nothing;
  if (sends_ >= max_sends_ || cancelled_) return Due::GiveUp;
  // RFC 8489 section 6.2.1: the interval doubles, and after the last send Rm times the first RTO pass.
  ++sends_;
  rto_ *= 2;
  next_ = now + (sends_ >= max_sends_ ? last_wait_ : rto_);
  return Due::Resend;
}

void StunTransaction::cancel() noexcept {
  if (cancelled_) return;
  // The time that is left: until the next send would have been due, and no less than the last wait.
  cancelled_ = true;
  next_ = std::max(next_, first_ + last_wait_);
}

}  // namespace linnet::ice
