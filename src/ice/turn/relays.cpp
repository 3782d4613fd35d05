#include "ice/turn/relays.hpp"

#include <algorithm>
#include <array>

#include "ice/turn/channel_data.hpp"

namespace linnet::ice::turn {
namespace {

constexpr std::size_t max_alternates = 4;
constexpr std::size_t max_goodbyes = 64;
/// TCP's and TLS's handshakes take round trips of their own.
constexpr int connect_patience = 2;

bool is_stream(const Path& path) { return path.protocol != Protocol::Udp; }

/// Whether it is of a method that no TURN client asks for: the agent's own question to the same server, as STUN server.
bool is_binding(std::span<const std::byte> bytes) {
  if (bytes.size() < 2) return false;
  const auto type = load_be<std::uint16_t>(bytes.data());
  return (type & 0xFEEFU) == std::to_underlying(stun::Method::Binding);
}

/// A server must not make us knock at doors of networks that are nearer than itself: our machine, link, house.
bool may_point_to(const IpAddress& from, const Endpoint& to) {
  const IpAddress& address = to.address;
  if (to.port == 0 || address.family() != from.family() || address.is_unspecified() || address.is_multicast()) {
    return false;
  }
  const auto distance = [](const IpAddress& a) {
    if (a.is_loopback()) return 0;
    if (a.is_link_local()) return 1;
    return a.is_private() ? 2 : 3;
  };
  return distance(address.unmapped()) >= distance(from);
}

void add(Statistics& to, const Statistics& more) {
  to.malformed += more.malformed;
  to.unexpected += more.unexpected;
  to.forged += more.forged;
  to.limits_hit += more.limits_hit;
}

}  // namespace

// --- Who there is ----------------------------------------------------------------------------------------------

const Relays::Relay* Relays::find(const Endpoint& relayed) const noexcept {
  for (const Relay& relay : relays_) {
    if (relay.client && relay.client->state() == TurnClient::State::Allocated &&
        relay.client->relayed(relayed.address.family()) == relayed) {
      return &relay;
    }
  }
  return nullptr;
}

Relays::Relay* Relays::find(const Path& path) noexcept {
  const auto it = std::ranges::find_if(relays_, [&](const Relay& r) { return r.client && r.site.path == path; });
  return it == relays_.end() ? nullptr : &*it;
}

std::vector<Endpoint> Relays::relayed_of(const TurnClient& client) {
  std::vector<Endpoint> out;
  for (const auto family : {IpAddress::Family::V4, IpAddress::Family::V6}) {
    if (const auto& relayed = client.relayed(family)) out.push_back(*relayed);
  }
  return out;
}

bool Relays::serves(const Server& server, const Endpoint& socket, std::uint32_t network_id) const noexcept {
  return std::ranges::any_of(relays_, [&](const Relay& relay) {
    const Site& site = relay.site;
    if (relay.retired || site.server.url != server.url) return false;
    if (site.socket.address.family() != socket.address.family()) return false;
    return (is_stream(site.path) && !options_.bound_streams) || site.socket == socket ||
           (network_id != 0 && site.network_id == network_id);
  });
}

bool Relays::pending() const noexcept {
  return std::ranges::any_of(relays_, [](const Relay& relay) {
    return relay.client && !relay.retired && relay.client->state() != TurnClient::State::Allocated;
  });
}

Statistics Relays::statistics() const noexcept {
  Statistics out = past_;
  for (const Relay& relay : relays_) {
    if (relay.client) add(out, relay.client->statistics());
  }
  return out;
}

// --- Coming and going ------------------------------------------------------------------------------------------

std::unique_ptr<TurnClient> Relays::make_client(const Server& server) const {
  return std::make_unique<TurnClient>(turn::Options{.username = server.username,
                                                    .credential = server.credential,
                                                    .reliable = server.protocol != Protocol::Udp,
                                                    .allocate_timeout = options_.allocate_timeout,
                                                    .rto = options_.rto,
                                                    .max_sends = options_.max_sends,
                                                    .last_wait = options_.last_wait,
                                                    .keepalive = options_.keepalive},
                                      generator_);
}

bool Relays::start(TimePoint now, const Server& server, const Endpoint& socket, std::uint32_t network_id,
                   const Endpoint& remote) {
  // One server under two names is one server.
  if (server.protocol == Protocol::Udp && find(Path{.local = socket, .remote = remote}) != nullptr) return true;
  if (relays_.size() >= options_.max_relays) return false;
  relays_.push_back({.site = {.server = server,
                              .path = {.local = socket, .remote = remote, .protocol = server.protocol},
                              .socket = socket,
                              .network_id = network_id},
                     .server_name = server.protocol == Protocol::Tls ? server.host : std::string{},
                     .client = {}});
  launch(now, relays_.back());
  return true;
}

/// The one that was free for longest. There are fewer relays than numbers.
std::uint16_t Relays::next_stream_number() noexcept {
  const auto taken = [this](std::uint16_t number) {
    return std::ranges::any_of(relays_, [&](const Relay& relay) {
      return relay.client && is_stream(relay.site.path) && relay.site.path.local.port == number;
    });
  };
  std::uint16_t number = 0;
  for (std::uint16_t tries = 0; tries < stream_numbers; ++tries) {
    number = static_cast<std::uint16_t>(first_stream_ + next_stream_++ % stream_numbers);
    if (!taken(number)) break;
  }
  return number;
}

void Relays::launch(TimePoint now, Relay& relay) {
  relay.client = make_client(relay.site.server);
  Path& path = relay.site.path;
  if (!is_stream(path)) return relay.client->start(now);
  // Any address of the family, where that is allowed; the number is the stream's name.
  const IpAddress any = path.remote.address.is_v4() ? IpAddress{} : IpAddress::v6({});
  path.local = {options_.bound_streams ? relay.site.socket.address : any, next_stream_number()};
  relay.connect_by = now + options_.allocate_timeout * connect_patience;
  events_.push_back(Connect{path, relay.server_name});
}

void Relays::connected(TimePoint now, const Path& path) {
  Relay* const relay = find(path);
  if (relay == nullptr || relay->connect_by == never) return;
  relay->connect_by = never;
  relay->client->start(now);
}

void Relays::disconnected(TimePoint now, const Path& path, std::string_view why) {
  Relay* const relay = find(path);
  if (relay == nullptr || !is_stream(path)) return;
  fail(now, *relay, stun::unreachable, why.empty() ? "The connection to the TURN server was lost." : std::string{why});
  sweep();
}

void Relays::keep(TimePoint now, std::span<const Server> servers, const std::optional<Endpoint>& but) {
  for (Relay& relay : relays_) {
    const bool carries = but && find(*but) == &relay;
    // With other credentials it is another user's. But one path to a server has one allocation, and that is in use.
    const bool in_the_way = carries && !is_stream(relay.site.path) &&
                            std::ranges::find(servers, relay.site.server.url, &Server::url) != servers.end();
    const bool listed = in_the_way || std::ranges::find(servers, relay.site.server) != servers.end();
    if (listed && !relay.retired) {
      if (relay.client->state() != TurnClient::State::Allocated) continue;
      relay.client->refresh(now);
      tell_allocated(relay);
    } else if (carries) {
      relay.retired = true;
    } else {
      drop(now, relay);
    }
  }
  sweep();
}

void Relays::drop_retired(TimePoint now) {
  for (Relay& relay : relays_) {
    if (relay.retired) drop(now, relay);
  }
  sweep();
}

void Relays::reject(TimePoint now, const Path& path, std::string text) {
  Relay* const relay = find(path);
  if (relay == nullptr) return;
  fail(now, *relay, stun::unreachable, std::move(text), false);
  sweep();
}

void Relays::probe(TimePoint now, const Endpoint& relayed) {
  if (Relay* const relay = find(relayed)) relay->client->probe(now);
}

void Relays::remove_socket(TimePoint now, const Endpoint& local) {
  for (Relay& relay : relays_) {
    // A stream dies in silence with the network that it was opened on, and that is this one, as far as we know.
    if (relay.site.socket != local) continue;
    fail(now, relay, 0, "The socket is gone.");
  }
  sweep();
}

void Relays::close(TimePoint now) {
  for (Relay& relay : relays_) drop(now, relay);
  sweep();
}

void Relays::drop(TimePoint now, Relay& relay) {
  if (is_stream(relay.site.path)) {
    // The server ends the allocation with the connection.
    events_.push_back(Disconnect{relay.site.path});
  } else {
    relay.client->close(now);
    std::vector<std::byte> goodbye(relay.client->pending());
    if (!goodbye.empty() && goodbyes_.size() < max_goodbyes) {
      (void)relay.client->poll_packet(now, goodbye);
      goodbyes_.emplace_back(relay.site.path, std::move(goodbye));
    }
  }
  add(past_, relay.client->statistics());
  relay.client.reset();
}

void Relays::sweep() {
  std::erase_if(relays_, [](const Relay& relay) { return !relay.client; });
  open_ = nullptr;
}

void Relays::fail(TimePoint now, Relay& relay, std::uint16_t code, std::string text, bool usable) {
  // Nothing goes with an address that was never ours: it is somebody's, of another server of ours perhaps.
  auto relayed = usable ? relayed_of(*relay.client) : std::vector<Endpoint>{};
  const bool lost = !relay.retired && !relayed.empty();
  events_.push_back(Failed{relay.site, std::move(relayed), code, std::move(text), lost});
  drop(now, relay);
}

// --- What the clients tell ---------------------------------------------------------------------------------------

void Relays::tell_allocated(const Relay& relay) {
  events_.push_back(Allocated{relay.site, relayed_of(*relay.client), relay.client->mapped()});
}

void Relays::take_events(TimePoint now, Relay& relay) {
  while (relay.client) {
    auto event = relay.client->poll_event();
    if (!event) return;
    if (std::holds_alternative<TurnClient::Allocated>(*event)) {
      tell_allocated(relay);
    } else if (auto* failed = std::get_if<TurnClient::Failed>(&*event)) {
      fail(now, relay, failed->code, std::move(failed->text));
    } else if (const auto* refused = std::get_if<TurnClient::Refused>(&*event)) {
      events_.push_back(Refused{relayed_of(*relay.client), refused->peer});
    } else if (const auto* alternate = std::get_if<TurnClient::Alternate>(&*event)) {
      follow(now, relay, *alternate);
    }
  }
}

void Relays::follow(TimePoint now, Relay& relay, const TurnClient::Alternate& alternate) {
  // RFC 8489 section 10. Not to where we were, and not for ever.
  Path& path = relay.site.path;
  relay.visited.push_back(path.remote);
  const bool known = std::ranges::find(relay.visited, alternate.server) != relay.visited.end();
  const bool taken = find(Path{path.local, alternate.server, path.protocol}) != nullptr;
  if (known || taken || relay.visited.size() > max_alternates || !may_point_to(path.remote.address, alternate.server)) {
    return fail(now, relay, std::to_underlying(stun::ErrorCode::TryAlternate),
                "The TURN server points to one that we cannot use.");
  }
  if (is_stream(path)) events_.push_back(Disconnect{path});
  add(past_, relay.client->statistics());
  path.remote = alternate.server;
  if (!alternate.domain.empty() && path.protocol == Protocol::Tls) relay.server_name = alternate.domain;
  launch(now, relay);
}

std::optional<Relays::Event> Relays::poll_event() {
  if (events_.empty()) return std::nullopt;
  std::optional<Event> event{std::move(events_.front())};
  events_.erase(events_.begin());
  return event;
}

// --- Peers -----------------------------------------------------------------------------------------------------

bool Relays::permit(TimePoint now, const Path& path) {
  Relay* const relay = find(path.local);
  return relay == nullptr || relay->client->permit(now, path.remote.address);
}

void Relays::bind(TimePoint now, const Path& path) {
  if (Relay* const relay = find(path.local)) relay->client->bind(now, path.remote);
}

void Relays::release(TimePoint now, std::span<const Path> but) {
  std::vector<Endpoint> kept;
  for (Relay& relay : relays_) {
    kept.clear();
    for (const Path& path : but) {
      if (relay.client->relayed(path.local.address.family()) == path.local) kept.push_back(path.remote);
    }
    relay.client->release(now, kept);
  }
}

// --- Packets ---------------------------------------------------------------------------------------------------

std::span<std::byte> Relays::begin(DatagramBatch& batch, const Path& path, Ecn ecn, std::size_t at_least) {
  open_ = path.protocol == Protocol::Udp ? find(path.local) : nullptr;
  if (open_ == nullptr) return batch.begin(path, ecn, at_least);
  const std::size_t before = open_->client->room_before(path.remote);
  open_peer_ = path.remote;
  open_room_ = batch.begin(open_->site.path, ecn, before + at_least + TurnClient::room_behind);
  if (open_room_.empty()) return {};
  return open_room_.subspan(before, open_room_.size() - before - TurnClient::room_behind);
}

void Relays::commit(DatagramBatch& batch, std::size_t size, Sizing sizing) {
  Relay* const relay = std::exchange(open_, nullptr);
  if (relay != nullptr && size != 0) size = relay->client->wrap(open_peer_, open_room_, size);
  batch.commit(size, sizing);
}

std::optional<Datagram> Relays::unwrap(TimePoint now, const Datagram& datagram) {
  Relay* const relay = find(datagram.path);
  if (relay == nullptr) return datagram;
  if (is_binding(datagram.bytes)) return datagram;
  const auto data = relay->client->handle_packet(now, datagram.bytes);
  if (data) {
    const auto& relayed = relay->client->relayed(data->peer.address.family());
    if (!relayed) return std::nullopt;
    Datagram inner = datagram;
    inner.path = Path{.local = *relayed, .remote = data->peer};
    inner.bytes = data->bytes;
    return inner;
  }
  take_events(now, *relay);
  sweep();
  return std::nullopt;
}

Progress Relays::poll_transmit(TimePoint now, DatagramBatch& batch) {
  while (!goodbyes_.empty()) {
    const auto& [path, bytes] = goodbyes_.front();
    const auto out = batch.begin(path, Ecn::NotEct, bytes.size());
    if (out.empty()) return Progress::More;
    std::ranges::copy(bytes, out.begin());
    batch.commit(bytes.size());
    goodbyes_.erase(goodbyes_.begin());
  }
  for (Relay& relay : relays_) {
    while (const std::size_t size = relay.client->pending()) {
      const auto out = batch.begin(relay.site.path, Ecn::NotEct, size);
      if (out.empty()) return Progress::More;
      batch.commit(relay.client->poll_packet(now, out));
    }
  }
  return Progress::Done;
}

void Relays::handle_timeout(TimePoint now) {
  for (Relay& relay : relays_) {
    if (relay.connect_by <= now) {
      fail(now, relay, stun::unreachable, "The connection to the TURN server timed out.");
      continue;
    }
    relay.client->handle_timeout(now);
    take_events(now, relay);
  }
  sweep();
}

TimePoint Relays::next_timeout() const noexcept {
  TimePoint next = never;
  for (const Relay& relay : relays_) next = std::min({next, relay.connect_by, relay.client->next_timeout()});
  return next;
}

}  // namespace linnet::ice::turn
