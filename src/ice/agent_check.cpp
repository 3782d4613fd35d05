#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "ice/agent.hpp"
#include "ice/priority.hpp"
#include "stun/message_builder.hpp"

// Connectivity checks as a client, RFC 8445 sections 6.1.4 and 7.2.

namespace linnet::ice {

void Agent::send_checks() {
  if (!remote_ || role_ == IceRole::Unknown) return;
  while (checks_.has_next() && transactions_.size() < options_.max_transactions) {
    if (!pacer_.ready(now_)) return timers_.set(Timer::Pace, pacer_.next());
    CandidatePair* const pair = checks_.take_next();
    if (pair == nullptr) return;
    if (has_stream(*pair)) send_check(*pair);
  }
}

Duration Agent::check_rto() const noexcept {
  // RFC 8445 section 14.3: no faster than all pairs in flight can be paced.
  return std::max<Duration>(options_.rto, options_.pacing * checks_.in_flight());
}

void Agent::send_check(CandidatePair& pair) {
  if (pair.state != PairState::Succeeded) pair.state = PairState::InProgress;
  const bool use_candidate = role_ == IceRole::Controlling && pair.nominating;
  send_request(Transaction::Kind::Check, pair, use_candidate, check_rto());
  ++pair.statistics.requests_sent;
  pacer_.spend(now_);
}

std::uint32_t Agent::told_priority(const CandidatePair& pair) const noexcept {
  // Deviation (docs/decisions/007-priority-of-a-relay.md): a relay is told as what it is.
  if (relays_.is_relayed(pair.path.local)) return pair.local_priority;
  // RFC 8445 section 7.1.1: what the priority would be were this a peer-reflexive candidate.
  const std::uint32_t preference = (pair.local_priority >> 8U) & 0xFFFFU;
  if (pair.path.protocol == Protocol::Udp) return candidate_priority(IceCandidateType::Prflx, preference);
  return (tcp_type_preference(IceCandidateType::Prflx) << 24U) + (preference << 8U) + 255U;
}

void Agent::send_request(Transaction::Kind kind, const CandidatePair& pair, bool use_candidate, Duration rto) {
  const bool old = previous_ && !selected_ && kind == Transaction::Kind::Consent;
  const Credentials& remote = old ? previous_->remote_credentials : remote_->credentials;
  const std::string& ufrag = old ? previous_->local_ufrag : local_credentials_.ufrag;
  Transaction t;
  t.kind = kind;
  // RFC 8489 section 6.2.2: on a stream once, and then its answer is waited for.
  const bool consent = kind == Transaction::Kind::Consent;
  if (pair.path.protocol != Protocol::Udp) {
    t.timing = StunTransaction{now_, consent ? options_.consent_expiry : options_.reliable_timeout, 1, 1};
  } else {
    t.timing = consent ? StunTransaction{now_, rto, 4, options_.last_wait, now_ + options_.consent_expiry}
                       : StunTransaction{now_, rto, options_.max_sends, options_.last_wait};
  }
  t.id = stun::TransactionId::random(generator_);
  t.path = pair.path;
  t.pair = pair.id;
  t.priority = told_priority(pair);
  t.role = role_;
  t.use_candidate = use_candidate;
  t.previous = old;
  std::array<std::byte, 768> buffer{};
  stun::MessageBuilder message{buffer, stun::Class::Request, stun::Method::Binding, t.id};
  message.text(stun::AttributeType::Username, remote.ufrag + ':' + ufrag);
  message.u32(stun::AttributeType::Priority, t.priority);
  message.u64(role_ == IceRole::Controlling ? stun::AttributeType::IceControlling : stun::AttributeType::IceControlled,
              tiebreaker_);
  if (use_candidate) message.flag(stun::AttributeType::UseCandidate);
  // libwebrtc's: which of several nominations counts. A peer that does not know it skips it. What repeats the
  // nomination of a pair, as consent does, must not outrank that of a later one.
  const std::uint32_t nomination = pair.our_nomination;
  if (use_candidate && (nomination > 1 || (nomination == 1 && remote_ && remote_->renomination))) {
    message.u32(stun::AttributeType::Nomination, nomination);
  }
  const bool embeds = options_.embedding != 0 && kind == Transaction::Kind::Check;
  if (embeds) t.key = remote.pwd;
  const std::size_t size = embeds ? message.finish() : message.integrity(as_bytes(remote.pwd)).fingerprint().finish();
  t.message.assign(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size));
  queue_packet(t.path, t.message, t.key);
  transactions_.push_back(std::move(t));
}

void Agent::expire_transactions() {
  std::vector<Transaction> ended;
  for (std::size_t i = 0; i < transactions_.size();) {
    Transaction& t = transactions_[i];
    switch (t.timing.handle_timeout(now_)) {
      case StunTransaction::Due::Nothing: ++i; break;
      case StunTransaction::Due::Resend:
        queue_packet(t.path, t.message, t.key);
        if (CandidatePair* const pair = checks_.find(t.pair); pair && t.kind == Transaction::Kind::Check) {
          ++pair->statistics.requests_sent;
        }
        ++i;
        break;
      case StunTransaction::Due::GiveUp:
        ended.push_back(std::move(t));
        transactions_.erase(transactions_.begin() + static_cast<std::ptrdiff_t>(i));
        break;
    }
  }
  for (const Transaction& t : ended) {
    if (t.kind == Transaction::Kind::Gather) gather_failed(t, stun::unreachable, "STUN binding request timed out.");
    if (t.kind != Transaction::Kind::Check || t.timing.cancelled()) continue;
    if (CandidatePair* const pair = checks_.find(t.pair)) check_failed(*pair);
  }
}

void Agent::cancel_checks(PairId pair) {
  // A nominating check goes on: the answer to an earlier one says nothing about it.
  for (Transaction& t : transactions_) {
    if (t.pair == pair && t.kind == Transaction::Kind::Check && !t.use_candidate) t.timing.cancel();
  }
}

void Agent::check_failed(CandidatePair& pair) {
  // A nominating check runs on a pair that is valid already: it is no longer fit to be nominated.
  pair.nominating = false;
  // Whether the pair that is in use still works is for consent to say, not for an old check.
  if (pair.nominated) return;
  pair.state = PairState::Failed;
  pair.valid = false;
  if (selected_ == pair.id) {
    selected_.reset();
    stop_consent();
    choose_selected();
    start_patience();
  }
}

void Agent::note_round_trip(const Transaction& transaction, CandidatePair& pair) const {
  ++pair.statistics.responses_received;
  // A response to a request sent more than once does not tell which one it answers.
  if (!transaction.timing.sent_once()) return;
  const Duration rtt = now_ - transaction.timing.first_sent();
  pair.statistics.current_round_trip_time = rtt;
  pair.statistics.total_round_trip_time += rtt;
}

void Agent::handle_check_response(const Transaction& transaction, const Datagram& datagram,
                                  const stun::MessageView& message) {
  CandidatePair* const pair = checks_.find(transaction.pair);
  if (pair == nullptr) return;
  // RFC 8445 section 7.2.5.2.1: the answer must come from where the check went, to where it left.
  if (datagram.path != transaction.path) return check_failed(*pair);
  note_round_trip(transaction, *pair);
  if (message.message_class() == stun::Class::Error) {
    const auto error = message.error_code();
    if (!error || error->code != std::to_underlying(stun::ErrorCode::RoleConflict)) return check_failed(*pair);
    // RFC 8445 section 7.2.5.1: take the other role, if that has not happened since, and try again.
    ++statistics_.role_conflicts;
    if (role_ == transaction.role && !options_.lite && !remote_->lite) {
      switch_role(role_ == IceRole::Controlling ? IceRole::Controlled : IceRole::Controlling);
      tiebreaker_ = generator_.next_u64();
    }
    pair->nominating = false;
    if (pair->state != PairState::Succeeded) pair->state = PairState::Waiting;
    return checks_.trigger(*pair);
  }
  const auto mapped = message.xor_address(stun::AttributeType::XorMappedAddress);
  if (!mapped) return check_failed(*pair);
  check_succeeded(transaction, *pair, *mapped);
}

CandidateId Agent::local_for(const CandidatePair& pair, const Endpoint& mapped, std::uint32_t priority) {
  const Endpoint& base = pair.path.local;
  // A port of an active candidate is nothing new; nobody else could connect to it.
  if (pair.path.protocol == Protocol::Tcp) return pair.local;
  const auto here = [&](const LocalEntry& l) { return l.base == base && l.candidate.protocol == Protocol::Udp; };
  for (const LocalEntry& entry : locals_) {
    if (here(entry) && entry.candidate.endpoint() == mapped) return entry.id;
  }
  const auto host = std::ranges::find_if(locals_, [&](const LocalEntry& l) { return here(l) && l.paired; });
  if (host == locals_.end()) return pair.local;
  if (mapped.address.family() != base.address.family()) return host->id;
  const CandidateId known = host->id;
  // RFC 8445 section 7.2.5.3.1: the peer sees us at an address that we did not know. It is not signaled.
  LocalEntry entry{CandidateId{next_candidate_++}, host->candidate, base, false};
  entry.candidate.foundation = foundation_of(IceCandidateType::Prflx, base.address, {});
  entry.candidate.priority = priority;
  entry.candidate.address = mapped.address;
  entry.candidate.port = mapped.port;
  entry.candidate.type = IceCandidateType::Prflx;
  if (const auto related = host->candidate.endpoint()) entry.candidate.related = *related;
  if (!has_room_for_local()) return known;
  locals_.push_back(std::move(entry));
  return locals_.back().id;
}

void Agent::check_succeeded(const Transaction& transaction, CandidatePair& pair, const Endpoint& mapped) {
  pair.state = PairState::Succeeded;
  pair.valid = true;
  // Link-local addresses come back without the scope that our own has.
  const bool seen_as_is = mapped.port == pair.path.local.port &&
                          std::ranges::equal(mapped.address.bytes(), pair.path.local.address.bytes());
  if (!seen_as_is) pair.local = local_for(pair, mapped, transaction.priority);
  // A lite peer sends no checks: that it answers ours is all that there is to hear of it.
  if (remote_->lite) pair.heard = now_;
  cancel_checks(pair.id);
  checks_.unfreeze(pair.foundation);
  const bool ours = transaction.use_candidate && role_ == IceRole::Controlling && pair.nominating;
  const bool theirs = role_ == IceRole::Controlled && pair.nominate_on_success;
  if (ours) return conclude(pair);
  if (theirs) return peer_nominated(pair, pair.nomination);
  choose_selected();
}

void Agent::switch_role(IceRole role) {
  if (role_ == role) return;
  role_ = role;
  checks_.set_role(role);
  for (CandidatePair& pair : checks_.pairs()) pair.nominating = false;
  emit(RoleChanged{role});
}

}  // namespace linnet::ice
