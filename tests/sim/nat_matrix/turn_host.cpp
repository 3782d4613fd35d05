#include "sim/nat_matrix/turn_host.hpp"

namespace linnet::sim {
namespace {

turn_server::Options options() {
  turn_server::Options out;
  out.users = {{.name = "user", .password = "secret"}};
  out.peers.allow_private = true;
  return out;
}

}  // namespace

TurnHost::TurnHost(Host& host, Streams& streams, Generator& generator)
    : host_(host), streams_(streams), server_(options(), generator) {
  for (const IpAddress& address : host.addresses()) {
    (void)host.bind({address, 3'478});
    streams.listen(host, {address, 3'478}, Framing::Stun);
    streams.listen(host, {address, 443}, Framing::Stun);
  }
  host.handler = [this](TimePoint now, const Packet& packet) {
    std::vector<std::byte> bytes = packet.bytes;
    handle(now, {.local = packet.to, .remote = packet.from}, bytes);
  };
  streams.handlers[&host] = [this](TimePoint now, Streams::Event& event) {
    if (event.kind == Streams::Event::Kind::Datagram) handle(now, event.path, event.bytes);
    if (event.kind == Streams::Event::Kind::Disconnected) server_.disconnected(now, event.path);
    drain(now);
  };
}

void TurnHost::handle(TimePoint now, const Path& path, std::span<std::byte> bytes) {
  server_.handle_timeout(now);
  server_.handle_datagram({.at = now, .path = path, .bytes = bytes});
  drain(now);
}

void TurnHost::drain(TimePoint now) {
  while (const auto event = server_.poll_event()) {
    if (const auto* need = std::get_if<turn_server::NeedRelay>(&*event)) {
      for (const IpAddress& address : host_.addresses()) {
        if (address.family() != need->family) continue;
        const Endpoint relay = *host_.bind({address, 0});
        relays_[need->id] = relay;
        server_.relay_opened(now, need->id, {.local = relay, .relayed = relay});
      }
    } else if (const auto* close = std::get_if<turn_server::CloseRelay>(&*event)) {
      if (const auto found = relays_.find(close->id); found != relays_.end()) host_.close(found->second);
      relays_.erase(close->id);
    }
  }
  for (Progress progress = Progress::More; progress == Progress::More;) {
    batch_.clear();
    progress = server_.poll_transmit(now, batch_);
    host_.send(batch_);
    for (const DatagramBatch::Run& run : batch_.runs())
      if (run.path.protocol != Protocol::Udp) streams_.send(host_, run);
  }
}

}  // namespace linnet::sim
