// What flows through relays, RFC 8656 sections 11 and 12.
#include <cstring>

#include "base/bytes.hpp"
#include "turn_server/turn_server.hpp"

namespace linnet::turn_server {

using stun::AttributeType;
using stun::Class;
using stun::Method;

namespace {

constexpr std::size_t channel_header = 4;

}  // namespace

void TurnServer::handle_datagram(const Datagram& datagram) {
  advance(datagram.at);
  if (closed_) return;
  handle_timeout(now_);  // What has expired is over, also when the timer comes late.
  if (datagram.path.protocol == Protocol::Udp) {
    if (const auto relay = by_socket_.find(datagram.path.local); relay != by_socket_.end())
      return to_client(*relay->second, datagram.path.remote, datagram.ecn, datagram.bytes);
  }
  // RFC 7983: 0 to 3 is STUN, 64 to 127 are ChannelData.
  const auto first = datagram.bytes.empty() ? 0xFFU : std::to_integer<unsigned>(datagram.bytes.front());
  if (first < 4) return handle_message(datagram);
  if (first >= 0x40 && first < 0x80) return handle_channel_data(datagram);
  ++counters_.ignored;
}

void TurnServer::handle_send(const Datagram& datagram, const stun::MessageView& message) {
  std::uint16_t unknown = 0;
  const auto peer = message.xor_address(AttributeType::XorPeerAddress);
  const auto data = message.find(AttributeType::Data);
  Allocation* const allocation = find(datagram.path);
  if (!allocation || !peer || !data || unknown_attributes(message, false, {&unknown, 1}) != 0) {
    ++counters_.ignored;
    return;
  }
  to_peer(*allocation, *peer, datagram.ecn, *data);
}

void TurnServer::handle_channel_data(const Datagram& datagram) {
  // RFC 8656 section 12.4:
  //    0                   1                   2                   3
  //    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
  //   |         channel number        |            length             |
  //   |                       application data                        |
  const std::span<const std::byte> bytes = datagram.bytes;
  if (bytes.size() >= channel_header) {
    const ChannelNumber number{load_be<std::uint16_t>(bytes.data())};
    const std::size_t size = load_be<std::uint16_t>(bytes.data() + 2);
    Allocation* const allocation = find(datagram.path);
    const Endpoint* const peer = allocation ? allocation->channels.peer(now_, number) : nullptr;
    if (peer && size <= bytes.size() - channel_header)
      return to_peer(*allocation, *peer, datagram.ecn, bytes.subspan(channel_header, size));
  }
  ++counters_.ignored;
}

void TurnServer::to_peer(Allocation& from, const Endpoint& peer, Ecn ecn, std::span<const std::byte> data) {
  if (!from.relay || peer.port == 0 || !from.permissions.has(now_, peer.address)) {
    ++counters_.not_permitted;
    return;
  }
  // Between two relays of ours nothing needs to leave: that works wherever the server stands.
  const auto other = by_relayed_.find(peer);
  // A permission for another relay's address is none for whatever else listens there.
  if (other == by_relayed_.end() && !policy_.allows(peer.address)) {
    ++counters_.not_permitted;
    return;
  }
  if (!from.from_client.take(now_, data.size())) {
    ++counters_.over_bandwidth;
    return;
  }
  ++counters_.relayed_to_peers;
  if (other != by_relayed_.end()) return to_client(*other->second, from.relay->relayed, ecn, data);
  const auto out = data.empty() ? std::span<std::byte>{} : outbox_.begin(data.size());
  if (out.empty()) {
    if (!data.empty()) ++counters_.queue_full;
    return;
  }
  std::memcpy(out.data(), data.data(), data.size());
  outbox_.commit({.local = from.relay->local, .remote = peer}, ecn, data.size());
}

void TurnServer::to_client(Allocation& allocation, const Endpoint& peer, Ecn ecn, std::span<const std::byte> data) {
  if (!allocation.permissions.has(now_, peer.address)) {
    ++counters_.not_permitted;
    return;
  }
  if (!allocation.to_client.take(now_, data.size())) {
    ++counters_.over_bandwidth;
    return;
  }
  constexpr std::size_t most_around_data = 128;
  const auto out = outbox_.begin(data.size() + most_around_data);
  if (out.empty()) {
    ++counters_.queue_full;
    return;
  }
  ++counters_.relayed_to_clients;
  if (const auto number = allocation.channels.number(now_, peer)) {
    store_be(out.data(), number->value());
    store_be(out.data() + 2, static_cast<std::uint16_t>(data.size()));
    if (!data.empty()) std::memcpy(out.data() + channel_header, data.data(), data.size());
    return outbox_.commit(allocation.client, ecn, channel_header + data.size());
  }
  // A Data indication's id pairs with nothing; it needs no randomness (RFC 8489 section 5 wants it unique).
  stun::TransactionId id;
  store_be(id.bytes.data(), ++last_indication_);
  stun::MessageBuilder indication{out, Class::Indication, Method::Data, id};
  indication.xor_address(AttributeType::XorPeerAddress, peer).attribute(AttributeType::Data, data);
  outbox_.commit(allocation.client, ecn, indication.finish());
}

}  // namespace linnet::turn_server
