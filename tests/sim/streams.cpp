#include "sim/streams.hpp"

#include <algorithm>
#include <array>

namespace linnet::sim {

Endpoint Streams::listen(Host& host, Endpoint local, Framing framing) {
  if (local.port == 0) local.port = next_port_++;
  listeners_[local] = {.host = &host, .framing = framing};
  return local;
}

void Streams::connect(Host& host, const Path& path, Framing framing) {
  ++attempts_;
  auto& made = *connections_.emplace_back(std::make_unique<Connection>());
  made.ends[0] = {.host = &host, .path = path, .framing = framing};
  made.ends[0].deframer.emplace(framing);
  if (arriving) made.ends[0].may_send = arriving(host, path).value_or(made.ends[0].may_send);
  const TimePoint now = network_.now();
  if (passes && !passes(host, path.remote)) {
    made.refused = true;
    made.answered = now + options_.patience;
  } else {
    made.arrives = now + options_.latency;
  }
}

void Streams::arrive(Connection& connection) {
  const TimePoint now = connection.arrives;
  connection.arrives = never;
  connection.answered = now + options_.latency;
  End& from = connection.ends[0];
  const auto listener = listeners_.find(from.path.remote);
  connection.refused = listener == listeners_.end();
  if (connection.refused || from.gone) return;
  Endpoint seen{from.path.local.address, next_port_++};
  if (const auto nat = outside.find(from.host); nat != outside.end()) seen.address = nat->second;
  End& to = connection.ends[1];
  to = {.host = listener->second.host,
        .path = {listener->first, seen, from.path.protocol},
        .framing = listener->second.framing,
        .open = true};
  to.deframer.emplace(to.framing);
  if (arriving) to.may_send = arriving(*to.host, to.path).value_or(to.may_send);
  tell(to, Event::Kind::Connected);
}

void Streams::answer(Connection& connection) {
  connection.answered = never;
  End& end = connection.ends[0];
  if (connection.refused) {
    tell(end, Event::Kind::Disconnected, "connection refused");
    end.gone = true;
  } else {
    end.open = true;
    tell(end, Event::Kind::Connected);
  }
}

std::optional<Streams::Found> Streams::find(const Host& host, const Path& path) {
  for (const auto& connection : connections_) {
    for (std::size_t side = 0; side < 2; ++side) {
      const End& end = connection->ends[side];
      if (end.host == &host && end.path == path && !end.gone) return Found{connection.get(), side};
    }
  }
  return std::nullopt;
}

void Streams::put(const Found& found, std::span<const std::byte> bytes) {
  End& from = found.end();
  End& to = found.other();
  bytes = bytes.first(std::min(bytes.size(), from.may_send));
  from.may_send -= bytes.size();
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min<std::size_t>(bytes.size(), 1 + generator_.below(options_.segment)));
    bytes = bytes.subspan(piece.size());
    TimePoint leaves = std::max(network_.now(), from.wire_free);
    if (options_.bits_per_second != 0) {
      leaves += Duration{static_cast<Duration::rep>(static_cast<double>(piece.size()) * 8e9 /
                                                    static_cast<double>(options_.bits_per_second))};
      from.wire_free = leaves;
    }
    to.incoming.push_back({.at = leaves + options_.latency, .bytes = {piece.begin(), piece.end()}});
  }
}

void Streams::send(Host& host, const DatagramBatch::Run& run) {
  const auto found = find(host, run.path);
  if (!found || !found->end().open) return;
  auto rest = run.bytes;
  constexpr std::array<std::byte, 4> zeros{};
  while (!rest.empty()) {
    const auto datagram = run.segment_size == 0 ? rest : rest.first(std::min(run.segment_size, rest.size()));
    rest = rest.subspan(datagram.size());
    const auto edges = frame_edges(found->end().framing, datagram);
    if (!edges) continue;
    put(*found, std::span{edges->header}.first(edges->header_size));
    put(*found, datagram);
    put(*found, std::span{zeros}.first(edges->padding));
  }
}

void Streams::send_bytes(Host& host, const Path& path, std::span<const std::byte> bytes) {
  if (const auto found = find(host, path); found && found->end().open) put(*found, bytes);
}

void Streams::disconnect(Host& host, const Path& path) {
  const auto found = find(host, path);
  if (!found) return;
  End& end = found->end();
  End& other = found->other();
  end.gone = true;
  const TimePoint last = other.incoming.empty() ? network_.now() : other.incoming.back().at;
  if (other.open && !other.gone)
    other.incoming.push_back({.at = std::max(last, network_.now() + options_.latency), .bytes = {}});
}

void Streams::reset(Host& host, const Path& path) {
  const auto found = find(host, path);
  if (!found) return;
  for (End* end : {&found->end(), &found->other()}) {
    if (end->host == nullptr || end->gone) continue;
    end->breaks = network_.now();
  }
}

void Streams::stop_after(Host& host, const Path& path, std::size_t bytes) {
  if (const auto found = find(host, path)) found->end().may_send = bytes;
}

void Streams::tell(End& end, Event::Kind kind, std::string why, std::span<const std::byte> bytes) {
  if (end.gone) return;
  events_[end.host].push_back(
      {.kind = kind, .path = end.path, .bytes = {bytes.begin(), bytes.end()}, .why = std::move(why)});
}

std::optional<Streams::Event> Streams::poll(Host& host) {
  auto& events = events_[&host];
  while (!events.empty()) {
    Event event = std::move(events.front());
    events.pop_front();
    // What its owner has closed meanwhile is not told; that it has broken is.
    if (event.kind == Event::Kind::Disconnected || find(host, event.path)) return event;
  }
  return std::nullopt;
}

void Streams::deliver(End& end, TimePoint now) {
  if (end.breaks <= now) {
    tell(end, Event::Kind::Disconnected, "connection reset");
    end.breaks = never;
    end.gone = true;
  }
  while (!end.incoming.empty() && end.incoming.front().at <= now) {
    Segment segment = std::move(end.incoming.front());
    end.incoming.pop_front();
    if (end.gone) continue;
    if (segment.bytes.empty()) {
      tell(end, Event::Kind::Disconnected, "the other side has closed the connection");
      end.gone = true;
      continue;
    }
    end.deframer->feed(segment.bytes);
    while (const auto datagram = end.deframer->next()) tell(end, Event::Kind::Datagram, {}, *datagram);
    if (!end.deframer->broken()) continue;
    tell(end, Event::Kind::Disconnected, "the stream holds something else than datagrams");
    const Path path = end.path;
    disconnect(*end.host, path);
  }
}

TimePoint Streams::next_of(const Connection& connection) const noexcept {
  TimePoint next = std::min(connection.arrives, connection.answered);
  for (const End& end : connection.ends) {
    next = std::min(next, end.breaks);
    if (!end.incoming.empty()) next = std::min(next, end.incoming.front().at);
  }
  return next;
}

TimePoint Streams::next_event() const noexcept {
  TimePoint next = never;
  for (const auto& connection : connections_) next = std::min(next, next_of(*connection));
  return next;
}

void Streams::advance(TimePoint now) {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = *connections_[i];
    if (connection.arrives <= now) arrive(connection);
    if (connection.answered <= now) answer(connection);
    for (End& end : connection.ends) deliver(end, now);
  }
  std::erase_if(connections_, [](const auto& c) {
    return c->ends[0].gone && (c->ends[1].gone || c->ends[1].host == nullptr) && c->arrives == never;
  });
  for (const auto& [host, handle] : handlers)
    while (auto event = poll(*host)) handle(now, *event);
}

std::size_t Streams::size() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(connections_, [](const auto& c) { return !c->ends[0].gone || c->ends[1].open; }));
}

std::vector<Path> Streams::paths(const Host& host) const {
  std::vector<Path> out;
  for (const auto& connection : connections_)
    for (const End& end : connection->ends)
      if (end.host == &host && end.open && !end.gone) out.push_back(end.path);
  return out;
}

}  // namespace linnet::sim
