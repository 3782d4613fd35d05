// How requests are answered; what needs more than this is with its request.
#include <algorithm>
#include <array>

#include "turn_server/turn_server.hpp"

namespace linnet::turn_server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;

namespace {

/// What requests and indications of a server may have, of what must be understood (RFC 8489 section 14, RFC 8656
/// section 18).
bool understands(std::uint16_t type, bool discovers) noexcept {
  switch (static_cast<AttributeType>(type)) {
    case AttributeType::ChangeRequest:
    case AttributeType::Padding:
    case AttributeType::ResponsePort: return discovers;
    case AttributeType::Username:
    case AttributeType::MessageIntegrity:
    case AttributeType::Realm:
    case AttributeType::Nonce:
    case AttributeType::ChannelNumber:
    case AttributeType::Lifetime:
    case AttributeType::XorPeerAddress:
    case AttributeType::Data:
    case AttributeType::RequestedAddressFamily:
    case AttributeType::EvenPort:
    case AttributeType::RequestedTransport:
    case AttributeType::ReservationToken:
    // ICE agents send these to each other; in a check that strayed they do no harm.
    case AttributeType::Priority:
    case AttributeType::UseCandidate: return true;
    default: return !stun::comprehension_required(type);
  }
}

}  // namespace

std::size_t TurnServer::unknown_attributes(const stun::MessageView& message, bool discovers,
                                           std::span<std::uint16_t> out) noexcept {
  std::size_t count = 0;
  for (const auto attribute : message) {
    const auto type = static_cast<std::uint16_t>(attribute.type);
    if (understands(type, discovers) || count == out.size()) continue;
    if (std::ranges::find(out.first(count), type) == out.begin() + static_cast<std::ptrdiff_t>(count))
      out[count++] = type;
  }
  return count;
}

bool TurnServer::refuse_unknown_attributes(const Request& request, bool discovers) {
  std::array<std::uint16_t, 16> unknown{};
  const std::size_t count = unknown_attributes(request.message, discovers, unknown);
  if (count == 0) return false;
  refuse(request, ErrorCode::UnknownAttribute, std::span{unknown}.first(count));
  return true;
}

bool TurnServer::may_answer(const Path& client, ChallengeLimit& limit) noexcept {
  if (client.protocol != Protocol::Udp || limit.take(now_, client.remote.address)) return true;
  ++counters_.unanswered;
  return false;
}

bool TurnServer::may_refuse(const Request& request) noexcept {
  return may_answer(request.client, request.allocation ? renewals_ : challenges_);
}

void TurnServer::refuse(const Request& request, ErrorCode code, std::span<const std::uint16_t> unknown) {
  ++counters_.refusals;
  const bool authenticated = !request.username.empty();
  if (!authenticated && !may_refuse(request)) return;
  const auto out = outbox_.begin(max_reply);
  if (out.empty()) {
    ++counters_.queue_full;
    return;
  }
  stun::MessageBuilder reply{out, Class::Error, request.message.method(), request.message.transaction_id()};
  reply.error_code(code);
  if (!unknown.empty()) reply.unknown_attributes(unknown);
  if (authenticated) reply.integrity(request.key);
  if (request.message.has_fingerprint()) reply.fingerprint();
  outbox_.commit(request.client, Ecn::NotEct, reply.finish());
}

void TurnServer::refuse_unauthenticated(const Request& request, ErrorCode code) {
  if (!may_refuse(request)) return;
  const auto out = outbox_.begin(max_reply);
  if (out.empty()) {
    ++counters_.queue_full;
    return;
  }
  stun::MessageBuilder reply{out, Class::Error, request.message.method(), request.message.transaction_id()};
  reply.error_code(code);
  if (code != ErrorCode::BadRequest) {
    reply.text(AttributeType::Realm, options_.realm).text(AttributeType::Nonce, nonces_.make(now_, request.client));
  }
  if (request.message.has_fingerprint()) reply.fingerprint();
  outbox_.commit(request.client, Ecn::NotEct, reply.finish());
}

}  // namespace linnet::turn_server
