#include <algorithm>
#include <utility>

#include "base/mdns_name.hpp"
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

std::vector<LostRelay>::iterator Agent::lost_relay(const turn::Relays::Site& site) noexcept {
  const std::size_t server = index_of(site.server);
  return std::ranges::find_if(lost_relays_, [&](const LostRelay& lost) {
    return lost.server == server && does_for(site.server, site.socket, lost);
  });
}

/// Whether that is known already: what was lost before could not be had again this time.
bool Agent::relay_lost(const turn::Relays::Failed& failed) {
  const std::size_t server = index_of(failed.site.server);
  if (!options_.allocate_again || failed.code == 0 || server >= servers_.size()) return false;
  auto lost = lost_relay(failed.site);
  if (lost == lost_relays_.end()) {
    // What the first networks do not give is not asked for again. A network that comes may only not be ready yet.
    const bool early = gathered_ && (failed.code == stun::unreachable || servers_[server].served);
    if ((!failed.lost && !early) || socket(failed.site.socket) == nullptr) return false;
    lost = lost_relays_.insert(lost, LostRelay{.server = server, .socket = failed.site.socket});
  }
  if (lost->state == LostRelay::State::Held && lost->at <= now_) *lost = {.server = server, .socket = lost->socket};
  // A server that has lost its memory is there; one that is gone needs time, and with it all who want it back. So does
  // one that has no memory.
  const bool forgotten = failed.lost && failed.code == std::to_underlying(stun::ErrorCode::AllocationMismatch);
  wait_for_relay(*lost, !forgotten || lost->attempts != 0);
  return std::exchange(lost->told, true);
}

/// The server's name leads nowhere in a network that came, which may only not be ready yet.
void Agent::relay_missed(std::size_t server, const LocalSocket& socket) {
  const IpAddress& address = socket.local.address;
  if (!options_.allocate_again || !gathered_ || !servers_[server].served) return;
  if (socket.protocol != Protocol::Udp || address.is_link_local() || address.is_loopback()) return;
  const auto same = [&](const LostRelay& lost) {
    return lost.server == server && does_for(servers_in_use_[server], socket.local, lost);
  };
  if (std::ranges::any_of(lost_relays_, same)) return;
  lost_relays_.push_back({.server = server, .socket = socket.local});
  wait_for_relay(lost_relays_.back());
}

bool Agent::relay_waits(std::size_t server, const Endpoint& socket) const noexcept {
  return std::ranges::any_of(lost_relays_, [&](const LostRelay& lost) {
    return lost.server == server && lost.state == LostRelay::State::Waiting &&
           does_for(servers_in_use_[server], socket, lost);
  });
}

void Agent::wait_for_relay(LostRelay& lost, bool long_enough) {
  const auto longest = static_cast<std::uint64_t>(options_.again_after_most.count());
  const auto first = static_cast<std::uint64_t>(options_.again_after.count());
  const std::uint64_t delay = long_enough ? std::min(longest, first << std::min(lost.attempts, 16U)) : 0;
  const Duration random{static_cast<Duration::rep>(delay / 2 + generator_.below(delay / 2 + 1))};
  lost.state = LostRelay::State::Waiting;
  lost.at = now_ + random;
  arm_allocate_again();
}

void Agent::relay_found(const turn::Relays::Site& site) {
  if (const std::size_t server = index_of(site.server); server < servers_.size()) servers_[server].served = true;
  const auto lost = lost_relay(site);
  if (lost == lost_relays_.end()) return;
  lost->state = LostRelay::State::Held;
  lost->at = now_ + options_.proven_after;
  lost->told = false;
  arm_allocate_again();
  network_came();
}

/// It went with its socket, or was to be had again there. Another socket that it did for, too, has one of its own now.
/// So has the next one that comes.
void Agent::inherit_relay(std::size_t server, const Endpoint& gone, std::uint32_t network_id) {
  if (!options_.allocate_again || server >= servers_.size()) return;
  LostRelay relay{.server = server, .at = now_};
  const auto lost =
      std::ranges::find_if(lost_relays_, [&](const LostRelay& l) { return l.server == server && l.socket == gone; });
  if (lost != lost_relays_.end()) {
    relay.attempts = lost->attempts;
    relay.told = lost->told;
    if (lost->state == LostRelay::State::Waiting) relay.at = lost->at;
    lost_relays_.erase(lost);
  }
  const Server& at = servers_in_use_[server];
  const auto heir = std::ranges::find_if(sockets_, [&](const LocalSocket& s) {
    const bool same_network = network_id != 0 && s.network_id == network_id;
    return s.protocol == Protocol::Udp && s.local.address.family() == gone.address.family() &&
           (at.protocol != Protocol::Udp || same_network);
  });
  const auto known = [&](const LostRelay& l) { return l.server == server && does_for(at, heir->local, l); };
  if (heir != sockets_.end() && std::ranges::none_of(lost_relays_, known)) {
    relay.socket = heir->local;
    lost_relays_.push_back(relay);
  }
  arm_allocate_again();
}

/// Of all servers, what was lost and not had again yet.
void Agent::inherit_lost_relays(const LocalSocket& gone) {
  for (std::size_t server = 0; server < servers_.size(); ++server) {
    const auto of_it = [&](const LostRelay& lost) { return lost.server == server && lost.socket == gone.local; };
    if (std::ranges::any_of(lost_relays_, of_it)) inherit_relay(server, gone.local, gone.network_id);
  }
}

void Agent::arm_allocate_again() {
  TimePoint next = never;
  for (const LostRelay& lost : lost_relays_) next = std::min(next, lost.at);
  timers_.set(Timer::Allocate, next);
}

void Agent::allocate_again() {
  std::erase_if(lost_relays_,
                [this](const LostRelay& lost) { return lost.state == LostRelay::State::Held && lost.at <= now_; });
  for (LostRelay& lost : lost_relays_) {
    if (lost.at <= now_) allocate_again(lost);
  }
  arm_allocate_again();
}

void Agent::allocate_again(LostRelay& lost) {
  lost.state = LostRelay::State::Trying;
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
    return emit(Resolve{*entry.pending, server.host, is_mdns_name(server.host)});
  }
  for (const LocalSocket& socket : sockets_) {
    if (does_for(server, socket.local, lost)) want_gather(lost.server, socket);
  }
}

/// An attempt may end before it has begun: there are too many relays, or the server's name leads to no address of the
/// family any more.
void Agent::wait_for_stuck_relays() {
  for (LostRelay& lost : lost_relays_) {
    if (lost.state != LostRelay::State::Trying || servers_[lost.server].pending) continue;
    const Server& server = servers_in_use_[lost.server];
    const bool begins = std::ranges::any_of(waiting_gathers_, [&](const WaitingGather& gather) {
      return gather.server == lost.server && does_for(server, gather.socket, lost);
    });
    const LocalSocket* const from = socket(lost.socket);
    if (!begins && !relays_.serves(server, lost.socket, from == nullptr ? 0 : from->network_id)) wait_for_relay(lost);
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
