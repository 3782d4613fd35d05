#include "ice/agent.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/machine.hpp"

namespace linnet::ice {

static_assert(PathMachine<Agent>);

Agent::Agent(Options options, Generator& generator)
    : options_(std::move(options)),
      generator_(generator),
      tiebreaker_(generator.next_u64()),
      relays_({.rto = options_.rto,
               .max_sends = options_.max_sends,
               .last_wait = options_.last_wait,
               .allocate_timeout = options_.allocate_timeout,
               .keepalive = options_.keepalive,
               .max_relays = options_.max_relays,
               .bound_streams = options_.bound_streams},
              options_.first_stream, generator),
      lookups_(options_.lookup_interval, static_cast<unsigned>(options_.max_lookups)),
      connects_(options_.connect_interval, static_cast<unsigned>(options_.max_connects)),
      checks_(options_.max_pairs),
      pacer_(options_.pacing, options_.burst) {
  new_credentials();
}

void Agent::new_credentials() {
  // RFC 8445 section 5.3: at least 24 and 128 random bits; these are 48 and 144.
  constexpr std::string_view ice_chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto text = [&](std::size_t size) {
    std::vector<std::byte> random(size);
    generator_.fill(random);
    std::string out;
    for (const std::byte b : random) out.push_back(ice_chars[std::to_integer<std::size_t>(b) & 63U]);
    return out;
  };
  local_credentials_ = {text(8), text(24)};
}

TimePoint Agent::advance(TimePoint now) noexcept { return now_ = std::max(now_, now); }

void Agent::run() {
  drain_relays();
  if (active()) {
    if (options_.lite) {
      pair_two_lites();
    } else {
      send_checks();
      consider_nomination();
      leave_silent_path();
    }
    send_gathers();
    drain_relays();  // New ones want their streams.
    wait_for_stuck_relays();
    update_gathering();
  }
  release_tcp_streams();
  update_state();
}

IceConnectionState Agent::compute_state() const noexcept {
  // The words of W3C RTCIceTransportState.
  if (closed_) return IceConnectionState::Closed;
  if (failed_) return IceConnectionState::Failed;
  if (selected_) {
    if (disconnected_) return IceConnectionState::Disconnected;
    return completed_ ? IceConnectionState::Completed : IceConnectionState::Connected;
  }
  if (lost_) return IceConnectionState::Disconnected;
  // A restart that begins in `disconnected` forgets that connectivity was lost.
  if (previous_ && !disconnected_) return IceConnectionState::Connected;
  if (state_ == IceConnectionState::New && checks_.pairs().empty()) return IceConnectionState::New;
  return IceConnectionState::Checking;
}

void Agent::update_state() {
  if (concluded_ && remote_done_ && gathering_state_ == IceGatheringState::Complete && !checks_.pending()) {
    completed_ = true;
  }
  if (options_.trace != nullptr) trace_pairs();
  const IceConnectionState state = compute_state();
  if (state == state_) return;
  state_ = state;
  emit(StateChanged{state});
}

void Agent::emit(Event event) {
  if (options_.trace != nullptr) trace_event(event);
  if (events_.size() >= options_.max_events) {
    events_.pop_front();
    ++statistics_.limits_hit;
  }
  events_.push_back(std::move(event));
}

void Agent::fail_all() {
  failed_ = true;
  lost_ = false;
  selected_.reset();
  previous_.reset();
  transactions_.clear();
  waiting_gathers_.clear();
  relays_.close(now_);
  timers_.stop_all();
  for (CandidatePair& pair : checks_.pairs()) {
    pair.state = PairState::Failed;
    pair.valid = pair.nominated = false;
  }
}

void Agent::restart(TimePoint now) {
  if (closed_) return;
  advance(now);
  // RFC 8445 section 9: data goes on over the old pair, whose consent is still kept alive with the old credentials.
  if (selected_) {
    const CandidatePair& pair = *checks_.find(*selected_);
    previous_ = Previous{.pair = pair,
                         .local = local(pair.local)->candidate,
                         .remote = remote_entry(pair.remote)->candidate,
                         .remote_credentials = remote_->credentials,
                         .local_ufrag = local_credentials_.ufrag,
                         .remote_lite = remote_->lite};
    previous_->local.ufrag = local_credentials_.ufrag;
    previous_->remote.ufrag = remote_->credentials.ufrag;
    old_local_credentials_ = local_credentials_;
    std::erase_if(transactions_, [&](const Transaction& t) {
      return t.kind != Transaction::Kind::Consent || t.pair != previous_->pair.id;
    });
    for (Transaction& t : transactions_) t.previous = true;
  } else {
    std::erase_if(transactions_, [](const Transaction& t) { return !t.previous; });
    if (!previous_) old_local_credentials_.reset();
  }
  selected_.reset();
  new_credentials();
  checks_.clear();
  locals_.clear();
  remotes_.clear();
  early_.clear();
  waiting_gathers_.clear();
  servers_.clear();
  lost_relays_.clear();
  remote_.reset();
  remote_done_ = failed_ = completed_ = concluded_ = settled_ = nominate_now_ = gathered_ = lost_ = false;
  nominations_ = improvements_ = 0;
  restarted_ = true;
  sockets_done_ = false;
  gathering_state_ = IceGatheringState::New;
  timers_.stop(Timer::Pace);
  timers_.stop(Timer::Nominate);
  timers_.stop(Timer::Patience);
  timers_.stop(Timer::Mapping);
  timers_.stop(Timer::Allocate);
  update_state();
}

void Agent::forget_previous() {
  std::erase_if(transactions_, [](const Transaction& t) { return t.previous; });
  previous_.reset();
  relays_.drop_retired(now_);
}

void Agent::set_role(TimePoint now, IceRole role) {
  advance(now);
  if (closed_ || role == role_) return;
  switch_role(role);
  run();
}

void Agent::close(TimePoint now) {
  advance(now);
  if (std::exchange(closed_, true)) return;
  selected_.reset();
  previous_.reset();
  transactions_.clear();
  waiting_gathers_.clear();
  early_.clear();
  timers_.stop_all();
  outgoing_.clear();
  relays_.close(now_);
  while (relays_.poll_event()) {
  }
  tcp_streams_.clear();  // The owner closes them.
  events_.clear();
  if (options_.trace != nullptr) trace_event(StateChanged{IceConnectionState::Closed});
  state_ = IceConnectionState::Closed;
}

void Agent::note_sent(TimePoint now, const Path& path, std::size_t bytes) {
  CandidatePair* pair = checks_.find(path);
  if (pair == nullptr && previous_ && previous_->pair.path == path) pair = &previous_->pair;
  if (pair == nullptr) return;
  ++pair->statistics.packets_sent;
  pair->statistics.bytes_sent += bytes;
  pair->statistics.last_packet_sent = now;
  if (timers_.armed(Timer::Keepalive)) timers_.set(Timer::Keepalive, now_ + options_.keepalive);
}

void Agent::note_received(TimePoint now, const Path& path, std::size_t bytes) {
  CandidatePair* pair = checks_.find(path);
  if (pair == nullptr && previous_ && previous_->pair.path == path) pair = &previous_->pair;
  if (pair == nullptr) return;
  ++pair->statistics.packets_received;
  pair->statistics.bytes_received += bytes;
  pair->statistics.last_packet_received = now;
}

void Agent::note_discarded(const Path& path, std::uint64_t packets, std::uint64_t bytes) {
  CandidatePair* pair = checks_.find(path);
  if (pair == nullptr && previous_ && previous_->pair.path == path) pair = &previous_->pair;
  // On the way to a TURN server, whose pairs share it: what is in use sends the most.
  CandidatePair* const in_use = selected_mutable();
  if (pair == nullptr && in_use != nullptr && relays_.goes_by(in_use->path.local, path)) pair = in_use;
  if (pair == nullptr) return;
  pair->statistics.packets_discarded += packets;
  pair->statistics.bytes_discarded += bytes;
}

void Agent::queue_packet(const Path& path, std::vector<std::byte> bytes, std::string key) {
  if (outgoing_.size() >= options_.max_packets) {
    outgoing_.pop_front();
    ++statistics_.limits_hit;
  }
  outgoing_.push_back({path, std::move(bytes), std::move(key)});
}

Progress Agent::poll_transmit(TimePoint now, DatagramBatch& batch) {
  advance(now);
  // Permissions come before the checks that need them.
  if (relays_.poll_transmit(now_, batch) == Progress::More) return Progress::More;
  while (!outgoing_.empty()) {
    Outgoing& packet = outgoing_.front();
    if (!packet.key.empty()) {
      packet.bytes = finished(packet);
      packet.key.clear();
    }
    const auto out = begin(batch, packet.path, Ecn::NotEct, packet.bytes.size());
    if (out.empty()) return Progress::More;
    std::ranges::copy(packet.bytes, out.begin());
    commit(batch, packet.bytes.size());
    outgoing_.pop_front();
  }
  return Progress::Done;
}

void Agent::handle_timeout(TimePoint now) {
  advance(now);
  if (!active()) return;
  relays_.handle_timeout(now_);
  expire_transactions();
  expire_tcp_streams();
  while (const auto timer = timers_.expire(now_)) {
    switch (*timer) {
      case Timer::Pace: break;  // run() goes on with the checks.
      case Timer::Nominate: nominate_now_ = true; break;
      case Timer::Patience:
        if (!selected()) fail_all();
        break;
      case Timer::Consent: send_consent_check(); break;
      case Timer::Disconnected:
        disconnected_ = selected().has_value();
        if (disconnected_ && selected_) retry_pairs();
        if (disconnected_) probe_relay();
        break;
      case Timer::ConsentExpiry: consent_lost(); break;
      case Timer::Keepalive: send_keepalive(); break;
      case Timer::Mapping: keep_mappings(); break;
      case Timer::Allocate: allocate_again(); break;
      case Timer::Probe: probe_relay(); break;
      case Timer::Improve: improve(); break;
      case Timer::Count: break;
    }
  }
  run();
}

TimePoint Agent::next_timeout() const noexcept {
  if (!active()) return never;
  TimePoint next = std::min(timers_.next(), relays_.next_timeout());
  for (const Transaction& t : transactions_) next = std::min(next, t.timing.next_timeout());
  for (const TcpStream& s : tcp_streams_) next = std::min(next, s.deadline);
  return next;
}

std::optional<Agent::Event> Agent::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::optional<Path> Agent::selected() const noexcept {
  if (selected_) return checks_.find(*selected_)->path;
  if (previous_) return previous_->pair.path;
  return std::nullopt;
}

bool Agent::is_valid(const Path& path) const noexcept {
  if (previous_ && previous_->pair.path == path) return true;
  const CandidatePair* const pair = checks_.find(path);
  return pair != nullptr && pair->valid;
}

std::optional<Agent::SelectedPair> Agent::selected_pair() const {
  if (selected_) {
    const CandidatePair& pair = *checks_.find(*selected_);
    return SelectedPair{local(pair.local)->candidate, remote_entry(pair.remote)->candidate, pair};
  }
  if (previous_) return SelectedPair{previous_->local, previous_->remote, previous_->pair};
  return std::nullopt;
}

std::vector<KnownCandidate> Agent::local_candidates() const {
  std::vector<KnownCandidate> out;
  out.reserve(locals_.size());
  for (const LocalEntry& entry : locals_) out.push_back({entry.id, entry.candidate});
  return out;
}

std::vector<KnownCandidate> Agent::remote_candidates() const {
  std::vector<KnownCandidate> out;
  out.reserve(remotes_.size());
  for (const RemoteEntry& entry : remotes_) out.push_back({entry.id, entry.candidate});
  return out;
}

const Agent::LocalEntry* Agent::local(CandidateId id) const noexcept {
  const auto it = std::ranges::find(locals_, id, &LocalEntry::id);
  return it == locals_.end() ? nullptr : &*it;
}

const Agent::RemoteEntry* Agent::remote_entry(CandidateId id) const noexcept {
  const auto it = std::ranges::find(remotes_, id, &RemoteEntry::id);
  return it == remotes_.end() ? nullptr : &*it;
}

}  // namespace linnet::ice
