#include <algorithm>
#include <utility>

#include "ice/agent.hpp"

// Relays that are lost in the life of a connection: their server died and came back, has forgotten them, or its stream
// broke. They are allocated anew in the same generation, and told and checked like those of a network that comes
// (agent_roam.cpp). Deviation: RFC 8445 has an ICE restart for that.

namespace linnet::ice {

std::size_t Agent::index_of(const Server& server) const noexcept {
  auto it = std::ranges::find(servers_in_use_, server);
  if (it == servers_in_use_.end()) it = std::ranges::find(servers_in_use_, server.url, &Server::url);
  return static_cast<std::size_t>(it - servers_in_use_.begin());
}

/// A stream leaves from any address of the family, so any socket's may stand for another's.
bool Agent::does_for(const Server& server, const Endpoint& socket, const LostRelay& lost) const noexcept {
  const bool any = server.protocol != Protocol::Udp && !options_.bound_streams;
  return any ? socket.address.family() == lost.socket.address.family() : socket == lost.socket;
}

std::vector<Agent::LostRelay>::iterator Agent::lost_relay(const turn::Relays::Site& site) noexcept {
  const std::size_t server = index_of(site.server);
  return std::ranges::find_if(lost_relays_, [&](const LostRelay& lost) {
    return lost.server == server && does_for(site.server, site.socket, lost);
  });
}

/// Whether that is known already: a relay that was lost could not be had again this time.
bool Agent::relay_lost(const turn::Relays::Failed& failed) {
  const auto known = lost_relay(failed.site);
  const bool again = known != lost_relays_.end();
  if (!options_.allocate_again || failed.code == 0 || (!again && !failed.lost)) return false;
  const std::size_t server = index_of(failed.site.server);
  if (server >= servers_.size()) return false;
  LostRelay lost = again ? *known : LostRelay{.server = server, .socket = failed.site.socket};
  // A server that has lost its memory is there; one that is gone needs time, and with it all who want it back.
  const bool forgotten = failed.lost && failed.code == std::to_underlying(stun::ErrorCode::AllocationMismatch);
  const auto longest = static_cast<std::uint64_t>(options_.again_after_most.count());
  const std::uint64_t delay = forgotten ? 0
                                        : std::min(longest, static_cast<std::uint64_t>(options_.again_after.count())
                                                                << std::min(lost.attempts, 16U));
  const Duration random{static_cast<Duration::rep>(delay / 2 + generator_.below(delay / 2 + 1))};
  lost.at = now_ + random;
  if (again) {
    *known = lost;
  } else {
    lost_relays_.push_back(lost);
  }
  arm_allocate_again();
  return again;
}

void Agent::relay_found(const turn::Relays::Site& site) {
  const auto lost = lost_relay(site);
  if (lost == lost_relays_.end()) return;
  lost_relays_.erase(lost);
  arm_allocate_again();
  network_came();
}

/// It went with its socket. Another one that it did for, too, has one of its own now.
void Agent::inherit_relay(const turn::Relays::Site& site) {
  const std::size_t server = index_of(site.server);
  if (!options_.allocate_again || server >= servers_.size() || lost_relay(site) != lost_relays_.end()) return;
  const auto heir = std::ranges::find_if(sockets_, [&](const LocalSocket& s) {
    const bool same_network = site.network_id != 0 && s.network_id == site.network_id;
    return s.protocol == Protocol::Udp && s.local.address.family() == site.socket.address.family() &&
           (site.server.protocol != Protocol::Udp || same_network);
  });
  if (heir == sockets_.end()) return;
  lost_relays_.push_back({.server = server, .socket = heir->local, .at = now_});
  arm_allocate_again();
}

void Agent::arm_allocate_again() {
  TimePoint next = never;
  for (const LostRelay& lost : lost_relays_) next = std::min(next, lost.at);
  timers_.set(Timer::Allocate, next);
}

void Agent::allocate_again() {
  for (LostRelay& lost : lost_relays_) {
    if (lost.at <= now_) allocate_again(lost);
  }
  arm_allocate_again();
}

void Agent::allocate_again(LostRelay& lost) {
  lost.at = never;
  ++lost.attempts;
  Server& server = servers_in_use_[lost.server];
  // The owner may have got other credentials since.
  const auto given = std::ranges::find(options_.servers, server.url, &Server::url);
  const bool same = std::ranges::find(options_.servers, server) != options_.servers.end();
  if (!same && given != options_.servers.end()) server = *given;
  ServerEntry& entry = servers_[lost.server];
  if (entry.pending) return;
  if (!IpAddress::parse(server.host)) {
    // It may have moved. The answer goes on with all sockets.
    entry.pending = ResolveId{next_resolve_++};
    entry.again = true;
    return emit(Resolve{*entry.pending, server.host, is_local_name(server.host)});
  }
  for (const LocalSocket& socket : sockets_) {
    if (does_for(server, socket.local, lost)) want_gather(lost.server, socket);
  }
}

/// Nothing comes on a path through a relay of ours: either the peer is gone or the server. Asked now, the server says
/// that it has forgotten us minutes before we would have asked.
void Agent::probe_relay() {
  const CandidatePair* const pair = selected_mutable();
  if (!disconnected_ || pair == nullptr || !relays_.is_relayed(pair->path.local)) return timers_.stop(Timer::Probe);
  relays_.probe(now_, pair->path.local);
  timers_.set(Timer::Probe, now_ + options_.probe_interval);
}

}  // namespace linnet::ice
