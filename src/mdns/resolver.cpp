#include "mdns/resolver.hpp"

#include <algorithm>
#include <array>

#include "base/machine.hpp"
#include "base/mdns_name.hpp"
#include "mdns/message.hpp"

namespace linnet::mdns {

static_assert(PipeMachine<Resolver>);

namespace {

using std::chrono::milliseconds;

// Deviation: RFC 6762 section 5.2 wants a second between questions. Somebody waits for this connection, and one lost
// multicast datagram on a wireless network is common.
constexpr std::array<Duration, 5> send_after{milliseconds{0}, milliseconds{100}, milliseconds{300}, milliseconds{900},
                                             milliseconds{2'000}};

}  // namespace

Endpoint group_v4() noexcept { return {IpAddress::v4({224, 0, 0, 251}), port}; }
Endpoint group_v6() noexcept {
  return {IpAddress::v6({0xFF, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFB}), port};
}

TimePoint Resolver::advance(TimePoint now) noexcept { return now_ = std::max(now_, now); }

void Resolver::query(TimePoint now, QueryId id, std::string_view host) {
  advance(now);
  if (closed_) return;
  Query query{.id = id,
              .host = std::string(host),
              .name = canonical(host),
              .addresses = {},
              .next_send = now_,
              .deadline = now_ + options_.give_up};
  if (queries_.size() >= options_.max_queries || !is_mdns_name(host)) return finish(query);
  send(query);
  queries_.push_back(std::move(query));
}

void Resolver::send(Query& query) {
  std::array<std::byte, 320> buffer{};
  // RFC 6762 section 5.4: the first question asks for a direct answer.
  const std::size_t size = write_query(buffer, query.name, query.sent == 0);
  packets_.push(std::span{buffer}.first(size));
  ++query.sent;
  const TimePoint first = query.deadline - options_.give_up;
  if (query.sent >= send_after.size()) {
    query.next_send = never;
    return;
  }
  // Many that ask at the same moment should not go on doing so.
  const Duration jitter{static_cast<Duration::rep>(generator_.below(std::uint64_t{20'000'000}))};
  query.next_send = std::max(now_, first + send_after[query.sent] + jitter);
}

void Resolver::finish(const Query& query) { events_.push(Resolved{query.id, query.host, query.addresses}); }

void Resolver::cancel(QueryId id) {
  std::erase_if(queries_, [&](const Query& query) { return query.id == id; });
}

void Resolver::close() {
  closed_ = true;
  queries_.clear();
  packets_.clear();
  events_.clear();
}

void Resolver::handle_packet(TimePoint now, std::span<const std::byte> packet) {
  advance(now);
  if (closed_ || queries_.empty()) return;
  const auto records = parse_response(packet, 64);
  if (!records) {
    ++packets_ignored_;
    return;
  }
  for (Query& query : queries_) {
    for (const AddressRecord& record : *records) {
      if (record.name != query.name || query.addresses.size() >= options_.max_addresses_per_query) continue;
      if (record.address.is_unspecified() || record.address.is_multicast()) continue;
      if (std::ranges::find(query.addresses, record.address) == query.addresses.end()) {
        query.addresses.push_back(record.address);
      }
    }
  }
  std::erase_if(queries_, [&](const Query& query) {
    if (query.addresses.empty()) return false;
    finish(query);
    return true;
  });
}

std::size_t Resolver::poll_packet(TimePoint now, std::span<std::byte> out) {
  advance(now);
  std::optional<Endpoint> to;  // All are for the group.
  return packets_.poll(out, to);
}

void Resolver::handle_timeout(TimePoint now) {
  advance(now);
  std::erase_if(queries_, [&](const Query& query) {
    if (query.deadline > now_) return false;
    finish(query);
    return true;
  });
  for (Query& query : queries_) {
    if (query.next_send <= now_) send(query);
  }
}

TimePoint Resolver::next_timeout() const noexcept {
  TimePoint next = never;
  for (const Query& query : queries_) next = std::min({next, query.next_send, query.deadline});
  return next;
}

}  // namespace linnet::mdns
