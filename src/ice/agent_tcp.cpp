#include <algorithm>
#include <string>
#include <utility>

#include "ice/agent.hpp"
#include "ice/priority.hpp"

// ICE-TCP, RFC 6544: candidates, pairs, and the streams that pairs need. Simultaneous open is left out, as NATs that it
// passes are let through by UDP, too.

namespace linnet::ice {
namespace {

constexpr std::uint16_t discard_port = 9;  // RFC 6544 section 4.5: of active candidates
constexpr std::uint16_t peer_numbers = 256;

}  // namespace

Agent::TcpStream* Agent::tcp_stream(const Path& path) noexcept {
  const auto it = std::ranges::find(tcp_streams_, path, &TcpStream::path);
  return it == tcp_streams_.end() ? nullptr : &*it;
}

void Agent::add_tcp_host(const LocalSocket& socket) {
  const bool passive = socket.protocol == Protocol::Tcp;
  if (options_.tcp == IceTcp::Off || options_.policy == IceTransportPolicy::Relay) return;
  // A lite agent connects to nobody.
  if (options_.lite && !passive) return;
  add_tcp_candidate(socket, IceCandidateType::Host, shown_address(socket));
  // A NAT lets nobody connect to an active one anyway.
  const auto shown = passive && options_.show_private_addresses ? public_address(socket.local.address) : std::nullopt;
  if (shown) add_tcp_candidate(socket, IceCandidateType::Srflx, *shown);
}

void Agent::add_tcp_candidate(const LocalSocket& socket, IceCandidateType type,
                              const std::variant<IpAddress, std::string>& shown) {
  if (!has_room_for_local()) return;
  const bool passive = socket.protocol == Protocol::Tcp;
  const auto direction = passive ? IceTcpCandidateType::Passive : IceTcpCandidateType::Active;
  Candidate candidate;
  candidate.foundation = foundation_of(type, socket.local.address, passive ? "passive" : "active");
  candidate.protocol = Protocol::Tcp;
  candidate.priority = tcp_priority(type, direction, local_preference(socket));
  candidate.address = shown;
  candidate.port = passive ? socket.local.port : discard_port;
  candidate.type = type;
  candidate.tcp_type = direction;
  candidate.ufrag = local_credentials_.ufrag;
  if (socket.network_id != 0) candidate.network_id = socket.network_id;
  if (socket.cost != 0) candidate.network_cost = socket.cost;
  const bool host = type == IceCandidateType::Host;
  if (!host) candidate.related = shown_base(socket);
  // An active candidate's ports are the system's to choose, one for each pair.
  const Endpoint base = passive ? socket.local : Endpoint{socket.local.address, 0};
  locals_.push_back({CandidateId{next_candidate_++}, candidate, base, host});
  emit(LocalCandidate{std::move(candidate)});
  const LocalEntry entry = locals_.back();
  if (host) pair_local(entry);
}

std::uint16_t Agent::next_stream_number() noexcept {
  const auto taken = [&](std::uint16_t number) {
    const auto same = [&](const auto& with_path) {
      return with_path.path.protocol == Protocol::Tcp && with_path.path.local.port == number;
    };
    // Those of listeners are real.
    const auto listens = [&](const LocalSocket& s) { return s.protocol == Protocol::Tcp && s.local.port == number; };
    return std::ranges::any_of(checks_.pairs(), same) || std::ranges::any_of(tcp_streams_, same) ||
           std::ranges::any_of(sockets_, listens);
  };
  // There are fewer pairs than numbers.
  const auto number = [&] {
    return static_cast<std::uint16_t>(options_.first_stream + turn::Relays::stream_numbers +
                                      next_stream_ % peer_numbers);
  };
  for (std::uint16_t tries = 0; tries < peer_numbers && taken(number()); ++tries) ++next_stream_;
  const std::uint16_t out = number();
  ++next_stream_;
  return out;
}

/// RFC 6544 section 6.2: active with passive. A passive candidate pairs with a peer that has connected to it.
bool Agent::name_tcp_path(const LocalEntry& local, const RemoteEntry& remote, Path& path) {
  path.protocol = Protocol::Tcp;
  if (remote.candidate.protocol != Protocol::Tcp) return false;
  if (local.candidate.tcp_type != IceTcpCandidateType::Active) return tcp_stream(path) != nullptr;
  if (remote.candidate.tcp_type != IceTcpCandidateType::Passive) return false;
  const auto known = std::ranges::find_if(
      checks_.pairs(), [&](const CandidatePair& p) { return p.local == local.id && p.remote == remote.id; });
  path.local.port = known == checks_.pairs().end() ? next_stream_number() : known->path.local.port;
  return true;
}

/// Whether a check can be sent on the pair now. If not, a stream is on its way, or the pair has failed.
bool Agent::has_stream(CandidatePair& pair) {
  if (pair.path.protocol == Protocol::Udp) return true;
  if (const TcpStream* const stream = tcp_stream(pair.path)) {
    if (!stream->open) pair.state = PairState::InProgress;
    return stream->open;
  }
  const bool comes_in = socket(pair.path.local, Protocol::Tcp) != nullptr;
  if (comes_in || tcp_streams_.size() >= options_.max_streams || !connects_.ready(now_)) {
    // Its stream has ended; or a peer makes us knock at doors.
    if (!comes_in) ++statistics_.limits_hit;
    check_failed(pair);
    return false;
  }
  connects_.spend(now_);
  pair.state = PairState::InProgress;
  tcp_streams_.push_back({.path = pair.path, .deadline = now_ + options_.reliable_timeout});
  emit(Connect{.path = pair.path, .server_name = {}, .framing = Framing::Rfc4571});
  pacer_.spend(now_);
  return false;
}

bool Agent::tcp_connected(const Path& path) {
  if (TcpStream* const stream = tcp_stream(path)) {
    if (std::exchange(stream->open, true)) return true;
    stream->deadline = never;
    CandidatePair* const pair = checks_.find(path);
    if (pair == nullptr || pair->state == PairState::Failed) return true;
    pair->state = PairState::Waiting;
    checks_.trigger(*pair);
    return true;
  }
  if (path.protocol != Protocol::Tcp || socket(path.local, Protocol::Tcp) == nullptr) return false;
  if (tcp_streams_.size() >= options_.max_streams) {
    // Whoever came first and has not proved to be the peer makes room.
    ++statistics_.limits_hit;
    const auto stranger = std::ranges::find_if(
        tcp_streams_, [&](const TcpStream& s) { return s.accepted && !is_tcp_stream_used(s.path); });
    if (stranger == tcp_streams_.end()) {
      emit(Disconnect{path});
      return true;
    }
    emit(Disconnect{stranger->path});
    tcp_streams_.erase(stranger);
  }
  tcp_streams_.push_back(
      {.path = path, .open = true, .accepted = true, .deadline = now_ + options_.unproven_stream_timeout});
  return true;
}

bool Agent::tcp_disconnected(const Path& path) {
  if (std::erase_if(tcp_streams_, [&](const TcpStream& s) { return s.path == path; }) == 0) return false;
  lose_stream(path);
  return true;
}

/// What was under way there fails; a pair that carries data gives way to another one.
void Agent::lose_stream(const Path& path) {
  const bool previous = previous_ && previous_->pair.path == path;
  CandidatePair* const pair = checks_.find(path);
  if (previous || (pair != nullptr && pair->nominated)) {
    return drop_paths([&](const Path& p) { return p == path; });
  }
  std::erase_if(transactions_, [&](const Transaction& t) { return t.path == path; });
  if (pair != nullptr) check_failed(*pair);
}

bool Agent::is_tcp_stream_used(const Path& path) const noexcept {
  if (previous_ && previous_->pair.path == path) return true;
  if (const CandidatePair* const pair = checks_.find(path)) return pair->state != PairState::Failed;
  return std::ranges::find(early_, path, &EarlyCheck::path) != early_.end();
}

void Agent::expire_tcp_streams() {
  for (std::size_t i = 0; i < tcp_streams_.size();) {
    TcpStream& stream = tcp_streams_[i];
    if (stream.deadline > now_) {
      ++i;
    } else if (stream.open && is_tcp_stream_used(stream.path)) {
      stream.deadline = never;
      ++i;
    } else {
      const Path path = stream.path;
      tcp_streams_.erase(tcp_streams_.begin() + static_cast<std::ptrdiff_t>(i));
      emit(Disconnect{path});
      lose_stream(path);
      i = 0;  // That may have ended others.
    }
  }
}

/// Closes streams whose pairs are gone. Those that came in are given time to prove that they are the peer's.
void Agent::release_tcp_streams() {
  std::erase_if(tcp_streams_, [&](const TcpStream& stream) {
    if (is_tcp_stream_used(stream.path)) return false;
    const CandidatePair* const pair = checks_.find(stream.path);
    if (stream.accepted && pair == nullptr && stream.deadline != never && active()) return false;
    emit(Disconnect{stream.path});
    return true;
  });
}

}  // namespace linnet::ice
