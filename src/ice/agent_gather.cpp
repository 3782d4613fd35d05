#include <algorithm>
#include <array>
#include <utility>

#include "base/mdns_name.hpp"
#include "ice/agent.hpp"
#include "ice/priority.hpp"
#include "stun/message_builder.hpp"

// Gathering, RFC 8445 section 5.1: host candidates from the sockets, server-reflexive ones from STUN servers. Relayed
// ones begin here and go on in agent_relay.cpp.

namespace linnet::ice {
void Agent::gather(TimePoint now) {
  advance(now);
  if (!active() || gathering_state_ != IceGatheringState::New) return;
  set_gathering_state(IceGatheringState::Gathering);
  emit(NeedSockets{});
  servers_in_use_.clear();
  lost_relays_.clear();
  if (!options_.lite) {
    // STUN over TCP or TLS gives no server-reflexive candidate for a UDP socket.
    std::ranges::copy_if(options_.servers, std::back_inserter(servers_in_use_), [this](const Server& server) {
      return server.kind == Server::Kind::Turn ||
             (options_.policy == IceTransportPolicy::All && server.protocol == Protocol::Udp);
    });
  }
  servers_.assign(servers_in_use_.size(), ServerEntry{});
  relays_.keep(now_, servers_in_use_, previous_ ? std::optional{previous_->pair.path.local} : std::nullopt);
  for (const LocalSocket& socket : sockets_) add_host(socket);
  for (std::size_t i = 0; i < servers_.size(); ++i) start_server(i);
  run();
}

void Agent::start_server(std::size_t index) {
  const Server& server = servers_in_use_[index];
  if (const auto address = IpAddress::parse(server.host)) {
    servers_[index].addresses.push_back(*address);
    for (const LocalSocket& socket : sockets_) want_gather(index, socket);
    return;
  }
  const ResolveId id{next_resolve_++};
  servers_[index].pending = id;
  emit(Resolve{id, server.host, is_mdns_name(server.host)});
}

void Agent::add_socket(TimePoint now, const LocalSocket& socket) {
  advance(now);
  if (!active()) return;
  if (this->socket(socket.local, socket.protocol) != nullptr) return rename_socket(socket);
  const bool wanted =
      socket.protocol == Protocol::Udp || (socket.protocol == Protocol::Tcp && options_.tcp == IceTcp::ActivePassive);
  if (!wanted || sockets_.size() >= options_.max_local_candidates) {
    ++statistics_.limits_hit;
    emit(CloseSocket{socket.local, socket.protocol});
    return;
  }
  sockets_.push_back(socket);
  if (gathering_state_ != IceGatheringState::New) {
    network_came();
    improvements_ = 0;
    add_host(socket);
  }
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    resolve_again(i, socket.local.address);
    if (!servers_[i].addresses.empty()) want_gather(i, socket);
  }
  run();
}

/// A network may have a name server that knows what was not to be known before, or addresses of its own family.
void Agent::resolve_again(std::size_t index, const IpAddress& local) {
  ServerEntry& server = servers_[index];
  const bool known = std::ranges::find(server.addresses, local.family(), &IpAddress::family) != server.addresses.end();
  if (known || server.pending || local.is_link_local() || local.is_loopback()) return;
  const std::string& host = servers_in_use_[index].host;
  if (IpAddress::parse(host)) return;
  server.pending = ResolveId{next_resolve_++};
  server.again = true;
  emit(Resolve{*server.pending, host, is_mdns_name(host)});
}

void Agent::sockets_done(TimePoint now) {
  advance(now);
  if (!active() || gathering_state_ != IceGatheringState::Gathering) return;
  sockets_done_ = true;
  run();
}

void Agent::remove_socket(TimePoint now, const Endpoint& local, Protocol protocol) {
  advance(now);
  const LocalSocket* const known = socket(local, protocol);
  if (closed_ || known == nullptr) return;
  const LocalSocket leaving = *known;
  sockets_.erase(sockets_.begin() + (known - sockets_.data()));
  if (protocol == Protocol::Udp) {
    std::erase_if(waiting_gathers_, [&](const auto& gather) { return gather.socket == local; });
    inherit_lost_relays(leaving);
    relays_.remove_socket(now_, local);
  }
  // With the address goes what connects from it.
  const auto gone = [&](const Endpoint& base, Protocol of) {
    return (base == local && of == protocol) || (protocol == Protocol::Udp && of == Protocol::Tcp &&
                                                 base.address == local.address && !socket(base, Protocol::Tcp));
  };
  std::erase_if(locals_, [&](const LocalEntry& entry) { return gone(entry.base, entry.candidate.protocol); });
  drop_paths([&](const Path& path) { return gone(path.local, path.protocol); });
  run();
}

/// Of UDP or of a relay.
void Agent::drop_base(const Endpoint& base) {
  std::erase_if(locals_, [&](const LocalEntry& entry) {
    return entry.base == base && entry.candidate.protocol == Protocol::Udp;
  });
  drop_paths([&](const Path& path) { return path.local == base && path.protocol == Protocol::Udp; });
}

void Agent::drop_paths(const std::function<bool(const Path&)>& gone) {
  if (previous_ && gone(previous_->pair.path)) {
    forget_previous();
    if (!selected_) stop_consent();
  }
  const CandidatePair* const pair = selected_ ? checks_.find(*selected_) : nullptr;
  const bool lost = pair != nullptr && gone(pair->path);
  std::erase_if(transactions_, [&](const Transaction& t) { return gone(t.path); });
  if (lost) {
    selected_.reset();
    stop_consent();
  }
  checks_.remove_if([&](const CandidatePair& p) { return gone(p.path); });
  if (lost && active()) {
    // Another pair that has answered takes over.
    concluded_ = completed_ = false;
    choose_selected();
    if (!selected()) {
      path_lost();
    } else if (selected_) {
      // The peer does not know yet, and sends to where nobody is any more.
      checks_.trigger(*checks_.find(*selected_), true);
    }
  }
}

void Agent::resolved(TimePoint now, ResolveId id, std::span<const IpAddress> addresses) {
  advance(now);
  if (!active()) return;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    ServerEntry& server = servers_[i];
    if (server.pending != id) continue;
    server.pending.reset();
    const bool again = std::exchange(server.again, false);
    const std::vector<IpAddress> before = server.addresses;
    if (!again || !addresses.empty()) server.addresses.assign(addresses.begin(), addresses.end());
    if (addresses.empty() && !again) {
      const bool turn = servers_in_use_[i].kind == Server::Kind::Turn;
      emit(
          CandidateError{{},
                         0,
                         servers_in_use_[i].url,
                         stun::unreachable,
                         turn ? "TURN server host could not be resolved." : "STUN server host could not be resolved."});
    }
    for (const LocalSocket& socket : sockets_) {
      // A STUN server has answered already where its addresses were known.
      const bool asked = std::ranges::find(before, socket.local.address.family(), &IpAddress::family) != before.end();
      const bool turn = servers_in_use_[i].kind == Server::Kind::Turn;
      if (again && !asked && addresses.empty()) relay_missed(i, socket);
      if (!asked || (turn && !relay_waits(i, socket.local))) want_gather(i, socket);
    }
    return run();
  }
  const auto it = std::ranges::find_if(remotes_, [&](const RemoteEntry& r) { return r.pending == id; });
  if (it == remotes_.end()) return;
  it->pending.reset();
  RemoteEntry named = std::move(*it);
  std::erase_if(remotes_, [&](const RemoteEntry& r) { return r.id == named.id; });
  // A name may stand for an IPv4 and an IPv6 address; each is a candidate of its own.
  constexpr std::size_t most = 4;
  for (const IpAddress& address : addresses.first(std::min(most, addresses.size()))) {
    RemoteEntry entry = named;
    entry.id = CandidateId{next_candidate_++};
    entry.endpoint = Endpoint{without_scope(address.unmapped()), named.candidate.port};
    add_remote_entry(std::move(entry));
    // RFC 8445 section 5.1.1.3: other addresses have other foundations. One may be a liar's, and the rest would wait
    // for it to fail.
    named.candidate.foundation += '+';
  }
  run();
}

const LocalSocket* Agent::socket(const Endpoint& local, Protocol protocol) const noexcept {
  const auto it =
      std::ranges::find_if(sockets_, [&](const LocalSocket& s) { return s.local == local && s.protocol == protocol; });
  return it == sockets_.end() ? nullptr : &*it;
}

std::uint32_t Agent::local_preference(const LocalSocket& socket) const noexcept {
  // RFC 8421: IPv6 first, or what the owner prefers; before that what libwebrtc calls cost, after it the order in which
  // sockets came. Link-local and loopback addresses reach least and go last.
  const auto index = static_cast<std::uint32_t>(&socket - sockets_.data());
  std::uint32_t preference = 65'535 - 64 * std::min<std::uint32_t>(socket.cost, 999) - std::min(index, 31U);
  if (socket.local.address.is_v4() != options_.ipv4_first) preference -= 32;
  if (socket.local.address.is_link_local() || socket.local.address.is_loopback()) preference -= 64;
  return preference;
}

std::string Agent::foundation_of(IceCandidateType type, const IpAddress& base, std::string_view server) {
  // RFC 8445 section 5.1.1.3: equal for the same type, base address, server and protocol. A running number tells nobody
  // anything about the addresses.
  std::string key{linnet::to_string(type)};
  key.append(" ").append(linnet::to_string(base)).append(" ").append(server);
  auto it = std::ranges::find(foundations_, key);
  if (it == foundations_.end()) {
    if (foundations_.size() >= 4 * options_.max_local_candidates) foundations_.clear();
    it = foundations_.insert(foundations_.end(), std::move(key));
  }
  return std::to_string(it - foundations_.begin() + 1);
}

/// Reflexive candidates make room once they have done their work, so that NATs and peers that change wear nothing out.
/// The pairs that they stood for are their base's again.
bool Agent::has_room_for_local() {
  if (locals_.size() < options_.max_local_candidates) return true;
  const auto is_spent = [&](const LocalEntry& l) {
    return !l.paired && (settled_ || l.candidate.type == IceCandidateType::Prflx) &&
           std::ranges::none_of(checks_.pairs(), [&](const CandidatePair& pair) {
             return pair.local == l.id && (!settled_ || selected_ == pair.id);
           });
  };
  const auto spent = std::ranges::find_if(locals_, is_spent);
  if (spent == locals_.end()) {
    ++statistics_.limits_hit;
    return false;
  }
  const auto base = std::ranges::find_if(locals_, [&](const LocalEntry& l) {
    return l.paired && l.base == spent->base && l.candidate.protocol == spent->candidate.protocol;
  });
  for (CandidatePair& pair : checks_.pairs()) {
    if (pair.local == spent->id && base != locals_.end()) pair.local = base->id;
  }
  locals_.erase(spent);
  return true;
}

void Agent::add_host(const LocalSocket& socket) {
  if (socket.protocol == Protocol::Udp && options_.udp && socket.local.port != 0) add_udp_host(socket);
  add_tcp_host(socket);
}

void Agent::add_udp_host(const LocalSocket& socket) {
  // A relay-only agent shows and uses no address of its own.
  if (options_.policy == IceTransportPolicy::Relay || !has_room_for_local()) return;
  Candidate candidate;
  candidate.foundation = foundation_of(IceCandidateType::Host, socket.local.address, {});
  candidate.priority = candidate_priority(IceCandidateType::Host, local_preference(socket));
  candidate.address = shown_address(socket);
  candidate.port = socket.local.port;
  candidate.ufrag = local_credentials_.ufrag;
  if (socket.network_id != 0) candidate.network_id = socket.network_id;
  if (socket.cost != 0) candidate.network_cost = socket.cost;
  locals_.push_back({CandidateId{next_candidate_++}, candidate, socket.local, true});
  emit(LocalCandidate{std::move(candidate)});
  const LocalEntry entry = locals_.back();
  pair_local(entry);
  if (const auto shown = public_address(socket.local.address); shown && options_.show_private_addresses)
    add_server_reflexive(socket.local, Server{}, {}, {*shown, socket.local.port});
}

void Agent::want_gather(std::size_t index, const LocalSocket& socket) {
  if (options_.lite || socket.protocol != Protocol::Udp) return;
  if ((!options_.udp || socket.local.port == 0) && servers_in_use_[index].protocol == Protocol::Udp) return;
  const bool reachable = std::ranges::any_of(servers_[index].addresses, [&](const IpAddress& address) {
    return address.family() == socket.local.address.family() &&
           (!socket.local.address.is_loopback() || address.is_loopback());
  });
  if (reachable && !socket.local.address.is_link_local())
    waiting_gathers_.push_back({.server = index, .socket = socket.local});
}

void Agent::send_gathers() {
  while (!waiting_gathers_.empty() && transactions_.size() < options_.max_transactions) {
    if (!pacer_.ready(now_)) return timers_.set(Timer::Pace, pacer_.next());
    const WaitingGather gather = waiting_gathers_.front();
    waiting_gathers_.erase(waiting_gathers_.begin());
    if (const LocalSocket* const from = socket(gather.socket)) gather_from(gather, *from);
  }
}

/// Of several addresses one may be dead.
bool Agent::try_next_address(std::size_t index, const Endpoint& socket, const IpAddress& tried) {
  if (index >= servers_.size() || this->socket(socket) == nullptr) return false;
  constexpr std::ptrdiff_t most = 3;
  std::vector<IpAddress> of_family = servers_[index].addresses;
  std::erase_if(of_family, [&](const IpAddress& address) { return address.family() != tried.family(); });
  const auto at = std::ranges::find(of_family, tried);
  const auto next = at == of_family.end() ? at : at + 1;
  if (next == of_family.end() || next - of_family.begin() >= most) return false;
  waiting_gathers_.push_back({.server = index, .socket = socket, .address = *next});
  return true;
}

void Agent::gather_from(const WaitingGather& gather, const LocalSocket& socket) {
  const std::size_t index = gather.server;
  const auto& addresses = servers_[index].addresses;
  const auto to = std::ranges::find_if(addresses, [&](const IpAddress& address) {
    return address.family() == socket.local.address.family() && address == gather.address.value_or(address);
  });
  if (to == addresses.end()) return;
  const Server& server = servers_in_use_[index];
  const Endpoint remote{*to, server.port};
  if (server.kind == Server::Kind::Turn) {
    if (relays_.serves(server, socket.local, socket.network_id)) return;
    if (!relays_.start(now_, server, socket.local, socket.network_id, remote)) ++statistics_.limits_hit;
    return pacer_.spend(now_);
  }
  Transaction t;
  t.kind = Transaction::Kind::Gather;
  t.timing =
      StunTransaction{now_, options_.rto, options_.max_sends, options_.last_wait, now_ + options_.gather_timeout};
  t.id = stun::TransactionId::random(generator_);
  t.path = Path{socket.local, remote};
  t.server = index;
  std::array<std::byte, 64> buffer{};
  stun::MessageBuilder message{buffer, stun::Class::Request, stun::Method::Binding, t.id};
  const std::size_t size = message.fingerprint().finish();
  t.message.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  queue_packet(t.path, t.message);
  transactions_.push_back(std::move(t));
  pacer_.spend(now_);
}

void Agent::handle_gather_response(const Transaction& transaction, const stun::MessageView& message) {
  if (message.message_class() == stun::Class::Error) {
    const auto error = message.error_code();
    return gather_failed(transaction, error ? error->code : stun::unreachable,
                         error ? std::string(error->reason.substr(0, 128)) : "malformed error response");
  }
  const auto mapped = message.mapped_address();
  if (!mapped) return gather_failed(transaction, stun::unreachable, "STUN server sent no mapped address.");
  add_server_reflexive(transaction.path.local, servers_in_use_[transaction.server], transaction.path.remote, *mapped);
}

void Agent::gather_failed(const Transaction& transaction, std::uint16_t code, std::string text) {
  const Path& path = transaction.path;
  if (code == stun::unreachable && try_next_address(transaction.server, path.local, path.remote.address)) return;
  CandidateError error{.address = {},
                       .port = 0,
                       .url = servers_in_use_[transaction.server].url,
                       .error_code = code,
                       .error_text = std::move(text)};
  // W3C: no address that no candidate has exposed.
  if (!hides_addresses()) {
    error.address = linnet::to_string(transaction.path.local.address);
    error.port = transaction.path.local.port;
  }
  emit(std::move(error));
}

void Agent::add_server_reflexive(const Endpoint& local, const Server& server, std::optional<Endpoint> told_by,
                                 const Endpoint& mapped) {
  const LocalSocket* const base = socket(local);
  if (base == nullptr) return;
  const IpAddress seen = mapped.address.unmapped();
  if (seen.is_unspecified() || seen.is_multicast() || mapped.port == 0) return;
  // Whoever hears of it would knock at doors of its own.
  if (seen.is_loopback() && !base->local.address.is_loopback()) return;
  // RFC 8445 section 5.1.3: equal address and base is redundant; so is what a peer has reflected before.
  const auto same = std::ranges::find_if(locals_, [&](const LocalEntry& l) {
    return l.base == base->local && l.candidate.protocol == Protocol::Udp && l.candidate.endpoint() == mapped;
  });
  const bool reflected = same != locals_.end();
  if (reflected && same->candidate.type != IceCandidateType::Prflx) return;
  // Behind a name it is no redundant one: peers elsewhere cannot resolve that.
  if (base->name.empty() && mapped == Endpoint{without_scope(base->local.address), base->local.port}) return;
  Candidate candidate;
  candidate.foundation = foundation_of(IceCandidateType::Srflx, base->local.address, server.host);
  candidate.priority = candidate_priority(IceCandidateType::Srflx, local_preference(*base));
  candidate.address = mapped.address;
  candidate.port = mapped.port;
  candidate.type = IceCandidateType::Srflx;
  candidate.related = shown_base(*base);
  candidate.ufrag = local_credentials_.ufrag;
  if (base->network_id != 0) candidate.network_id = base->network_id;
  if (base->cost != 0) candidate.network_cost = base->cost;
  candidate.url = server.url;
  // Checks leave from the base, whose pairs exist already (RFC 8445 section 6.1.2.4), so nothing is paired here.
  if (reflected) {
    same->candidate = candidate;
    same->server = told_by;
  } else if (!has_room_for_local()) {
    return;
  } else {
    locals_.push_back({CandidateId{next_candidate_++}, candidate, base->local, false, told_by});
  }
  if (told_by && !concluded_ && !timers_.armed(Timer::Mapping)) timers_.set(Timer::Mapping, now_ + options_.keepalive);
  emit(LocalCandidate{std::move(candidate)});
}

void Agent::keep_mappings() {
  // RFC 8445 section 5.1.1.4: until ICE has concluded, however long the peer's description takes.
  // Deviation: by indications, not requests. They keep a NAT's mapping as well, and nothing waits for an answer.
  for (const LocalEntry& entry : locals_) {
    if (!entry.server) continue;
    send_indication({entry.base, *entry.server});
    timers_.set(Timer::Mapping, now_ + options_.keepalive);
  }
}

void Agent::update_gathering() {
  if (gathering_state_ != IceGatheringState::Gathering || !sockets_done_ || !waiting_gathers_.empty()) return;
  if (std::ranges::any_of(servers_, [](const ServerEntry& s) { return s.pending.has_value(); })) return;
  if (std::ranges::any_of(transactions_, [](const Transaction& t) { return t.kind == Transaction::Kind::Gather; })) {
    return;
  }
  if (relays_.pending()) return;
  gathered_ = true;
  set_gathering_state(IceGatheringState::Complete);
}

void Agent::set_gathering_state(IceGatheringState state) {
  gathering_state_ = state;
  emit(GatheringStateChanged{state});
}

}  // namespace linnet::ice
