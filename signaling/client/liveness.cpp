#include "client/liveness.hpp"

#include <utility>

namespace linnet::signaling {

void Liveness::begin(TimePoint now) noexcept {
  *this = Liveness(limits_);
  silent_until_ = now + limits_.connect;
}

Liveness::Advice Liveness::heard(TimePoint now) noexcept {
  open_ = true;
  silent_until_ = now + limits_.idle;
  asked_ = std::exchange(ask_again_, false);
  answer_by_ = now + limits_.answer;
  return asked_ ? Advice::Ask : Advice::Nothing;
}

Liveness::Advice Liveness::network_changed(TimePoint now, bool address_gone) noexcept {
  if (address_gone) return Advice::GiveUp;
  if (!open_) {
    silent_until_ = std::min(silent_until_, now + limits_.answer);
    return Advice::Nothing;
  }
  if (asked_) {  // One question at a time, however often the network changes.
    ask_again_ = true;
    return Advice::Nothing;
  }
  asked_ = true;
  answer_by_ = now + limits_.answer;
  return Advice::Ask;
}

}  // namespace linnet::signaling
