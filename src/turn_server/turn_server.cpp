#include "turn_server/turn_server.hpp"

#include <algorithm>
#include <chrono>

#include "base/ip_prefix.hpp"

namespace linnet::turn_server {

TurnServer::TurnServer(Options options, Generator& generator)
    : options_(std::move(options)),
      users_(options_),
      nonces_(options_.nonce_lifetime, generator),
      policy_(options_.peers),
      challenges_(options_.max_challenges_per_second, generator),
      renewals_(options_.max_challenges_per_second, generator),
      bindings_(options_.max_bindings_per_second, generator),
      outbox_(options_.max_queued_bytes, options_.max_queued_datagrams) {}

void TurnServer::advance(TimePoint now) noexcept { now_ = std::max(now_, now); }

void TurnServer::set_unix_time(TimePoint now, std::chrono::seconds unix_time) noexcept {
  advance(now);
  options_.unix_seconds_at_start =
      (unix_time - std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch())).count();
}

std::int64_t TurnServer::unix_seconds() const noexcept {
  return options_.unix_seconds_at_start +
         std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
}

void TurnServer::set_own_addresses(std::vector<IpAddress> own) {
  options_.peers.own = std::move(own);
  policy_ = PeerPolicy{options_.peers};
}

Allocation* TurnServer::find(const Path& client) {
  const auto found = allocations_.find(client);
  return found == allocations_.end() ? nullptr : &found->second;
}

Allocation* TurnServer::find(RelayId id) {
  const auto found = clients_.find(id);
  return found == clients_.end() ? nullptr : find(found->second);
}

void TurnServer::relay_opened(TimePoint now, RelayId id, const RelayAddress& address) {
  advance(now);
  Allocation* const allocation = find(id);
  if (!allocation || allocation->relay) return;
  // An address that another relay has already would take its datagrams away.
  if (by_socket_.contains(address.local) || by_relayed_.contains(address.relayed) || address.relayed.port == 0 ||
      address.relayed.address.family() != allocation->family)
    return relay_failed(now, id);
  allocation->relay = address;
  by_socket_.emplace(address.local, allocation);
  by_relayed_.emplace(address.relayed, allocation);
  ++relayed_addresses_[address.relayed.address];
  ++counters_.allocations;
  set_lifetime(*allocation, allocation->lifetime);
  answer_allocate(*allocation);
}

void TurnServer::relay_failed(TimePoint now, RelayId id) {
  advance(now);
  Allocation* const allocation = find(id);
  if (!allocation || allocation->relay) return;
  ++counters_.refusals;
  if (const auto out = outbox_.begin(max_reply); !out.empty()) {
    stun::MessageBuilder reply{out, stun::Class::Error, stun::Method::Allocate, allocation->request};
    reply.error_code(stun::ErrorCode::InsufficientCapacity).integrity(allocation->key);
    if (allocation->fingerprint) reply.fingerprint();
    outbox_.commit(allocation->client, Ecn::NotEct, reply.finish());
  }
  remove(*allocation);
}

void TurnServer::disconnected(TimePoint now, const Path& client) {
  advance(now);
  if (Allocation* const allocation = find(client)) remove(*allocation);
}

void TurnServer::close(TimePoint now) {
  advance(now);
  closed_ = true;
  by_socket_.clear();
  by_relayed_.clear();
  relayed_addresses_.clear();
  per_account_.clear();
  per_network_.clear();
  deadlines_.clear();
  clients_.clear();
  allocations_.clear();
  events_.clear();
  outbox_.clear();
}

void TurnServer::set_lifetime(Allocation& allocation, Duration lifetime) {
  deadlines_.erase({allocation.expires, allocation.id});
  allocation.lifetime = lifetime;
  allocation.expires = now_ + lifetime;
  deadlines_.insert({allocation.expires, allocation.id});
}

void TurnServer::remove(Allocation& allocation) {
  deadlines_.erase({allocation.expires, allocation.id});
  clients_.erase(allocation.id);
  if (const auto account = per_account_.find(allocation.account);
      account != per_account_.end() && --account->second == 0)
    per_account_.erase(account);
  if (const auto network = per_network_.find(network_of(allocation.client.remote.address));
      network != per_network_.end() && --network->second == 0)
    per_network_.erase(network);
  if (allocation.relay) {
    by_socket_.erase(allocation.relay->local);
    by_relayed_.erase(allocation.relay->relayed);
    const auto address = relayed_addresses_.find(allocation.relay->relayed.address);
    if (address != relayed_addresses_.end() && --address->second == 0) relayed_addresses_.erase(address);
  }
  events_.emplace_back(CloseRelay{allocation.id});
  allocations_.erase(Path{allocation.client});
}

void TurnServer::handle_timeout(TimePoint now) {
  advance(now);
  while (!deadlines_.empty() && deadlines_.begin()->first <= now_) {
    Allocation* const allocation = find(deadlines_.begin()->second);
    if (allocation)
      remove(*allocation);
    else
      deadlines_.erase(deadlines_.begin());
  }
}

TimePoint TurnServer::next_timeout() const noexcept { return deadlines_.empty() ? never : deadlines_.begin()->first; }

Progress TurnServer::poll_transmit(TimePoint now, DatagramBatch& batch) {
  advance(now);
  return outbox_.drain(batch);
}

std::optional<Event> TurnServer::poll_event() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  if (std::holds_alternative<CloseRelay>(event)) --unclosed_;
  return event;
}

}  // namespace linnet::turn_server
