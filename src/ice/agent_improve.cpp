#include <utility>

#include "ice/agent.hpp"

// A connection that came up over a relay or a stream, or had to go there when its path fell silent, need not stay: the
// way for datagrams may only take longer to open, or the checks on it were lost. Both sides, for a NAT wants to be
// opened from inside, try what is shorter some more times. Deviation: RFC 8445 section 8.1.1 has one nomination; here
// the controlling side nominates again, as for roaming.

namespace linnet::ice {

/// How much of a detour a pair is: relays on the way, and streams, where a lost segment holds up all the others.
unsigned Agent::detours(const Candidate& local, const Candidate& remote) noexcept {
  const auto of = [](const Candidate& c) { return c.type == IceCandidateType::Relay ? 1U : 0U; };
  return of(local) + of(remote) + (local.protocol == Protocol::Udp ? 0U : 1U);
}

unsigned Agent::detours_in_use() const {
  const auto pair = selected_ ? selected_pair() : std::nullopt;
  return pair ? detours(pair->local, pair->remote) : 0U;
}

/// After another pair was selected, or more was told of the one that is.
void Agent::arm_improvement() {
  const unsigned before = std::exchange(detours_, detours_in_use());
  if (detours_ < before) shorter_since_ = now_;
  // A shorter way that lets checks through, but not what follows, is not to be taken again and again.
  if (detours_ > before && now_ - shorter_since_ >= options_.proven_after) improvements_ = 0;
  if (options_.lite || detours_ == 0 || improvements_ >= options_.improvements) return timers_.stop(Timer::Improve);
  timers_.set(Timer::Improve, now_ + improvement_wait());
}

Duration Agent::improvement_wait() const noexcept {
  Duration wait = options_.improve_after;
  for (unsigned i = 0; i < improvements_; ++i) wait *= 4;
  return wait;
}

void Agent::improve() {
  const unsigned in_use = detours_in_use();
  if (in_use == 0 || !remote_) return;
  // As long as a pair is being chosen, or looked for, the others are checked anyway.
  if (!settled_ || !gathered_ || disconnected_) return timers_.set(Timer::Improve, now_ + options_.improve_after);
  bool any = false;
  for (const RemoteEntry& remote : remotes_) {
    if (remote.candidate.type == IceCandidateType::Prflx) continue;
    for (const LocalEntry& local : locals_) {
      if (detours(local.candidate, remote.candidate) >= in_use) continue;
      CandidatePair* const pair = form_pair(local, remote);
      if (pair == nullptr || selected_ == pair->id) continue;
      any = true;
      if (pair->state != PairState::Failed && pair->state != PairState::Succeeded) continue;
      pair->state = PairState::Waiting;  // What has worked once has to do so now.
      pair->valid = false;
    }
  }
  if (!any) return;
  choose_again();
  if (++improvements_ < options_.improvements) timers_.set(Timer::Improve, now_ + improvement_wait());
}

}  // namespace linnet::ice
