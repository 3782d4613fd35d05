// Requests of RFC 8656, and who may make them.
#include <algorithm>
#include <array>
#include <chrono>

#include "base/bytes.hpp"
#include "base/ip_prefix.hpp"
#include "turn_server/turn_server.hpp"

namespace linnet::turn_server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageView;
using stun::Method;

namespace {

constexpr std::size_t max_username = 508;  // RFC 8489 section 14.3
constexpr std::byte family_v4{1};
constexpr std::byte family_v6{2};

/// REQUESTED-ADDRESS-FAMILY and its like, RFC 8656 section 18.6: the family, three bytes of nothing.
std::optional<std::byte> family_in(const MessageView& message, AttributeType type) {
  const auto value = message.find(type);
  if (!value || value->size() != 4) return std::nullopt;
  return value->front();
}

}  // namespace

void TurnServer::handle_message(const Datagram& datagram) {
  const auto message = MessageView::parse(datagram.bytes);
  if (!message || (message->has_fingerprint() && !message->verify_fingerprint())) {
    ++counters_.ignored;
    return;
  }
  const Class kind = message->message_class();
  const Method method = message->method();
  if (kind == Class::Indication && method == Method::Send) return handle_send(datagram, *message);
  if (kind == Class::Indication && method == Method::Binding) return;  // Only keeps a NAT open.
  if (kind != Class::Request) {
    ++counters_.ignored;
    return;
  }
  if (method == Method::Binding) return handle_binding(datagram.path, *message);
  handle_request({.client = datagram.path, .message = *message});
}

void TurnServer::handle_request(Request request) {
  switch (request.message.method()) {
    case Method::Allocate:
    case Method::Refresh:
    case Method::CreatePermission:
    case Method::ChannelBind: break;
    default: ++counters_.ignored; return;  // RFC 8489 section 6.3: unknown methods are dropped.
  }
  request.allocation = find(request.client);
  if (!authenticate(request) || refuse_unknown_attributes(request)) return;
  if (request.message.method() == Method::Allocate) return handle_allocate(request);

  // RFC 8656 section 5: everything else is about an allocation, and by who made it.
  if (!request.allocation || !request.allocation->relay) return refuse(request, ErrorCode::AllocationMismatch);
  if (request.allocation->username != request.username) return refuse(request, ErrorCode::WrongCredentials);
  switch (request.message.method()) {
    case Method::Refresh: return handle_refresh(request);
    case Method::CreatePermission: return handle_create_permission(request);
    default: return handle_channel_bind(request);
  }
}

bool TurnServer::authenticate(Request& request) {
  // RFC 8489 section 9.2.4, in its order.
  const MessageView& message = request.message;
  const auto no = [&](ErrorCode code) {
    refuse_unauthenticated(request, code);
    return false;
  };
  if (!message.has(AttributeType::MessageIntegrity)) return no(ErrorCode::Unauthenticated);
  const auto username = message.text(AttributeType::Username);
  const auto nonce = message.text(AttributeType::Nonce);
  if (!username || username->size() > max_username || !nonce || !message.has(AttributeType::Realm))
    return no(ErrorCode::BadRequest);
  if (!nonces_.fresh(now_, request.client, *nonce)) return no(ErrorCode::StaleNonce);
  // Who has an allocation goes on with it when the name has expired meanwhile: a call is not cut off.
  const bool known = request.allocation && request.allocation->username == *username;
  const auto key = known ? std::optional{request.allocation->key} : users_.key(*username, unix_seconds());
  if (!key || !message.verify_integrity(*key)) {
    ++counters_.refusals;
    return no(ErrorCode::Unauthenticated);
  }
  request.username = *username;
  request.key = *key;
  return true;
}

void TurnServer::handle_allocate(const Request& request) {
  const MessageView& message = request.message;
  if (request.allocation) {
    // RFC 8656 section 7.2: the same request again is answered again, another one is a mistake.
    if (request.allocation->request != message.transaction_id()) return refuse(request, ErrorCode::AllocationMismatch);
    if (request.allocation->relay) answer_allocate(*request.allocation);
    return;
  }
  if (const auto refusal = check_allocate(message)) return refuse(request, *refusal);
  const auto account = users_.account(request.username);
  if (const auto refusal = check_capacity(account, request.client.remote.address)) return refuse(request, *refusal);

  const auto wanted = std::chrono::seconds{message.u32(AttributeType::Lifetime).value_or(0)};
  const auto lifetime =
      std::min<Duration>(std::max<Duration>(wanted, options_.default_lifetime), options_.max_lifetime);
  const bool v6 = family_in(message, AttributeType::RequestedAddressFamily) == family_v6;
  const RelayId id{++last_id_};
  const auto [place, _] =
      allocations_.emplace(request.client, Allocation{.id = id,
                                                      .client = request.client,
                                                      .username = std::string{request.username},
                                                      .account = std::string{account},
                                                      .key = request.key,
                                                      .family = v6 ? IpAddress::Family::V6 : IpAddress::Family::V4,
                                                      .request = message.transaction_id(),
                                                      .fingerprint = message.has_fingerprint(),
                                                      .wants_both = message.has(AttributeType::AdditionalAddressFamily),
                                                      .lifetime = lifetime,
                                                      .expires = now_,
                                                      .from_client = {options_.max_bytes_per_second, now_},
                                                      .to_client = {options_.max_bytes_per_second, now_}});
  clients_.emplace(id, request.client);
  ++per_account_.try_emplace(std::string{account}).first->second;
  ++per_network_[network_of(request.client.remote.address)];
  set_lifetime(place->second, lifetime);
  ++unclosed_;
  events_.emplace_back(NeedRelay{.id = id,
                                 .family = place->second.family,
                                 .even_port = message.has(AttributeType::EvenPort),
                                 .client = request.client});
}

TurnServer::Refusal TurnServer::check_allocate(const MessageView& message) const {
  // RFC 8656 section 7.2.
  constexpr std::byte udp{17};
  const auto transport = message.find(AttributeType::RequestedTransport);
  if (!transport || transport->size() != 4) return ErrorCode::BadRequest;
  if (transport->front() != udp) return ErrorCode::UnsupportedTransportProtocol;

  const bool reserved = message.has(AttributeType::ReservationToken);
  const auto even_port = message.find(AttributeType::EvenPort);
  const bool names_family = message.has(AttributeType::RequestedAddressFamily);
  if (even_port && even_port->empty()) return ErrorCode::BadRequest;
  if (reserved && (even_port || names_family)) return ErrorCode::BadRequest;
  const bool reserves = even_port && (even_port->front() & std::byte{0x80}) != std::byte{0};
  if (message.has(AttributeType::AdditionalAddressFamily)) {
    if (names_family || reserved || reserves) return ErrorCode::BadRequest;
    if (family_in(message, AttributeType::AdditionalAddressFamily) != family_v6) return ErrorCode::BadRequest;
  }
  // We reserve nothing, so that no token is known.
  if (reserved || reserves) return ErrorCode::InsufficientCapacity;

  std::byte family = family_v4;
  if (names_family) {
    const auto named = family_in(message, AttributeType::RequestedAddressFamily);
    if (!named) return ErrorCode::BadRequest;
    family = *named;
  }
  const bool there_is = (family == family_v4 && options_.ipv4) || (family == family_v6 && options_.ipv6);
  if (!there_is) return ErrorCode::AddressFamilyNotSupported;
  return std::nullopt;
}

TurnServer::Refusal TurnServer::check_capacity(std::string_view account, const IpAddress& client) const {
  const auto used = per_account_.find(account);
  if (used != per_account_.end() && used->second >= options_.max_allocations_per_user)
    return ErrorCode::AllocationQuotaReached;
  const auto network = per_network_.find(network_of(client));
  if (network != per_network_.end() && network->second >= options_.max_allocations_per_address)
    return ErrorCode::AllocationQuotaReached;
  if (allocations_.size() >= options_.max_allocations || unclosed_ >= 2 * options_.max_allocations)
    return ErrorCode::InsufficientCapacity;
  return std::nullopt;
}

void TurnServer::answer_allocate(const Allocation& allocation) {
  const auto out = outbox_.begin(max_reply);
  if (out.empty()) {
    ++counters_.queue_full;  // The client asks again.
    return;
  }
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(allocation.expires - now_).count();
  stun::MessageBuilder reply{out, Class::Success, Method::Allocate, allocation.request};
  reply.xor_address(AttributeType::XorRelayedAddress, allocation.relay->relayed)
      .u32(AttributeType::Lifetime, static_cast<std::uint32_t>(left))
      .xor_address(AttributeType::XorMappedAddress, allocation.client.remote);
  if (allocation.wants_both) {
    // RFC 8656 section 18.12: the family, a reserved byte, the error, its reason.
    std::array<std::byte, 4> error{family_v6, std::byte{0}, std::byte{4}, std::byte{40}};
    reply.attribute(AttributeType::AddressErrorCode, error);
  }
  if (!options_.software.empty()) reply.text(AttributeType::Software, options_.software);
  reply.integrity(allocation.key);
  if (allocation.fingerprint) reply.fingerprint();
  outbox_.commit(allocation.client, Ecn::NotEct, reply.finish());
}

void TurnServer::handle_refresh(const Request& request) {
  // RFC 8656 section 8.2.
  Allocation& allocation = *request.allocation;
  const auto family = family_in(request.message, AttributeType::RequestedAddressFamily);
  if (family && (*family == family_v6) != (allocation.family == IpAddress::Family::V6))
    return refuse(request, ErrorCode::PeerAddressFamilyMismatch);
  const auto wanted = request.message.u32(AttributeType::Lifetime);
  const bool ends = wanted == 0U;
  const auto lifetime =
      ends ? Duration::zero()
           : std::clamp<Duration>(std::chrono::seconds{wanted.value_or(0)},
                                  std::min(options_.default_lifetime, options_.max_lifetime), options_.max_lifetime);
  reply(request, [&](stun::MessageBuilder& out) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
    out.u32(AttributeType::Lifetime, static_cast<std::uint32_t>(seconds));
  });
  if (ends)
    remove(allocation);
  else
    set_lifetime(allocation, lifetime);
}

TurnServer::Refusal TurnServer::check_peer(const Allocation& allocation, const Endpoint& peer) const {
  if (peer.address.family() != allocation.family) return ErrorCode::PeerAddressFamilyMismatch;
  // Another relay of ours is no secret of the network that we are in; to_peer() lets only relays be reached there.
  if (policy_.allows(peer.address) || relayed_addresses_.contains(peer.address)) return std::nullopt;
  return ErrorCode::Forbidden;
}

void TurnServer::handle_create_permission(const Request& request) {
  // RFC 8656 section 10.2: all peers or none.
  Allocation& allocation = *request.allocation;
  std::size_t peers = 0;
  for (const MessageView::Attribute attribute : request.message) {
    if (attribute.type != AttributeType::XorPeerAddress) continue;
    ++peers;
    const auto peer = request.message.xor_address(attribute);
    if (!peer) return refuse(request, ErrorCode::BadRequest);
    if (const auto refusal = check_peer(allocation, *peer)) return refuse(request, *refusal);
  }
  if (peers == 0) return refuse(request, ErrorCode::BadRequest);
  Permissions permissions = allocation.permissions;
  for (const MessageView::Attribute attribute : request.message) {
    if (attribute.type != AttributeType::XorPeerAddress) continue;
    const auto peer = request.message.xor_address(attribute);
    if (!permissions.grant(now_, peer->address, now_ + options_.permission_lifetime, options_.max_permissions))
      return refuse(request, ErrorCode::InsufficientCapacity);
  }
  allocation.permissions = std::move(permissions);
  reply(request, [](stun::MessageBuilder&) {});
}

void TurnServer::handle_channel_bind(const Request& request) {
  // RFC 8656 section 12.2.
  Allocation& allocation = *request.allocation;
  const auto channel = request.message.u32(AttributeType::ChannelNumber);
  const auto peer = request.message.xor_address(AttributeType::XorPeerAddress);
  if (!channel || !peer) return refuse(request, ErrorCode::BadRequest);
  const auto number = static_cast<std::uint16_t>(*channel >> 16U);
  // Deviation: RFC 8656 ends at 0x4FFF; clients of RFC 5766 choose from all of these, and nothing else begins so here.
  if (number < 0x4000 || number > 0x7FFF) return refuse(request, ErrorCode::BadRequest);
  if (const auto refusal = check_peer(allocation, *peer)) return refuse(request, *refusal);
  Permissions permissions = allocation.permissions;
  if (!permissions.grant(now_, peer->address, now_ + options_.permission_lifetime, options_.max_permissions))
    return refuse(request, ErrorCode::InsufficientCapacity);
  const auto bound = allocation.channels.bind(now_, ChannelNumber{number}, *peer, now_ + options_.channel_lifetime,
                                              options_.max_channels);
  if (bound == Channels::Bound::Conflict) return refuse(request, ErrorCode::BadRequest);
  if (bound == Channels::Bound::Full) return refuse(request, ErrorCode::InsufficientCapacity);
  allocation.permissions = std::move(permissions);
  reply(request, [](stun::MessageBuilder&) {});
}

}  // namespace linnet::turn_server
