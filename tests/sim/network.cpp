#include "sim/network.hpp"

#include <algorithm>
#include <cassert>

#include "sim/random.hpp"
#include "sim/stun_server.hpp"

namespace linnet::sim {

struct Realm {
  Nat* gateway = nullptr;  ///< nullptr: the internet.
};

Nat::Nat(NatOptions options, IpAddress outside, Generator& generator)
    : table_(options, outside, generator), inside_(std::make_unique<Realm>(Realm{.gateway = this})) {}
Nat::~Nat() = default;

// Host

Host::Host(Network& network, std::string name) : network_(network), name_(std::move(name)) {}

Host& Host::add_address(IpAddress address, Nat* behind, LinkOptions access) {
  accesses_[address] = network_.plug(address, behind, std::move(access), this, nullptr);
  return *this;
}

void Host::remove_address(const IpAddress& address) {
  const auto found = accesses_.find(address);
  if (found == accesses_.end()) return;
  network_.unplug(*found->second);
  accesses_.erase(found);
  std::erase_if(sockets_, [&](const Endpoint& socket) { return socket.address == address; });
}

std::vector<IpAddress> Host::addresses() const {
  std::vector<IpAddress> out;
  for (const auto& [address, access] : accesses_) out.push_back(address);
  return out;
}

Access& Host::access(const IpAddress& address) { return *accesses_.at(address); }

std::optional<Endpoint> Host::bind(Endpoint local) {
  if (!accesses_.contains(local.address)) return std::nullopt;
  if (local.port == 0) {
    local.port = 49'152;
    while (sockets_.contains(local)) {
      if (local.port == 65'535) return std::nullopt;
      ++local.port;
    }
  }
  if (!sockets_.insert(local).second) return std::nullopt;
  return local;
}

void Host::close(const Endpoint& local) { sockets_.erase(local); }

std::vector<Endpoint> Host::sockets() const { return {sockets_.begin(), sockets_.end()}; }

void Host::send(const Endpoint& local, const Endpoint& remote, std::span<const std::byte> bytes, Ecn ecn,
                Sizing sizing) {
  if (!sockets_.contains(local)) return;
  accesses_.at(local.address)->up.send(network_.now(), local, remote, bytes, ecn, sizing);
}

void Host::send(const DatagramBatch& batch) {
  for (const DatagramBatch::Run& run : batch.runs()) {
    if (run.path.protocol != Protocol::Udp) continue;  // Is sim::Streams' to send.
    auto rest = run.bytes;
    for (std::size_t i = 0; i < run.segments(); ++i) {
      const auto datagram = run.segment_size == 0 ? rest : rest.first(std::min(run.segment_size, rest.size()));
      rest = rest.subspan(datagram.size());
      send(run.path.local, run.path.remote, datagram, run.ecn, run.sizing);
    }
  }
}

bool Host::receive(Packet& out) {
  if (inbox_.empty()) return false;
  std::swap(out, inbox_.front());
  spare_.push_back(std::move(inbox_.front().bytes));
  inbox_.pop_front();
  return true;
}

// Network

Network::Network(Generator& generator) : generator_(generator), internet_(std::make_unique<Realm>()), now_(start) {}
Network::~Network() = default;

Host& Network::add_host(std::string name) {
  return *hosts_.emplace_back(std::make_unique<Host>(*this, std::move(name)));
}

Host& Network::add_host(std::string name, IpAddress address, Nat* behind, LinkOptions access) {
  return add_host(std::move(name)).add_address(address, behind, std::move(access));
}

Nat& Network::add_nat(IpAddress outside, NatOptions options, Nat* behind, LinkOptions access) {
  Nat& nat = *nats_.emplace_back(std::make_unique<Nat>(options, outside, generator_));
  nat.access_ = plug(outside, behind, std::move(access), nullptr, &nat);
  return nat;
}

Host& Network::add_stun_server(Endpoint local, Nat* behind, LinkOptions access) {
  Host& host = add_host("stun server", local.address, behind, std::move(access));
  [[maybe_unused]] const auto bound = host.bind(local);
  assert(bound);
  host.handler = [&host](TimePoint, const Packet& packet) {
    StunResponse response;
    const std::size_t size = answer_binding_request(packet.bytes, packet.from, response);
    if (size != 0) host.send(packet.to, packet.from, std::span{response}.first(size));
  };
  return host;
}

void Network::rebind(Nat& nat, IpAddress outside) {
  nat.table_.rebind(outside);
  for (Plug& plug : plugs_) {
    if (plug.nat == &nat) plug.address = outside;
  }
}

std::unique_ptr<Access> Network::plug(const IpAddress& address, Nat* behind, LinkOptions options, Host* host,
                                      Nat* nat) {
  Realm& realm = behind == nullptr ? *internet_ : *behind->inside_;
  assert(find(realm, address) == nullptr && "two owners of one address");
  auto access = std::make_unique<Access>(
      Access{.realm = &realm, .up = Link{options, generator_}, .down = Link{options, generator_}});
  plugs_.push_back({.address = address, .access = access.get(), .host = host, .nat = nat});
  return access;
}

void Network::unplug(Access& access) {
  std::erase_if(plugs_, [&](const Plug& plug) { return plug.access == &access; });
}

const Network::Plug* Network::find(const Realm& realm, const IpAddress& address) const {
  const auto found = std::ranges::find_if(
      plugs_, [&](const Plug& plug) { return plug.access->realm == &realm && plug.address == address; });
  return found == plugs_.end() ? nullptr : &*found;
}

TimePoint Network::next_event() const noexcept {
  TimePoint next = never;
  for (const Plug& plug : plugs_) {
    next = std::min({next, plug.access->up.next_arrival(), plug.access->down.next_arrival()});
  }
  return next;
}

void Network::advance(TimePoint to) {
  while (next_event() <= to && next_event() != never) {
    now_ = std::max(now_, next_event());
    while (move_one()) {
    }
  }
  now_ = std::max(now_, to);
}

bool Network::move_one() {
  for (const Plug plug : plugs_) {  // A copy: a handler may plug and unplug.
    if (plug.access->up.receive(now_, packet_)) {
      route(*plug.access->realm, packet_);
      return true;
    }
    if (plug.access->down.receive(now_, packet_)) {
      if (plug.host != nullptr)
        arrive(*plug.host, packet_);
      else
        enter(*plug.nat, packet_);
      return true;
    }
  }
  return false;
}

void Network::route(Realm& realm, const Packet& packet) {
  if (const Plug* plug = find(realm, packet.to.address)) {
    plug->access->down.send(now_, packet.from, packet.to, packet.bytes, packet.ecn, packet.sizing);
  } else if (realm.gateway != nullptr) {
    leave(*realm.gateway, packet);
  } else {
    ++stats_.unroutable;
  }
}

void Network::leave(Nat& nat, const Packet& packet) {
  const bool hairpin = packet.to.address == nat.table_.outside();
  if (hairpin && !nat.table_.options().hairpin) {
    ++stats_.filtered;
    return;
  }
  const auto outside = nat.table_.outbound(now_, packet.from, packet.to);
  if (!outside) {
    ++stats_.filtered;
    return;
  }
  if (!hairpin) {
    nat.access_->up.send(now_, *outside, packet.to, packet.bytes, packet.ecn, packet.sizing);
    return;
  }
  // RFC 4787 section 6: both ends of a hairpinned packet are outside endpoints.
  Packet turned = packet;
  turned.from = *outside;
  enter(nat, turned);
}

void Network::enter(Nat& nat, Packet& packet) {
  const auto inside = nat.table_.inbound(now_, packet.to, packet.from);
  if (!inside) {
    ++stats_.filtered;
    return;
  }
  packet.to = *inside;
  if (const Plug* plug = find(*nat.inside_, inside->address)) {
    plug->access->down.send(now_, packet.from, packet.to, packet.bytes, packet.ecn, packet.sizing);
  } else {
    ++stats_.unroutable;
  }
}

void Network::arrive(Host& host, Packet& packet) {
  if (!host.sockets_.contains(packet.to)) {
    ++stats_.unbound;
    return;
  }
  if (host.handler) {
    host.handler(now_, packet);
    return;
  }
  Packet& kept = host.inbox_.emplace_back();
  if (!host.spare_.empty()) {
    kept.bytes = std::move(host.spare_.back());
    host.spare_.pop_back();
  }
  std::swap(kept, packet);
}

}  // namespace linnet::sim
