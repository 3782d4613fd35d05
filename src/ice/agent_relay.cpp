#include <algorithm>
#include <utility>

#include "ice/agent.hpp"
#include "ice/priority.hpp"

// Relayed candidates (RFC 8445 section 5.1.1.2) and the way through TURN servers.

namespace linnet::ice {
namespace {

/// Of a machine or link that the server is not on: for whoever hears of it, it is something of their own.
bool is_nearer(const IpAddress& relayed, const IpAddress& server) {
  const IpAddress address = relayed.unmapped();
  return (address.is_loopback() && !server.is_loopback()) ||
         (address.is_link_local() && !server.is_link_local() && !server.is_loopback());
}

}  // namespace

void Agent::connected(TimePoint now, const Path& path) {
  advance(now);
  if (!active()) {
    // It came in too late.
    if (!closed_) emit(Disconnect{path});
    return;
  }
  if (!tcp_connected(path)) relays_.connected(now_, path);
  run();
}

void Agent::disconnected(TimePoint now, const Path& path, std::string_view why) {
  advance(now);
  if (closed_) return;
  if (!tcp_disconnected(path) && active()) relays_.disconnected(now_, path, why);
  run();
}

std::optional<Datagram> Agent::unwrap_relayed(const Datagram& datagram) {
  advance(datagram.at);
  auto inner = relays_.unwrap(now_, datagram);
  if (!inner) run();
  return inner;
}

void Agent::drain_relays() {
  while (auto event = relays_.poll_event()) {
    if (const auto* allocated = std::get_if<turn::Relays::Allocated>(&*event)) {
      relay_allocated(*allocated);
    } else if (const auto* failed = std::get_if<turn::Relays::Failed>(&*event)) {
      relay_failed(*failed);
    } else if (const auto* refused = std::get_if<turn::Relays::Refused>(&*event)) {
      relay_refused(*refused);
    } else if (auto* connect = std::get_if<turn::Relays::Connect>(&*event)) {
      emit(Connect{.path = connect->path, .server_name = std::move(connect->server_name), .framing = Framing::Stun});
    } else if (const auto* disconnect = std::get_if<turn::Relays::Disconnect>(&*event)) {
      emit(Disconnect{disconnect->path});
    }
  }
}

bool Agent::is_own_address(const Endpoint& relayed, const turn::Relays::Site& site) const noexcept {
  if (socket(relayed) != nullptr || relayed == site.path.remote) return true;
  if (std::ranges::any_of(remotes_, [&](const RemoteEntry& r) { return r.endpoint == relayed; })) return true;
  return std::ranges::any_of(locals_, [&](const LocalEntry& l) { return l.candidate.endpoint() == relayed; });
}

void Agent::relay_allocated(const turn::Relays::Allocated& allocated) {
  if (!active()) return;
  // A server that lies: packets would go to ourselves or to another server, or the peer would be taken for us.
  const auto is_lie = [&](const Endpoint& relayed) {
    return relayed == allocated.mapped || is_own_address(relayed, allocated.site) ||
           is_nearer(relayed.address, allocated.site.path.remote.address);
  };
  if (std::ranges::any_of(allocated.relayed, is_lie)) {
    return relays_.reject(now_, allocated.site.path, "The TURN server gave an address of somebody else.");
  }
  relay_found(allocated.site);
  const bool shows_addresses = options_.policy == IceTransportPolicy::All;
  // RFC 8445 section 5.1.1.2: the answer has a server-reflexive candidate in it.
  if (allocated.mapped && shows_addresses && allocated.site.path.protocol == Protocol::Udp)
    add_server_reflexive(allocated.site.socket, allocated.site.server, {}, *allocated.mapped);
  for (const Endpoint& relayed : allocated.relayed) add_relay_candidate(allocated, relayed);
}

void Agent::add_relay_candidate(const turn::Relays::Allocated& allocated, const Endpoint& relayed) {
  if (!has_room_for_local()) return;
  const turn::Relays::Site& site = allocated.site;
  const LocalSocket* const base = socket(site.socket);
  Candidate candidate;
  candidate.foundation = foundation_of(IceCandidateType::Relay, relayed.address,
                                       site.server.host + ' ' + std::string{linnet::to_string(site.path.protocol)});
  // Of two addresses of one allocation the IPv6 one is second: IPv4 reaches more.
  const std::uint32_t preference = base != nullptr ? local_preference(*base) : 0;
  candidate.priority =
      relay_priority(site.path.protocol, preference - (relayed.address.is_v6() && preference > 16 ? 16U : 0U));
  candidate.address = relayed.address;
  candidate.port = relayed.port;
  candidate.type = IceCandidateType::Relay;
  // Relay-only is there to hide where we are.
  const bool shows_addresses = options_.policy == IceTransportPolicy::All;
  candidate.related = Endpoint{relayed.address.is_v4() ? IpAddress{} : IpAddress::v6({}), 0};
  if (shows_addresses && allocated.mapped && !hides_addresses()) candidate.related = *allocated.mapped;
  candidate.ufrag = local_credentials_.ufrag;
  if (base != nullptr && base->network_id != 0) candidate.network_id = base->network_id;
  if (base != nullptr && base->cost != 0) candidate.network_cost = base->cost;
  candidate.url = site.server.url;
  candidate.relay_protocol = site.path.protocol;
  locals_.push_back({CandidateId{next_candidate_++}, candidate, relayed, true});
  emit(LocalCandidate{std::move(candidate)});
  const LocalEntry entry = locals_.back();
  pair_local(entry);
}

/// Whether another address of the same server is asked now. One that does not want this user may want the next one.
bool Agent::ask_elsewhere(const turn::Relays::Failed& failed) {
  const turn::Relays::Site& site = failed.site;
  const std::size_t index = index_of(site.server);
  if (failed.code == 0 || !failed.relayed.empty() || index >= servers_.size()) return false;
  if (failed.code == stun::unreachable) return try_next_address(index, site.socket, site.path.remote.address);
  for (std::size_t i = index + 1; i < servers_.size(); ++i) {
    if (servers_in_use_[i].url != site.server.url || servers_in_use_[i] == site.server) continue;
    if (const LocalSocket* const from = socket(site.socket)) want_gather(i, *from);
    break;
  }
  return false;
}

void Agent::relay_failed(const turn::Relays::Failed& failed) {
  if (ask_elsewhere(failed)) return;
  if (failed.code == 0) inherit_relay(index_of(failed.site.server), failed.site.socket, failed.site.network_id);
  CandidateError error{
      .address = {}, .port = 0, .url = failed.site.server.url, .error_code = failed.code, .error_text = failed.text};
  if (options_.policy == IceTransportPolicy::All && !hides_addresses()) {
    error.address = linnet::to_string(failed.site.socket.address);
    error.port = failed.site.path.protocol == Protocol::Udp ? failed.site.socket.port : std::uint16_t{0};
  }
  if (failed.code != 0 && !relay_lost(failed)) emit(std::move(error));
  for (const Endpoint& relayed : failed.relayed) drop_base(relayed);
}

void Agent::relay_refused(const turn::Relays::Refused& refused) {
  // The checks could not arrive: they need not be waited for.
  for (CandidatePair& pair : checks_.pairs()) {
    if (pair.path.remote.address != refused.peer || pair.state == PairState::Failed) continue;
    if (std::ranges::find(refused.relayed, pair.path.local) == refused.relayed.end()) continue;
    cancel_checks(pair.id);
    check_failed(pair);
  }
}

void Agent::permit(const Path& path) {
  if (relays_.permit(now_, path)) return;
  release_peers();
  (void)relays_.permit(now_, path);
}

void Agent::release_peers() {
  std::vector<Path> paths;
  paths.reserve(checks_.pairs().size() + 1);
  for (const CandidatePair& pair : checks_.pairs()) paths.push_back(pair.path);
  if (previous_) paths.push_back(previous_->pair.path);
  relays_.release(now_, paths);
}

}  // namespace linnet::ice
