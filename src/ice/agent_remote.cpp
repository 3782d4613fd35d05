#include <algorithm>
#include <array>

#include "base/mdns_name.hpp"
#include "ice/agent.hpp"

// What the peer tells of itself, and the pairs that come of it (RFC 8445 section 6.1.2, RFC 8838).

namespace linnet::ice {
namespace {

bool is_ice_text(std::string_view text, std::size_t least) {
  return text.size() >= least && text.size() <= 256 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
         });
}

bool is_reachable(const Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() && !endpoint.address.is_multicast();
}

/// RFC 8445 section 6.1.2.2: same family, link-local only with link-local; loopback reaches loopback alone.
bool can_pair(const IpAddress& local, const IpAddress& remote) {
  return local.family() == remote.family() && (local.is_v4() || local.is_link_local() == remote.is_link_local()) &&
         local.is_loopback() == remote.is_loopback();
}

/// A link-local address means something only on an interface: that of the socket.
IpAddress scoped_like(const IpAddress& remote, const IpAddress& local) {
  if (remote.is_v4() || !remote.is_link_local()) return remote;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(remote.bytes(), bytes.begin());
  return IpAddress::v6(bytes, local.scope());
}

}  // namespace

Result<> Agent::set_remote(TimePoint now, const RemoteParameters& remote) {
  advance(now);
  if (closed_) return fail(ErrorName::InvalidStateError, "the ICE agent is closed");
  // RFC 8839 section 5.4 asks for 4 and 22 characters; the upper bound keeps USERNAME within RFC 8489's.
  if (!is_ice_text(remote.credentials.ufrag, 4) || !is_ice_text(remote.credentials.pwd, 22)) {
    return fail(ErrorName::SyntaxError,
                "ice-ufrag or ice-pwd is too short, too long or has characters it must not have");
  }
  if (remote_ && remote_->credentials == remote.credentials) {
    remote_ = remote;
  } else {
    if (remote_ && !restarted_) restart(now);
    remote_ = remote;
    restarted_ = false;
    std::erase_if(remotes_, [&](const RemoteEntry& r) {
      return r.candidate.ufrag && *r.candidate.ufrag != remote.credentials.ufrag;
    });
  }
  if (!remote.trickle) remote_done_ = true;
  // RFC 8445 section 6.1.1: with one lite side, the full one controls.
  if (remote.lite && !options_.lite) switch_role(IceRole::Controlling);
  if (options_.lite && !remote.lite) switch_role(IceRole::Controlled);
  const std::vector<RemoteEntry> entries = remotes_;
  for (const RemoteEntry& entry : entries) pair_remote(entry);
  start_patience();
  replay_early_checks();
  run();
  return {};
}

Result<> Agent::add_remote_candidate(TimePoint now, const Candidate& candidate) {
  advance(now);
  if (closed_) return fail(ErrorName::InvalidStateError, "the ICE agent is closed");
  if (remote_ && candidate.ufrag && !candidate.ufrag->empty() && *candidate.ufrag != remote_->credentials.ufrag) {
    return fail(ErrorName::OperationError, "the candidate belongs to another ICE generation");
  }
  if (options_.trace != nullptr) options_.trace->add(trace::IceCandidate{false, to_string(candidate)});
  // Component 2 has no use under rtcp-mux. Of TCP candidates those matter that wait for us: the others come by
  // themselves.
  const bool udp = candidate.protocol == Protocol::Udp;
  const bool waits =
      options_.tcp != IceTcp::Off && !options_.lite && candidate.tcp_type == IceTcpCandidateType::Passive;
  if (failed_ || candidate.component != 1 || (!udp && !waits) || candidate.port == 0) return {};
  RemoteEntry entry;
  entry.candidate = candidate;
  entry.id = CandidateId{next_candidate_++};
  // RFC 8839 section 5.1: candidates with other names are ignored. A peer must not have us ask our DNS servers, which
  // serve others meanwhile.
  entry.late = remote_done_ || (settled_ && now_ - settled_at_ >= options_.late_after);
  if (auto endpoint = candidate.endpoint()) {
    entry.endpoint = Endpoint{endpoint->address.unmapped(), endpoint->port};
    add_remote_entry(std::move(entry));
  } else if (is_mdns_name(std::get<std::string>(candidate.address))) {
    look_up(std::move(entry));
  }
  run();
  return {};
}

void Agent::look_up(RemoteEntry entry) {
  const Candidate& candidate = entry.candidate;
  const auto same = [&](const RemoteEntry& r) {
    return r.candidate.address == candidate.address && r.candidate.port == candidate.port &&
           r.candidate.protocol == candidate.protocol;
  };
  if (std::ranges::any_of(remotes_, same)) return;
  // Everybody on our network hears the question: a peer must not have us ask without end.
  if (!lookups_.ready(now_) || !has_room_for_remote(candidate.priority)) {
    ++statistics_.limits_hit;
    ++statistics_.candidates_dropped;
    return;
  }
  lookups_.spend(now_);
  entry.pending = ResolveId{next_resolve_++};
  emit(Resolve{*entry.pending, std::get<std::string>(candidate.address), true});
  remotes_.push_back(std::move(entry));
}

/// Of more candidates than there is room for the best stay, and with them all that are in pairs. Without a priority:
/// for one that the peer is known to be at, which is better than what it only tells of.
bool Agent::has_room_for_remote(std::optional<std::uint32_t> priority) {
  if (remotes_.size() < options_.max_remote_candidates) return true;
  const auto in_use = [&](const RemoteEntry& r) {
    return std::ranges::find(checks_.pairs(), r.id, &CandidatePair::remote) != checks_.pairs().end();
  };
  // Addresses that the peer has left go first.
  const auto worth = [](const RemoteEntry& r) {
    return r.candidate.type == IceCandidateType::Prflx ? 0 : std::uint64_t{r.candidate.priority} + 1;
  };
  auto worst = remotes_.end();
  for (auto it = remotes_.begin(); it != remotes_.end(); ++it) {
    if ((worst == remotes_.end() || worth(*it) < worth(*worst)) && !in_use(*it)) worst = it;
  }
  if (worst == remotes_.end()) return false;
  if (priority && worth(*worst) > *priority) return false;
  // Those that the peer has left are no loss.
  if (worst->candidate.type != IceCandidateType::Prflx) {
    ++statistics_.limits_hit;
    ++statistics_.candidates_dropped;
  }
  remotes_.erase(worst);
  return true;
}

void Agent::add_remote_entry(RemoteEntry entry) {
  if (!is_reachable(*entry.endpoint)) return;
  const auto same = std::ranges::find_if(remotes_, [&](const RemoteEntry& r) {
    return r.endpoint == entry.endpoint && r.candidate.protocol == entry.candidate.protocol;
  });
  if (same != remotes_.end()) {
    // RFC 8838 section 11: signaling now tells what a check had told before, with the true type and priority.
    if (same->candidate.type != IceCandidateType::Prflx) return;
    same->candidate = entry.candidate;
    same->late = entry.late;
    for (CandidatePair& pair : checks_.pairs()) {
      if (pair.remote == same->id) pair.remote_priority = entry.candidate.priority;
    }
    checks_.set_role(role_);
    // It may be a relay, which nobody could know when it was selected.
    const CandidatePair* const in_use = selected_ ? checks_.find(*selected_) : nullptr;
    if (in_use == nullptr || in_use->remote != same->id) return;
    emit(SelectedPairChanged{in_use->path, local(in_use->local)->candidate, same->candidate, true});
    arm_improvement();
    return;
  }
  // One of another network is where the peer is now.
  if (!has_room_for_remote(entry.late ? std::nullopt : std::optional{entry.candidate.priority})) {
    ++statistics_.limits_hit;
    ++statistics_.candidates_dropped;
    return;
  }
  remotes_.push_back(entry);
  pair_remote(entry);
  start_patience();
}

void Agent::remote_end_of_candidates(TimePoint now) {
  advance(now);
  if (!active()) return;
  remote_done_ = true;
  start_patience();
  run();
}

bool Agent::remote_names_pending() const noexcept {
  return std::ranges::any_of(remotes_, [](const RemoteEntry& r) { return r.pending.has_value(); });
}

void Agent::start_patience() {
  // RFC 8863: a peer-reflexive candidate may save a check list that has nothing else, so it is given time.
  // Deviation: the time begins anew with each candidate that the peer tells, as signaling may be a person.
  if (selected() || !remote_) return;
  timers_.set(Timer::Patience, now_ + options_.patience);
}

void Agent::pair_remote(const RemoteEntry& remote) {
  // RFC 8445 section 8.1.2: once a pair is nominated no further ones are formed; only a check from the peer adds one,
  // or another network.
  if (!remote_ || !remote.endpoint || (concluded_ && !remote.late)) return;
  if (remote.late) choose_again();
  if (remote.late && remote.candidate.type != IceCandidateType::Relay) improvements_ = 0;
  for (const LocalEntry& local : locals_) form_pair(local, remote);
}

void Agent::pair_local(const LocalEntry& local) {
  if (!remote_ || (concluded_ && !gathered_)) return;
  // A peer that roams has left most of the addresses that it told late or was seen at: the last ones are tried.
  const auto changes = [](const RemoteEntry& r) { return r.late || r.candidate.type == IceCandidateType::Prflx; };
  const auto known = static_cast<std::size_t>(std::ranges::count_if(remotes_, changes));
  std::size_t left = gathered_ && known > last_remotes ? known - last_remotes : 0;
  for (const RemoteEntry& remote : remotes_) {
    if (left != 0 && changes(remote))
      --left;
    else
      form_pair(local, remote);
  }
}

CandidatePair* Agent::form_pair(const LocalEntry& local, const RemoteEntry& remote, bool proven) {
  if (!local.paired || !remote.endpoint || !can_pair(local.base.address, remote.endpoint->address)) return nullptr;
  CandidatePair pair;
  pair.path =
      Path{local.base, Endpoint{scoped_like(remote.endpoint->address, local.base.address), remote.endpoint->port}};
  if (local.candidate.protocol == Protocol::Tcp) {
    if (!name_tcp_path(local, remote, pair.path)) return nullptr;
  } else if (remote.candidate.protocol != Protocol::Udp) {
    return nullptr;
  }
  if (CandidatePair* const known = checks_.find(pair.path)) return known;
  // Nobody is their own peer, whatever a server or a peer says.
  if (pair.path.local == pair.path.remote) return nullptr;
  pair.local = local.id;
  pair.remote = remote.id;
  pair.local_priority = local.candidate.priority;
  pair.remote_priority = remote.candidate.priority;
  if (gathered_ && checks_.pairs().size() >= options_.max_pairs) forget_silent_pair();
  CandidatePair* const added = checks_.add(pair, local.candidate.foundation, remote.candidate.foundation, proven);
  if (added == nullptr) ++statistics_.limits_hit;
  // It may have taken the place of one that was being checked.
  if (proven) {
    std::erase_if(transactions_, [&](const Transaction& t) {
      return t.kind == Transaction::Kind::Check && checks_.find(t.pair) == nullptr;
    });
  }
  // RFC 8445 section 6.1.2.6 has a pair wait for the one of its foundation that is tried. What comes later does not:
  // the other one may lead to where nobody is any more, and takes its time to fail.
  const bool later = remote.late || (gathered_ && settled_);
  if (added != nullptr && later && added->state == PairState::Frozen) added->state = PairState::Waiting;
  if (added != nullptr && local.candidate.type == IceCandidateType::Relay) permit(added->path);
  return added;
}

const Agent::RemoteEntry* Agent::remote_for(const Endpoint& endpoint, Protocol protocol, std::uint32_t priority) {
  const IpAddress& address = endpoint.address;
  const auto it = std::ranges::find_if(remotes_, [&](const RemoteEntry& r) {
    return r.endpoint && r.endpoint->port == endpoint.port && scoped_like(r.endpoint->address, address) == address &&
           r.candidate.protocol == protocol;
  });
  if (it != remotes_.end()) return &*it;
  if (!has_room_for_remote(std::nullopt)) {
    ++statistics_.limits_hit;
    return nullptr;
  }
  // RFC 8445 section 7.3.1.3: a peer-reflexive candidate, with a foundation unlike all others.
  RemoteEntry entry;
  entry.id = CandidateId{next_candidate_++};
  entry.endpoint = Endpoint{scoped_like(address, IpAddress{}), endpoint.port};
  entry.candidate.foundation = "prflx" + std::to_string(entry.id.value());
  entry.candidate.priority = priority;
  entry.candidate.address = entry.endpoint->address;
  entry.candidate.port = endpoint.port;
  entry.candidate.type = IceCandidateType::Prflx;
  entry.candidate.protocol = protocol;
  if (protocol == Protocol::Tcp) entry.candidate.tcp_type = IceTcpCandidateType::Active;
  remotes_.push_back(std::move(entry));
  return &remotes_.back();
}

void Agent::replay_early_checks() {
  const std::vector<EarlyCheck> early = std::exchange(early_, {});
  for (const EarlyCheck& check : early) {
    if (check.remote_ufrag == remote_->credentials.ufrag) triggered_check(check);
  }
}

}  // namespace linnet::ice
