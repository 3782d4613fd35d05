#include "runtime/turn_host.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "io/clock.hpp"
#include "io/interfaces.hpp"

namespace linnet::runtime {
namespace {

constexpr int batches = 4;  // Then others get their turn.
constexpr io::UdpSocket::Options relay_buffers{.receive_buffer = std::size_t{1'024} * 1'024,
                                               .send_buffer = std::size_t{1'024} * 1'024};

std::string explain(const std::error_code& why) {
  if (why == std::errc::address_in_use)
    return "the port is taken by another program; choose another one (0 takes any free one)";
  if (why == std::errc::permission_denied) return "permission denied; ports below 1024 need privileges";
  if (why == std::errc::address_not_available) return "this machine does not have that address";
  return why.message();
}

}  // namespace

TurnHost::TurnHost(boost::asio::any_io_executor executor, TurnHostOptions options)
    : executor_(std::move(executor)), options_(std::move(options)), timer_(executor_) {}

Result<> TurnHost::start() {
  // A free port is one that is free on every address: the first one's choice may be taken elsewhere.
  constexpr int tries = 16;
  const bool chooses = options_.port == 0 || options_.alternate_port == std::uint16_t{0};
  Result<> done;
  for (int i = 0; i < (chooses ? tries : 1); ++i) {
    sockets_.clear();
    listeners_.clear();
    done = listen();
    if (done) break;
  }
  if (!done) {
    sockets_.clear();
    listeners_.clear();
    return done;
  }
  options_.server.discovery = discovery();
  options_.server.peers.own = own_addresses();
  server_.emplace(options_.server, generator_);
  for (const auto& [local, socket] : sockets_) wait_readable(socket);
  for (const auto& listener : listeners_) wait_acceptable(listener);
  watch_networks();
  return {};
}

/// Also those that we do not listen on; and what a 1:1 NAT brings back to us.
std::vector<IpAddress> TurnHost::own_addresses() const {
  std::vector<IpAddress> own;
  for (const auto& each : io::interfaces()) own.push_back(each.address);
  if (options_.external) own.push_back(*options_.external);
  return own;
}

void TurnHost::watch_networks() {
  watch_ = NetworkWatch::at(executor_);
  if (!watch_) return;
  watched_as_ = watch_->add([weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->stopped_) self->server_->set_own_addresses(self->own_addresses());
  });
}

Result<> TurnHost::listen() {
  auto addresses = options_.addresses;
  const auto& other = options_.alternate_address;
  if (other && std::ranges::find(addresses, *other) == addresses.end()) addresses.push_back(*other);
  std::uint16_t port = options_.port;
  std::uint16_t alternate_port = options_.alternate_port.value_or(0);
  for (const IpAddress& address : addresses) {
    if (auto done = listen(address, port); !done) return done;
    if (!options_.alternate_port) continue;
    if (auto done = listen(address, alternate_port); !done) return done;
  }
  port_ = port;
  alternate_port_ = alternate_port;
  return {};
}

Result<> TurnHost::listen(const IpAddress& address, std::uint16_t& port) {
  const auto cannot = [&](const char* protocol, const std::error_code& why) {
    return fail(ErrorName::NetworkError, std::string{"cannot listen on "} + protocol + " " +
                                             to_string(Endpoint{address, port}) + ": " + explain(why));
  };
  auto udp = io::UdpSocket::bind({address, port}, {});
  if (!udp) return cannot("UDP", udp.error());
  const Endpoint local = udp->local();
  port = local.port;
  sockets_.emplace(local, std::make_shared<Socket>(executor_, std::move(*udp)));
  if (!options_.tcp) return {};
  auto tcp = io::TcpListener::bind(local, {.backlog = 128});
  if (!tcp) return cannot("TCP", tcp.error());
  listeners_.push_back(std::make_shared<Listener>(executor_, std::move(*tcp)));
  return {};
}

std::vector<turn_server::BehaviorDiscovery> TurnHost::discovery() const {
  std::vector<turn_server::BehaviorDiscovery> out;
  if (!options_.alternate_port) return out;
  const auto& other = options_.alternate_address;
  for (const IpAddress& address : options_.addresses) {
    const bool has_other = other && other->family() == address.family();
    if (has_other && *other == address && options_.addresses.size() > 1) continue;
    out.push_back({.primary = {address, port_}, .alternate = {has_other ? *other : address, alternate_port_}});
  }
  return out;
}

void TurnHost::stop() {
  if (std::exchange(stopped_, true)) return;
  if (server_) server_->close(io::SteadyClock::now());
  timer_.cancel();
  if (watch_) watch_->remove(watched_as_);
  watch_.reset();
  for (const auto& [local, socket] : sockets_) socket->stop();
  for (const auto& listener : listeners_) listener->stop();
  for (const auto& [path, stream] : streams_) {
    stream->limit.cancel();
    stream->end({});
    stream->socket.stop();
  }
  sockets_.clear();
  listeners_.clear();
  streams_.clear();
  relays_.clear();
  port_ = 0;
  alternate_port_ = 0;
}

std::optional<IpAddress> TurnHost::relay_address(const turn_server::NeedRelay& wish) const {
  // Best where the client reached us; but from loopback little can be reached.
  const auto fits = [&](const IpAddress& a) { return a.family() == wish.family; };
  const IpAddress& here = wish.client.local.address;
  if (fits(here) && !here.is_loopback()) return here;
  const auto outside =
      std::ranges::find_if(options_.addresses, [&](const IpAddress& a) { return fits(a) && !a.is_loopback(); });
  if (outside != options_.addresses.end()) return *outside;
  const auto any = std::ranges::find_if(options_.addresses, fits);
  if (any != options_.addresses.end()) return *any;
  return std::nullopt;
}

std::optional<io::UdpSocket> TurnHost::bind_relay(const IpAddress& address, bool even_port) {
  if (options_.relay_port_min == 0 && !even_port) {
    auto socket = io::UdpSocket::bind({address, 0}, relay_buffers);
    if (!socket) return std::nullopt;
    return std::move(*socket);
  }
  // RFC 8656 section 7.2: not to be guessed. From a random port on, around the range.
  const unsigned low = options_.relay_port_min == 0 ? 49'152 : options_.relay_port_min;
  const unsigned high = options_.relay_port_min == 0 ? 65'535 : options_.relay_port_max;
  const unsigned count = high - low + 1;
  const auto first = static_cast<unsigned>(generator_.below(count));
  for (unsigned i = 0; i < count; ++i) {
    const unsigned port = low + (first + i) % count;
    if (even_port && port % 2 != 0) continue;
    auto socket = io::UdpSocket::bind({address, static_cast<std::uint16_t>(port)}, relay_buffers);
    if (socket) return std::move(*socket);
    if (socket.error() != std::errc::address_in_use && socket.error() != std::errc::permission_denied) break;
  }
  return std::nullopt;
}

void TurnHost::open(const turn_server::NeedRelay& wish) {
  const TimePoint now = io::SteadyClock::now();
  const auto address = relay_address(wish);
  auto bound = address ? bind_relay(*address, wish.even_port) : std::nullopt;
  if (!bound) return server_->relay_failed(now, wish.id);
  const Endpoint local = bound->local();
  const auto socket = std::make_shared<Socket>(executor_, std::move(*bound));
  sockets_.emplace(local, socket);
  relays_.emplace(wish.id, local);
  wait_readable(socket);
  const bool translated = options_.external && options_.external->family() == local.address.family();
  server_->relay_opened(now, wish.id, {local, translated ? Endpoint{*options_.external, local.port} : local});
}

void TurnHost::close_relay(turn_server::RelayId id) {
  const auto relay = relays_.find(id);
  if (relay == relays_.end()) return;
  const auto socket = sockets_.find(relay->second);
  socket->second->stop();
  sockets_.erase(socket);
  relays_.erase(relay);
}

void TurnHost::wait_readable(const std::shared_ptr<Socket>& socket) {
  if (socket->stopped()) return;
  socket->wait(Socket::Wait::wait_read, [self = shared_from_this(), socket](boost::system::error_code error) {
    if (error || self->stopped_ || socket->stopped()) return;
    self->on_readable(*socket);
    self->wait_readable(socket);
  });
}

TimePoint TurnHost::tell_time() {
  const TimePoint now = io::SteadyClock::now();
  const auto unix_time = std::chrono::system_clock::now().time_since_epoch();
  server_->set_unix_time(now, std::chrono::floor<std::chrono::seconds>(unix_time));
  return now;
}

void TurnHost::on_readable(Socket& socket) {
  const TimePoint now = tell_time();
  for (int i = 0; i < batches; ++i) {
    const bool more = socket->receive(now, received_);
    for (const Datagram& datagram : received_.datagrams()) server_->handle_datagram(datagram);
    transmit(now);
    if (!more) break;
  }
  pump(now);
}

void TurnHost::pump(TimePoint now) {
  if (server_->next_timeout() <= now) server_->handle_timeout(now);
  // Opening a relay makes an answer, and a stream that breaks under an answer ends a relay.
  transmit(now);
  while (const auto event = server_->poll_event()) {
    if (const auto* need = std::get_if<turn_server::NeedRelay>(&*event))
      open(*need);
    else
      close_relay(std::get<turn_server::CloseRelay>(*event).id);
    transmit(now);
  }
  set_timer();
}

void TurnHost::transmit(TimePoint now) {
  Progress progress = Progress::More;
  while (progress == Progress::More) {
    batch_.clear();
    progress = server_->poll_transmit(now, batch_);
    for (auto runs = batch_.runs(); !runs.empty();) {
      const Path& path = runs.front().path;
      const auto other = std::ranges::find_if(runs, [&](const DatagramBatch::Run& run) {
        return run.path.local != path.local || run.path.protocol != path.protocol;
      });
      const auto same = runs.first(static_cast<std::size_t>(other - runs.begin()));
      runs = runs.subspan(same.size());
      if (path.protocol != Protocol::Udp) {
        for (const DatagramBatch::Run& run : same) send(run);
      } else if (const auto found = sockets_.find(path.local); found != sockets_.end()) {
        (void)(*found->second)->send(same);
      }
    }
  }
}

void TurnHost::set_timer() {
  const TimePoint next = server_->next_timeout();
  if (next >= armed_) return;  // It fires early once.
  armed_ = next;
  timer_.expires_at(io::SteadyClock::to_std(next));
  timer_.async_wait([weak = weak_from_this(), next](boost::system::error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->stopped_ || self->armed_ != next) return;
    self->armed_ = never;
    self->pump(io::SteadyClock::now());
  });
}

}  // namespace linnet::runtime
