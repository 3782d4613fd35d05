// Binding (RFC 8489 section 3), and what RFC 5780 adds to it for clients that want to know how their NAT behaves.
#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.hpp"
#include "turn_server/turn_server.hpp"

namespace linnet::turn_server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageView;
using stun::Method;

namespace {

/// RFC 5780 section 7.5: a port, and padding that some count as a part of the value.
std::optional<std::uint16_t> response_port(const MessageView& message) {
  const auto value = message.find(AttributeType::ResponsePort);
  if (!value || (value->size() != 2 && value->size() != 4)) return std::nullopt;
  const auto port = load_be<std::uint16_t>(value->data());
  return port == 0 ? std::nullopt : std::optional{port};
}

/// Ca and Cp of RFC 5780 section 6.1, for a request that came to `local`.
Endpoint other_address(const BehaviorDiscovery& known, const Endpoint& local) noexcept {
  const auto& [primary, alternate] = known;
  return {.address = local.address == primary.address ? alternate.address : primary.address,
          .port = local.port == primary.port ? alternate.port : primary.port};
}

}  // namespace

const BehaviorDiscovery* TurnServer::discovery(const Endpoint& local) const noexcept {
  const auto found = std::ranges::find_if(options_.discovery, [&](const BehaviorDiscovery& known) {
    return (local.address == known.primary.address || local.address == known.alternate.address) &&
           (local.port == known.primary.port || local.port == known.alternate.port);
  });
  return found == options_.discovery.end() ? nullptr : &*found;
}

void TurnServer::handle_binding(const Path& client, const MessageView& message) {
  const Request request{.client = client, .message = message};
  // A stream has two ends and no others: there only the attributes of the response are given.
  const BehaviorDiscovery* const known = discovery(client.local);
  if (refuse_unknown_attributes(request, known && client.protocol == Protocol::Udp)) return;

  Path back = client;
  const auto padding = message.find(AttributeType::Padding);
  if (message.has(AttributeType::ResponsePort)) {
    // RFC 5780 section 6.1: PADDING and RESPONSE-PORT together are a mistake.
    const auto port = response_port(message);
    if (!port || padding) return refuse(request, ErrorCode::BadRequest);
    back.remote.port = *port;
  }
  bool has_other_address = false;
  if (known) {
    const Endpoint other = other_address(*known, client.local);
    has_other_address = other.address != client.local.address;
    if (message.has(AttributeType::ChangeRequest)) {
      const auto change = message.u32(AttributeType::ChangeRequest);
      if (!change) return refuse(request, ErrorCode::BadRequest);
      // Deviation: RFC 5780 section 6.1 has 420 for all changes when there is one address only; another port we have.
      if ((*change & stun::change_address) != 0 && !has_other_address) {
        constexpr std::array unknown{static_cast<std::uint16_t>(AttributeType::ChangeRequest)};
        return refuse(request, ErrorCode::UnknownAttribute, unknown);
      }
      if ((*change & stun::change_address) != 0) back.local.address = other.address;
      if ((*change & stun::change_port) != 0) back.local.port = other.port;
    }
  }

  if (!may_answer(client, bindings_)) return;
  const auto out = outbox_.begin(max_reply);
  if (out.empty()) {
    ++counters_.queue_full;
    return;
  }
  ++counters_.bindings;
  stun::MessageBuilder reply{out, Class::Success, Method::Binding, message.transaction_id()};
  reply.xor_address(AttributeType::XorMappedAddress, client.remote);
  if (known) {
    reply.address(AttributeType::MappedAddress, client.remote).address(AttributeType::ResponseOrigin, back.local);
    // RFC 5780 section 7.4: not without a second address.
    if (has_other_address) reply.address(AttributeType::OtherAddress, other_address(*known, client.local));
    // Deviation: RFC 5780 section 6.1 recommends a whole MTU; no more than came goes back, or we amplify.
    if (padding) {
      constexpr std::size_t most = max_reply - 256;
      constexpr std::array<std::byte, most> zeros{};
      reply.attribute(AttributeType::Padding, std::span{zeros}.first(std::min(padding->size(), most)));
    }
  }
  if (message.has_fingerprint()) reply.fingerprint();
  outbox_.commit(back, Ecn::NotEct, reply.finish());
}

}  // namespace linnet::turn_server
