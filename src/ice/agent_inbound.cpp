#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "ice/agent.hpp"
#include "stun/message_builder.hpp"

// STUN from the network: checks of the peer (RFC 8445 section 7.3) and answers to ours.

namespace linnet::ice {

void Agent::handle_datagram(const Datagram& received) {
  advance(received.at);
  if (!active()) return;
  const std::optional<Datagram> unwrapped = unwrap(received);
  if (!unwrapped) return;
  const Datagram& datagram = *unwrapped;
  const auto message = stun::MessageView::parse(datagram.bytes);
  if (!message || (message->has_fingerprint() && !message->verify_fingerprint())) {
    ++statistics_.malformed;
    return;
  }
  const bool ours = datagram.path.protocol == Protocol::Udp
                        ? socket(datagram.path.local) != nullptr || relays_.is_relayed(datagram.path.local)
                        : tcp_stream(datagram.path) != nullptr;
  if (message->method() != stun::Method::Binding || !ours) {
    ++statistics_.unexpected;
    return;
  }
  switch (message->message_class()) {
    case stun::Class::Request: handle_request(datagram, *message); break;
    case stun::Class::Indication: break;  // A keepalive, RFC 8445 section 11.
    case stun::Class::Success:
    case stun::Class::Error: handle_response(datagram, *message); break;
  }
  run();
}

void Agent::handle_request(const Datagram& datagram, const stun::MessageView& message) {
  // RFC 8489 section 9.1.3, with USERNAME as RFC 8445 section 7.2.2 makes it: our ufrag, a colon, the peer's.
  const auto username = message.text(stun::AttributeType::Username);
  if (!username || !message.has(stun::AttributeType::MessageIntegrity)) {
    ++statistics_.unauthenticated;
    return respond_error(datagram, message, stun::ErrorCode::BadRequest, {});
  }
  const auto colon = username->find(':');
  const auto ours = username->substr(0, colon);
  const bool current = ours == local_credentials_.ufrag;
  const bool old = !current && old_local_credentials_ && ours == old_local_credentials_->ufrag;
  const std::string& pwd = old ? old_local_credentials_->pwd : local_credentials_.pwd;
  if (colon == std::string_view::npos || !(current || old) || !message.verify_integrity(as_bytes(pwd))) {
    ++statistics_.unauthenticated;
    return respond_error(datagram, message, stun::ErrorCode::Unauthenticated, {});
  }
  std::array<std::uint16_t, 16> unknown{};
  if (const std::size_t count = message.unknown_attributes(unknown); count != 0) {
    ++statistics_.unknown_attributes;
    return respond_error(datagram, message, stun::ErrorCode::UnknownAttribute, pwd, std::span{unknown}.first(count));
  }
  const auto priority = message.priority();
  if (!priority) return respond_error(datagram, message, stun::ErrorCode::BadRequest, pwd);
  if (old) {
    // The generation before the restart: it only keeps consent alive.
    respond_success(datagram, message, pwd);
    return heard_from_peer(datagram.path);
  }
  if (role_conflict(message)) {
    return respond_error(datagram, message, stun::ErrorCode::RoleConflict, pwd);
  }
  respond_success(datagram, message, pwd);
  take_embedded(message);
  EarlyCheck check{.path = datagram.path,
                   .remote_ufrag = std::string(username->substr(colon + 1)),
                   .priority = *priority,
                   .use_candidate = message.use_candidate(),
                   .nomination = message.u32(stun::AttributeType::Nomination)};
  // Whoever knows our password may be ahead of signaling: the answer or a restart is still on its way.
  if (!remote_ || remote_->credentials.ufrag != check.remote_ufrag) {
    const auto same = std::ranges::find_if(
        early_, [&](const EarlyCheck& e) { return e.path == check.path && e.remote_ufrag == check.remote_ufrag; });
    if (same != early_.end()) {
      same->use_candidate = same->use_candidate || check.use_candidate;
      same->nomination = std::max(same->nomination, check.nomination);
    } else if (early_.size() < options_.max_early_checks) {
      early_.push_back(std::move(check));
    } else {
      ++statistics_.limits_hit;
    }
    return;
  }
  triggered_check(check);
  heard_from_peer(datagram.path);
}

bool Agent::role_conflict(const stun::MessageView& message) {
  // RFC 8445 section 7.3.1.1. A lite agent is controlled, whoever asks.
  if (options_.lite || role_ == IceRole::Unknown) return false;
  const auto type =
      role_ == IceRole::Controlling ? stun::AttributeType::IceControlling : stun::AttributeType::IceControlled;
  const auto theirs = message.u64(type);
  if (!theirs) return false;
  ++statistics_.role_conflicts;
  const bool win = tiebreaker_ >= *theirs;
  if (role_ == IceRole::Controlling) {
    if (win) return true;
    switch_role(IceRole::Controlled);
  } else {
    if (!win) return true;
    switch_role(IceRole::Controlling);
  }
  return false;
}

void Agent::respond_success(const Datagram& datagram, const stun::MessageView& message, std::string_view pwd) {
  std::array<std::byte, 128> buffer{};
  stun::MessageBuilder response{buffer, stun::Class::Success, stun::Method::Binding, message.transaction_id()};
  response.xor_address(stun::AttributeType::XorMappedAddress, datagram.path.remote);
  const bool embeds = options_.embedding != 0;
  const std::size_t size = embeds ? response.finish() : response.integrity(as_bytes(pwd)).fingerprint().finish();
  queue_packet(datagram.path, {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)},
               embeds ? std::string{pwd} : std::string{});
  CandidatePair* const pair = checks_.find(datagram.path);
  if (pair == nullptr) return;
  ++pair->statistics.requests_received;
  ++pair->statistics.responses_sent;
}

void Agent::respond_error(const Datagram& datagram, const stun::MessageView& message, stun::ErrorCode code,
                          std::string_view pwd, std::span<const std::uint16_t> unknown) {
  std::array<std::byte, 192> buffer{};
  stun::MessageBuilder response{buffer, stun::Class::Error, stun::Method::Binding, message.transaction_id()};
  response.error_code(code);
  if (!unknown.empty()) response.unknown_attributes(unknown);
  if (!pwd.empty()) response.integrity(as_bytes(pwd));
  const std::size_t size = response.fingerprint().finish();
  queue_packet(datagram.path, {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)});
}

void Agent::triggered_check(const EarlyCheck& check) {
  // RFC 8445 section 7.3.1.4.
  CandidatePair* pair = checks_.find(check.path);
  if (pair == nullptr) {
    const auto from = std::ranges::find_if(locals_, [&](const LocalEntry& l) {
      return l.paired && l.base == check.path.local && l.candidate.protocol == check.path.protocol;
    });
    if (from == locals_.end()) return;
    const RemoteEntry* const to = remote_for(check.path.remote, check.path.protocol, check.priority);
    if (to == nullptr) return;
    pair = form_pair(*from, *to, true);
    if (pair == nullptr) return;
    ++pair->statistics.requests_received;
    ++pair->statistics.responses_sent;
    suspect_path();
  } else if (selected_ != pair->id) {
    suspect_path();
    pair = checks_.find(check.path);
  }
  pair->heard = now_;
  if (options_.lite) {
    // RFC 8445 section 7.3.2: the controlling side has checked it; a nominated pair is valid.
    if (!check.use_candidate) return;
    pair->state = PairState::Succeeded;
    pair->valid = true;
    return peer_nominated(*pair, check.nomination);
  }
  const PairId id = pair->id;
  if (check.use_candidate && role_ == IceRole::Controlled) {
    peer_nominated(*pair, check.nomination);
    pair = checks_.find(id);
    if (pair == nullptr) return;
  }
  if (pair->state == PairState::Succeeded) return;
  if (pair->state == PairState::InProgress) cancel_checks(id);
  pair->state = PairState::Waiting;
  checks_.trigger(*pair);
}

void Agent::handle_response(const Datagram& datagram, const stun::MessageView& message) {
  const auto it = std::ranges::find(transactions_, message.transaction_id(), &Transaction::id);
  if (it == transactions_.end()) {
    ++statistics_.unexpected;
    return;
  }
  const bool gather = it->kind == Transaction::Kind::Gather;
  // A server's answer is not authenticated: the transaction id and the address must do. Consent that comes on another
  // path says nothing about this one.
  if (it->kind != Transaction::Kind::Check && datagram.path != it->path) {
    ++statistics_.unexpected;
    return;
  }
  if (!gather) {
    const Credentials& remote = it->previous ? previous_->remote_credentials : remote_->credentials;
    if (!message.verify_integrity(as_bytes(remote.pwd))) {
      ++statistics_.unauthenticated;
      return;
    }
  }
  std::array<std::uint16_t, 1> unknown{};
  if (message.unknown_attributes(unknown) != 0) {
    // RFC 8489 section 6.3.3: discarded; the request fails by its time.
    ++statistics_.unknown_attributes;
    return;
  }
  const Transaction transaction = std::move(*it);
  transactions_.erase(it);
  switch (transaction.kind) {
    case Transaction::Kind::Gather: handle_gather_response(transaction, message); break;
    case Transaction::Kind::Check:
      if (message.message_class() == stun::Class::Success && datagram.path == transaction.path) take_embedded(message);
      handle_check_response(transaction, datagram, message);
      break;
    case Transaction::Kind::Consent: handle_consent_response(transaction, message); break;
  }
}

}  // namespace linnet::ice
