#include <algorithm>

#include "ice/agent.hpp"

// Networks that come and go, here or at the peer, while there is a connection. Deviation: RFC 8445 has an ICE restart
// for that (sections 8.1.2 and 9), which needs signaling, and its round trip. Here new candidates are told and checked
// in the same generation, as libwebrtc does with continual gathering, and the controlling side nominates again.

namespace linnet::ice {

void Agent::network_came() {
  if (gathering_state_ == IceGatheringState::Complete) set_gathering_state(IceGatheringState::Gathering);
  choose_again();
}

/// Data goes on over the nominated pair until a better one is.
void Agent::choose_again() {
  if (!gathered_ || role_ != IceRole::Controlling || options_.lite) return;
  concluded_ = false;
  nominate_now_ = false;
}

/// Nothing can be sent, but a network may be on its way: a cable is out, the radio still looks for its station.
void Agent::path_lost() {
  lost_ = true;
  timers_.set(Timer::Patience, now_ + options_.consent_expiry);
  retry_pairs();
}

/// What failed, or was dropped when another pair was nominated, may work now: with the addresses that the peer has
/// told, of those told late only the last ones, for it has left the others.
void Agent::retry_pairs() {
  if (options_.lite || !remote_) return;
  std::size_t late = 0;
  for (auto remote = remotes_.rbegin(); remote != remotes_.rend(); ++remote) {
    if (remote->candidate.type == IceCandidateType::Prflx || (remote->late && ++late > last_remotes)) continue;
    for (const LocalEntry& local : locals_) {
      CandidatePair* const pair = form_pair(local, *remote);
      if (pair != nullptr && pair->state == PairState::Failed && selected_ != pair->id)
        pair->state = PairState::Waiting;
    }
  }
  // What has worked before is not known to work now; and the peer may wait to hear from us there.
  for (CandidatePair& pair : checks_.pairs()) {
    if (pair.state == PairState::Succeeded && selected_ != pair.id && !pair.nominating) checks_.trigger(pair);
  }
}

/// Pairs that once carried data stay, for they may do so again; but not so many that there is no room for new ones.
void Agent::forget_silent_pair() {
  const auto silent = [this](const CandidatePair& p) {
    return p.state == PairState::Succeeded && selected_ != p.id && !p.nominating;
  };
  const CandidatePair* oldest = nullptr;
  for (const CandidatePair& pair : checks_.pairs()) {
    if (silent(pair) && (oldest == nullptr || pair.heard < oldest->heard)) oldest = &pair;
  }
  if (oldest == nullptr) return;
  const PairId id = oldest->id;
  checks_.remove_if([id](const CandidatePair& p) { return p.id == id; });
}

/// The peer has spoken from an address that is new: whether the path in use is dead is asked now, not at the next
/// interval, and not for long.
void Agent::suspect_path() {
  CandidatePair* const pair = selected_mutable();
  if (!settled_ || options_.lite || disconnected_ || pair == nullptr) return;
  constexpr Duration least = std::chrono::seconds{1};
  if (now_ - consent_at_ < least) return;
  const Duration patience = 4 * pair->statistics.current_round_trip_time.value_or(least / 4);
  if (!timers_.armed(Timer::Disconnected)) send_consent_check();
  const TimePoint by = now_ + std::min(std::max(patience, least), options_.disconnected_after);
  if (timers_.get(Timer::Disconnected) > by) timers_.set(Timer::Disconnected, by);
}

}  // namespace linnet::ice
