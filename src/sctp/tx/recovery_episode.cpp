#include "sctp/tx/recovery_episode.hpp"

#include <utility>

namespace linnet::sctp {

void RecoveryEpisode::begin(Cause cause, Tsn next) noexcept {
  if (open_ != 0) forgotten_.fill(0);
  open_ = 0;
  if (++number_ == 0) number_ = 1;
  cause_ = cause;
  end_ = next;
  any_ = real_ = false;
}

bool RecoveryEpisode::acknowledged(Tsn cumulative) noexcept {
  if (!end_ || cumulative + 1U < *end_) return false;
  end_.reset();
  return true;
}

void RecoveryEpisode::lost(Fragment& fragment) noexcept {
  any_ = true;
  if (fragment.episode == number_) {
    real_ = true;  // and what was sent again, too: no path is that late
    return;
  }
  fragment.episode = number_;
  ++open_;
}

void RecoveryEpisode::probed(Fragment& fragment) noexcept {
  if (arrived(fragment)) real_ = true;
}

bool RecoveryEpisode::arrived(Fragment& fragment) noexcept {
  if (!wonders(fragment)) return false;
  fragment.episode = 0;
  --open_;
  return true;
}

void RecoveryEpisode::forget(Tsn tsn, const Fragment& fragment) noexcept {
  if (open_ == 0) return;
  std::uint64_t& bits = word(tsn);
  if ((bits & mask(tsn)) != 0) real_ = true;  // so long ago, and no duplicate was reported
  if (fragment.episode == number_)
    bits |= mask(tsn);
  else
    bits &= ~mask(tsn);
}

bool RecoveryEpisode::duplicate(Tsn tsn, Tsn cumulative) noexcept {
  const auto behind = cumulative - tsn;
  if (open_ == 0 || behind < 0 || behind >= static_cast<std::int32_t>(memory)) return false;
  std::uint64_t& bits = word(tsn);
  if ((bits & mask(tsn)) == 0) return false;
  bits &= ~mask(tsn);
  --open_;
  return true;
}

void RecoveryEpisode::close() noexcept {
  if (open_ != 0) forgotten_.fill(0);
  open_ = 0;
  if (++number_ == 0) number_ = 1;
  any_ = false;
  end_.reset();
}

bool RecoveryEpisode::take_needless() noexcept { return open_ == 0 && !real_ && std::exchange(any_, false); }

}  // namespace linnet::sctp
