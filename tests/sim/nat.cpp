#include "sim/nat.hpp"

#include <iterator>

namespace linnet::sim {
namespace {
constexpr std::uint16_t first_port = 1'024;
constexpr std::uint64_t port_count = 65'536 - first_port;
}  // namespace

NatTable::NatTable(NatOptions options, IpAddress outside, Generator& generator)
    : options_(options),
      outside_(outside),
      generator_(generator),
      next_port_(static_cast<std::uint16_t>(first_port + generator.below(port_count))) {}

Endpoint NatTable::part(const Endpoint& remote, NatBehavior behavior) {
  switch (behavior) {
    case NatBehavior::EndpointIndependent: return {};
    case NatBehavior::AddressDependent: return {.address = remote.address, .port = 0};
    case NatBehavior::AddressAndPortDependent: break;
  }
  return remote;
}

void NatTable::expire(TimePoint now) {
  for (auto it = by_port_.begin(); it != by_port_.end();) {
    if (it->second.expires > now) {
      ++it;
      continue;
    }
    ports_.erase(it->second.key);
    it = by_port_.erase(it);
  }
}

std::optional<std::uint16_t> NatTable::allocate(std::uint16_t wanted) {
  const auto is_free = [&](std::uint16_t port) { return !by_port_.contains(port) && !avoid_.contains(port); };
  if (options_.ports == PortAllocation::Preserve && wanted >= first_port && is_free(wanted)) return wanted;
  if (options_.ports == PortAllocation::Random) {
    next_port_ = static_cast<std::uint16_t>(first_port + generator_.below(port_count));
  }
  for (std::uint64_t tries = 0; tries < port_count; ++tries) {
    const std::uint16_t port = next_port_;
    next_port_ = port == 65'535 ? first_port : static_cast<std::uint16_t>(port + 1);
    if (is_free(port)) return port;
  }
  return std::nullopt;
}

std::optional<Endpoint> NatTable::outbound(TimePoint now, const Endpoint& inside, const Endpoint& remote) {
  expire(now);
  const Key key{.inside = inside, .remote = part(remote, options_.mapping)};
  auto found = ports_.find(key);
  if (found == ports_.end()) {
    if (by_port_.size() >= options_.max_mappings) return std::nullopt;
    const auto port = allocate(inside.port);
    if (!port) return std::nullopt;
    found = ports_.emplace(key, *port).first;
    by_port_.emplace(*port, Mapping{.key = key, .expires = now, .permitted = {}});
  }
  Mapping& mapping = by_port_.at(found->second);
  mapping.expires = now + options_.mapping_timeout;
  mapping.permitted.insert(part(remote, options_.filtering));
  return Endpoint{.address = outside_, .port = found->second};
}

std::optional<Endpoint> NatTable::inbound(TimePoint now, const Endpoint& outside, const Endpoint& remote) {
  expire(now);
  if (outside.address != outside_) return std::nullopt;
  const auto found = by_port_.find(outside.port);
  if (found == by_port_.end()) return std::nullopt;
  Mapping& mapping = found->second;
  if (!mapping.permitted.contains(part(remote, options_.filtering))) return std::nullopt;
  if (options_.inbound_refreshes) mapping.expires = now + options_.mapping_timeout;
  return mapping.key.inside;
}

void NatTable::rebind() {
  avoid_.clear();
  for (const auto& [port, mapping] : by_port_) avoid_.insert(port);
  by_port_.clear();
  ports_.clear();
}

void NatTable::rebind(IpAddress outside) {
  rebind();
  outside_ = outside;
}

}  // namespace linnet::sim
