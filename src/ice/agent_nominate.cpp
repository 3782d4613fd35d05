#include <algorithm>
#include <utility>

#include "ice/agent.hpp"

// Which pair carries data: RFC 8445 section 8, both sides.

namespace linnet::ice {
namespace {

/// Whether the peer's nomination of `pair` counts for more than that of `current`: it nominates aggressively (the best
/// one counts, RFC 5245 section 8.1.1.2), or says that it has changed its mind (libwebrtc's NOMINATION: the latest
/// counts).
bool outranks(const CandidatePair& pair, const CandidatePair& current) noexcept {
  if (pair.nomination || current.nomination) return pair.nomination > current.nomination;
  return pair.priority > current.priority;
}

}  // namespace

CandidatePair* Agent::best_valid() noexcept {
  CandidatePair* best = nullptr;
  for (CandidatePair& pair : checks_.pairs()) {
    if (!pair.valid) continue;
    // What is as good is not worth a change.
    const bool stays = best != nullptr && pair.priority == best->priority && selected_ == pair.id;
    if (best == nullptr || stays || pair.priority > best->priority) best = &pair;
  }
  return best;
}

bool Agent::better_pending(const CandidatePair& pair) const noexcept {
  return remote_names_pending() || std::ranges::any_of(checks_.pairs(), [&](const CandidatePair& other) {
           return other.priority > pair.priority && other.state != PairState::Succeeded &&
                  other.state != PairState::Failed;
         });
}

void Agent::consider_nomination() {
  CandidatePair* const best = best_valid();
  if (role_ != IceRole::Controlling || concluded_ || best == nullptr ||
      std::ranges::any_of(checks_.pairs(), &CandidatePair::nominating)) {
    return timers_.stop(Timer::Nominate);
  }
  if (best->nominated && selected_ == best->id) {
    // Nothing better has come of choosing again.
    timers_.stop(Timer::Nominate);
    if (!better_pending(*best)) conclude(*best);
    return;
  }
  // At once when nothing better can come: a direct pair of host candidates, or all candidates are known.
  // Else a short while after the first valid pair. Data flows over that one meanwhile.
  const LocalEntry* const from = local(best->local);
  const RemoteEntry* const to = remote_entry(best->remote);
  const bool direct = from->candidate.type == IceCandidateType::Host && to->candidate.type == IceCandidateType::Host;
  const bool all_known = remote_done_ && gathering_state_ == IceGatheringState::Complete;
  // Nor is there time when the nominated path has gone: until it hears of another one the peer sends to nobody.
  const CandidatePair* const in_use = selected_ ? checks_.find(*selected_) : nullptr;
  const bool urgent = settled_ && (in_use == nullptr || !in_use->nominated);
  if (nominate_now_ || urgent || (!better_pending(*best) && (direct || all_known))) return nominate(*best);
  // A relay or a stream is often faster to answer than a NAT is to be opened from both sides, and nobody wants it for
  // good.
  const bool second_best = from->candidate.type == IceCandidateType::Relay ||
                           to->candidate.type == IceCandidateType::Relay || best->path.protocol != Protocol::Udp;
  const TimePoint at = now_ + (second_best ? options_.relay_nomination_delay : options_.nomination_delay);
  if (timers_.get(Timer::Nominate) > at) timers_.set(Timer::Nominate, at);
}

void Agent::nominate(CandidatePair& pair) {
  // RFC 8445 section 8.1.1: regular nomination repeats the check, now with USE-CANDIDATE.
  timers_.stop(Timer::Nominate);
  pair.nominating = true;
  pair.our_nomination = ++nominations_;
  checks_.trigger(pair, true);
  send_checks();
}

void Agent::conclude(CandidatePair& pair) {
  // One at a time: a pair that is taken again later has to be nominated again, for the peer counts nominations.
  for (CandidatePair& other : checks_.pairs()) other.nominated = other.id == pair.id;
  pair.nominating = false;
  const CandidatePair chosen = pair;
  concluded_ = true;
  if (!std::exchange(settled_, true)) settled_at_ = now_;
  CandidatePair* const old = selected_ && disconnected_ ? checks_.find(*selected_) : nullptr;
  if (old != nullptr && old->id != chosen.id) {
    old->state = PairState::Failed;
    old->valid = old->nominated = false;
  }
  timers_.stop(Timer::Nominate);
  timers_.stop(Timer::Patience);
  timers_.stop(Timer::Mapping);
  select(&pair);
  // RFC 8445 section 8.1.2: nothing else is checked any more, but what a peer that nominates more than one has
  // asked for.
  const auto keep = [&](const CandidatePair& p) {
    return p.id == chosen.id || (role_ == IceRole::Controlled && p.nominate_on_success && outranks(p, chosen));
  };
  checks_.remove_if([&](const CandidatePair& p) {
    return !keep(p) && (p.state == PairState::Waiting || p.state == PairState::Frozen);
  });
  for (CandidatePair& p : checks_.pairs()) {
    if (keep(p) || p.state != PairState::InProgress) continue;
    cancel_checks(p.id);
    p.state = PairState::Failed;
  }
  if (!checks_.has_next()) timers_.stop(Timer::Pace);
  release_peers();
}

void Agent::peer_nominated(CandidatePair& pair, std::optional<std::uint32_t> nomination) {
  if (nomination) pair.nomination = std::max(*nomination, pair.nomination.value_or(0));
  pair.nominate_on_success = true;
  if (!pair.valid) return;
  const CandidatePair* const current = selected_ ? checks_.find(*selected_) : nullptr;
  if (current == nullptr || !current->nominated) return conclude(pair);
  if (current->id == pair.id) return;
  // Or the peer leaves a path that is dead.
  if (outranks(pair, *current) || disconnected_) conclude(pair);
}

void Agent::select(CandidatePair* pair) {
  if (pair == nullptr || selected_ == pair->id) return;
  selected_ = pair->id;
  lost_ = false;
  if (previous_) forget_previous();
  timers_.stop(Timer::Patience);
  relays_.bind(now_, pair->path);
  ++selected_pair_changes_;
  emit(SelectedPairChanged{pair->path, local(pair->local)->candidate, remote_entry(pair->remote)->candidate});
  start_consent();
  arm_improvement();
}

void Agent::choose_selected() {
  // Before a nomination any valid pair may carry data (RFC 8445 section 12.1): the best one does. During a restart the
  // pair of the generation before goes on until a new one is nominated.
  if (concluded_ || previous_) return;
  if (disconnected_ && selected_)
    return;  // The best one may be just that which is silent: leave_silent_path() decides.
  select(best_valid());
}

void Agent::leave_silent_path() {
  // A peer that gives no consent on the selected pair, but was heard on another one since, has got another address:
  // its NAT has forgotten it, or it roams. Deviation: RFC 8445 section 8.1.1 has a restart for that, which needs
  // signaling.
  if (!disconnected_ || !settled_ || !selected_) return;
  CandidatePair* best = nullptr;
  CandidatePair* nominating = nullptr;
  for (CandidatePair& pair : checks_.pairs()) {
    if (pair.nominating) nominating = &pair;
    if (!pair.valid || pair.id == *selected_ || pair.heard <= consent_at_) continue;
    if (best == nullptr || pair.heard > best->heard) best = &pair;
  }
  if (best == nullptr || best == nominating) return;
  if (nominating != nullptr && nominating->heard >= best->heard) return;
  if (nominating != nullptr) nominating->nominating = false;  // The peer has moved on since.
  if (role_ == IceRole::Controlling)
    nominate(*best);
  else if (best->nominate_on_success)
    conclude(*best);
  else if (!concluded_)
    select(best);
}

void Agent::pair_two_lites() {
  // RFC 8445 section 6.1.1 and 8.2: nobody checks; both take the best pair for granted.
  if (!remote_ || !remote_->lite || selected_) return;
  CandidatePair* best = nullptr;
  for (CandidatePair& pair : checks_.pairs()) {
    if (best == nullptr || pair.priority > best->priority) best = &pair;
  }
  if (best == nullptr) return;
  best->state = PairState::Succeeded;
  best->valid = true;
  conclude(*best);
}

}  // namespace linnet::ice
