#include "runtime/network_check.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <system_error>
#include <utility>

#include "io/clock.hpp"
#include "io/interfaces.hpp"
#include "io/route.hpp"
#include "io/socket_address.hpp"

namespace linnet {

std::string_view to_string(ServerState state) noexcept {
  switch (state) {
    case ServerState::Works: return "works";
    case ServerState::BadUrl: return "bad-url";
    case ServerState::NameNotFound: return "name-not-found";
    case ServerState::Unreachable: return "unreachable";
    case ServerState::ConnectionRefused: return "connection-refused";
    case ServerState::ConnectionFailed: return "connection-failed";
    case ServerState::TlsFailed: return "tls-failed";
    case ServerState::Unauthorized: return "unauthorized";
    case ServerState::Refused: return "refused";
    case ServerState::NoAnswer: break;
  }
  return "no-answer";
}

void detail::start_network_check(Executor executor, NetworkCheckOptions options, Completion<NetworkReport> completion) {
  const auto check = std::make_shared<runtime::NetworkCheck>(executor, std::move(options), std::move(completion));
  boost::asio::post(executor, [check] { check->start(); });
}

namespace runtime {
namespace {

/// For names; whoever is not known by then is not compared with.
constexpr auto names_patience = std::chrono::seconds{4};
/// For one server: five requests over UDP, or a stream to open, and as long again for the answer on it.
constexpr auto server_patience = std::chrono::seconds{8};
constexpr io::UdpSocket::Options small_buffers{.receive_buffer = std::size_t{64} * 1'024,
                                               .send_buffer = std::size_t{64} * 1'024};

const char* explain(ice::NatBehavior::Unknown why) {
  using enum ice::NatBehavior::Unknown;
  switch (why) {
    case Nothing: return "";
    case NoAnswer: return "the server does not answer";
    case ServerCannot: return "the server has no second address to ask from (RFC 5780)";
    case OtherSilent: return "the server's second address, or the other servers, do not answer";
    case AnswersWrongly: return "the server does not answer from its second address as it was asked to";
  }
  return "";
}

/// Of a stream that did not open, or a socket.
ServerState state_of(std::error_code error) {
  if (error == std::errc::connection_refused) return ServerState::ConnectionRefused;
  if (error == std::errc::network_unreachable || error == std::errc::host_unreachable) return ServerState::Unreachable;
  if (error == std::errc::timed_out) return ServerState::NoAnswer;
  return error == std::errc::protocol_error ? ServerState::TlsFailed : ServerState::ConnectionFailed;
}

}  // namespace

NetworkCheck::NetworkCheck(boost::asio::any_io_executor executor, NetworkCheckOptions options,
                           detail::Completion<NetworkReport> completion)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      completion_(std::move(completion)),
      names_(SystemResolver::at(executor_)),
      timer_(executor_),
      names_limit_(executor_),
      limit_(executor_),
      streams_(executor_, tuning_) {
  tuning_.tls_ca_file = options_.tls_ca_file;
  tuning_.stream_connect_timeout = server_patience;
}

void NetworkCheck::start() {
  streams_.on_ready(weak_from_this(), [this](Stream& stream) { on_stream_readable(stream); }, [this] { pump(); });
  limit_.expires_after(options_.limit);
  limit_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->finish();
  });
  names_limit_.expires_after(std::min<Duration>(names_patience, options_.limit));
  names_limit_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && !self->finished_) self->begin_trials();
  });
  look_at_addresses();
  read_servers();
  if (unresolved_ == 0) begin_trials();
}

void NetworkCheck::look_at_addresses() {
  const auto all = io::interfaces();
  const auto gathered = io::host_addresses(all, {.ipv4 = options_.use_ipv4, .ipv6 = options_.use_ipv6});
  for (const io::InterfaceAddress& each : all) {
    const bool used = std::ranges::any_of(gathered, [&](const io::InterfaceAddress& other) {
      return other.index == each.index && other.address == each.address;
    });
    report_.addresses.push_back({.interface = each.name,
                                 .address = each.address,
                                 .loopback = each.loopback,
                                 .wireless = each.wireless,
                                 .point_to_point = each.point_to_point,
                                 .gathered = used});
  }
}

void NetworkCheck::read_servers() {
  std::vector<std::pair<std::size_t, ice::Server>> named;
  for (const IceServer& server : options_.ice_servers) {
    for (const std::string& url : server.urls) {
      const std::size_t index = report_.servers.size();
      if (index == NetworkCheckOptions::max_servers) break;
      auto& entry = report_.servers.emplace_back(NetworkReport::Server{.url = url});
      auto parsed = ice::parse_server_url(url);
      if (!parsed) {
        entry.attempts.push_back({.state = ServerState::BadUrl, .text = parsed.error().message});
        continue;
      }
      entry.turn = parsed->kind == ice::Server::Kind::Turn;
      entry.protocol = parsed->protocol;
      parsed->username = server.username;
      parsed->credential = server.credential;
      named.emplace_back(index, std::move(*parsed));
    }
  }
  unresolved_ = named.size();
  for (const auto& [index, server] : named) resolve(index, server);
}

void NetworkCheck::resolve(std::size_t server, const ice::Server& what) {
  if (const auto address = IpAddress::parse(what.host)) return resolved(server, what, {*address});
  asked_.push_back(
      names_->resolve(what.host, [self = shared_from_this(), server, what](std::vector<IpAddress> addresses) {
        if (!self->finished_) self->resolved(server, what, std::move(addresses));
      }));
}

void NetworkCheck::resolved(std::size_t server, const ice::Server& what, std::vector<IpAddress> addresses) {
  --unresolved_;
  auto& entry = report_.servers[server];
  std::erase_if(addresses,
                [&](const IpAddress& address) { return address.is_v4() ? !options_.use_ipv4 : !options_.use_ipv6; });
  for (const auto family : {IpAddress::Family::V4, IpAddress::Family::V6}) {
    const auto first = std::ranges::find(addresses, family, &IpAddress::family);
    if (first == addresses.end()) continue;
    const Endpoint remote{*first, what.port};
    trials_.push_back({.server = server, .attempt = entry.attempts.size(), .what = what, .remote = remote});
    entry.attempts.push_back({.address = remote, .protocol = what.protocol, .text = "no answer"});
    if (begun_) begin(trials_.back());
  }
  if (entry.attempts.empty())
    entry.attempts.push_back({.protocol = what.protocol,
                              .state = ServerState::NameNotFound,
                              .text = "the name " + what.host + " is not found"});
  if (begun_)
    pump();
  else if (unresolved_ == 0 && !report_.servers.empty())
    boost::asio::post(executor_, [self = shared_from_this()] { self->begin_trials(); });
}

void NetworkCheck::begin_trials() {
  if (finished_ || std::exchange(begun_, true)) return;
  names_limit_.cancel();
  for (Trial& trial : trials_) begin(trial);
  pump();
}

void NetworkCheck::begin(Trial& trial) {
  if (trial.what.protocol == Protocol::Udp)
    begin_udp(trial);
  else
    begin_stream(trial);
}

void NetworkCheck::begin_udp(Trial& trial) {
  const TimePoint now = io::SteadyClock::now();
  const auto local = io::source_address(trial.remote);
  const bool wants_relay = trial.what.kind == ice::Server::Kind::Turn;
  const std::size_t sockets = wants_relay ? 3 : 2;
  if (!local)
    return fail(trial, ServerState::Unreachable, "this machine has no way to " + to_string(trial.remote.address));
  while (trial.sockets.size() < sockets) {
    auto socket = io::UdpSocket::bind({*local, 0}, small_buffers);
    if (socket) {
      trial.sockets.push_back(std::make_shared<Socket>(executor_, std::move(*socket)));
      continue;
    }
    for (const Handle& each : trial.sockets) each->stop();
    trial.sockets.clear();
    return fail(trial, ServerState::Unreachable, "no socket for it: " + socket.error().message());
  }
  attempt_of(trial).local = *local;
  std::vector<Endpoint> others;
  for (const Trial& other : trials_)
    if (other.what.protocol == Protocol::Udp && other.remote != trial.remote) others.push_back(other.remote);
  trial.nat.emplace(ice::NatBehavior::Options{.server = trial.remote, .others = std::move(others)}, generator_);
  trial.nat->start(now, (*trial.sockets[0])->local(), (*trial.sockets[1])->local());
  if (wants_relay) {
    trial.path = {.local = (*trial.sockets[2])->local(), .remote = trial.remote};
    trial.probe.emplace(trial.what, server_patience, generator_);
    trial.probe->start(now);
  }
  for (const Handle& socket : trial.sockets) wait_readable(trial, socket);
}

void NetworkCheck::begin_stream(Trial& trial) {
  // The number is the stream's name.
  trial.path = {.local = {trial.remote.address.is_v4() ? IpAddress{} : IpAddress::v6({}), next_stream_++},
                .remote = trial.remote,
                .protocol = trial.what.protocol};
  attempt_of(trial).local = io::source_address(trial.remote);
  trial.probe.emplace(trial.what, server_patience, generator_);
  trial.connecting = true;
  streams_.connect({.path = trial.path,
                    .server_name = trial.what.protocol == Protocol::Tls ? trial.what.host : std::string{},
                    .framing = Framing::Stun});
}

void NetworkCheck::wait_readable(Trial& trial, const Handle& socket) {
  if (socket->stopped()) return;
  socket->wait(Socket::Wait::wait_read, [self = shared_from_this(), &trial, socket](boost::system::error_code error) {
    if (error || self->finished_ || socket->stopped()) return;
    self->on_readable(trial, *socket);
    self->wait_readable(trial, socket);
  });
}

void NetworkCheck::on_readable(Trial& trial, Socket& socket) {
  const TimePoint now = io::SteadyClock::now();
  (void)socket->receive(now, received_);
  for (const Datagram& datagram : received_.datagrams()) {
    if (trial.probe && datagram.path.local == trial.path.local) {
      if (datagram.path.remote == trial.remote) trial.probe->handle_packet(now, datagram.bytes);
    } else {
      trial.nat->handle_datagram(datagram);
    }
  }
  pump();
}

void NetworkCheck::on_stream_readable(Stream& stream) {
  const TimePoint now = io::SteadyClock::now();
  const auto trial = std::ranges::find(trials_, stream.path(), &Trial::path);
  (void)streams_.receive(stream);
  take_stream_changes(now);
  while (const auto bytes = stream.next())
    if (trial != trials_.end() && trial->probe) trial->probe->handle_packet(now, *bytes);
  streams_.settle(stream);
  pump();
}

void NetworkCheck::take_stream_changes(TimePoint now) {
  for (const StreamSet::Change& change : streams_.take_changes()) {
    const auto trial = std::ranges::find(trials_, change.path, &Trial::path);
    if (trial == trials_.end() || trial->over) continue;
    if (change.open) {
      trial->connecting = false;
      trial->probe->start(now);
    } else if (trial->connecting) {
      const auto state = state_of(change.error);
      fail(*trial, state,
           state == ServerState::ConnectionRefused ? "nobody listens there (connection refused)"
           : state == ServerState::NoAnswer        ? "no answer"
                                                   : change.why);
    } else {
      note(*trial, now);
      if (!trial->over) fail(*trial, ServerState::ConnectionFailed, change.why);
    }
  }
}

void NetworkCheck::pump() {
  if (finished_ || !begun_) return;
  const TimePoint now = io::SteadyClock::now();
  take_stream_changes(now);
  for (Trial& trial : trials_) {
    if (trial.over) continue;
    if (trial.nat && trial.nat->next_timeout() <= now) trial.nat->handle_timeout(now);
    if (trial.probe && trial.probe->next_timeout() <= now) trial.probe->handle_timeout(now);
    transmit(trial, now);
    note(trial, now);
  }
  if (unresolved_ == 0 && std::ranges::all_of(trials_, &Trial::over)) return finish();
  set_timer();
}

void NetworkCheck::transmit(Trial& trial, TimePoint now) {
  if (trial.nat) {
    batch_.clear();
    (void)trial.nat->poll_transmit(now, batch_);
    for (const DatagramBatch::Run& run : batch_.runs()) {
      const auto same = [&](const Handle& socket) { return (*socket)->local() == run.path.local; };
      const auto socket = std::ranges::find_if(trial.sockets, same);
      if (socket != trial.sockets.end()) (void)(**socket)->send({&run, 1});
    }
  }
  if (!trial.probe || trial.connecting) return;
  for (;;) {
    batch_.clear();
    const std::size_t size = trial.probe->poll_packet(now, batch_.begin(trial.path, Ecn::NotEct));
    if (size == 0) return;
    batch_.commit(size);
    if (trial.path.protocol == Protocol::Udp)
      (void)(*trial.sockets[2])->send(batch_.runs());
    else
      streams_.send(batch_.runs());
  }
}

NetworkReport::Attempt& NetworkCheck::attempt_of(const Trial& trial) {
  return report_.servers[trial.server].attempts[trial.attempt];
}

void NetworkCheck::fail(Trial& trial, ServerState state, std::string text) {
  auto& attempt = attempt_of(trial);
  attempt.state = state;
  attempt.text = std::move(text);
  trial.over = true;
}

/// Writes down what is known, and whether that is all.
void NetworkCheck::note(Trial& trial, TimePoint now) {
  if (trial.over) return;
  auto& attempt = attempt_of(trial);
  const auto said = [&](bool served, std::uint16_t code, const std::string& text) {
    attempt.state = served ? ServerState::Works : ServerState::NoAnswer;
    attempt.text = served ? "" : "no answer";
    attempt.error_code = code;
    if (served || code == 0) return;
    constexpr std::uint16_t unauthenticated = 401;
    constexpr std::uint16_t wrong_credentials = 441;
    const bool unauthorized = code == unauthenticated || code == wrong_credentials;
    attempt.state = unauthorized ? ServerState::Unauthorized : ServerState::Refused;
    attempt.text = unauthorized ? "the server does not accept this user name and password"
                                : "the server refuses: " + std::to_string(code) + ' ' + text;
  };
  if (trial.nat) {
    const auto found = trial.nat->result();
    attempt.round_trip = found.round_trip;
    attempt.mapped = found.mapped;
    if (found.mapped)
      attempt.nat = NetworkReport::Nat{.translated = found.translated,
                                       .discovers = found.discovers,
                                       .mapping = found.mapping,
                                       .compared = found.compared,
                                       .filtering = found.filtering,
                                       .hairpins = found.hairpins,
                                       .mapping_unknown = explain(found.mapping_unknown),
                                       .filtering_unknown = explain(found.filtering_unknown)};
    if (!trial.probe) said(found.mapped.has_value(), found.error_code, found.error_text);
  }
  bool over = !trial.nat || trial.nat->done();
  if (trial.probe && !trial.connecting) {
    const auto& found = trial.probe->result();
    said(found.outcome == ice::ServerProbe::Outcome::Served, found.error_code, found.text);
    if (found.round_trip && !attempt.round_trip) attempt.round_trip = found.round_trip;
    if (found.mapped && !attempt.mapped) attempt.mapped = found.mapped;
    attempt.relayed = found.relayed;
    if (found.outcome == ice::ServerProbe::Outcome::Pending) {
      over = false;
    } else {
      transmit(trial, now);  // An allocation is given back.
    }
  } else if (trial.connecting) {
    over = false;
  }
  if (!over) return;
  trial.over = true;
  for (const Handle& socket : trial.sockets) socket->stop();
  if (trial.path.protocol != Protocol::Udp) streams_.disconnect(trial.path);
}

void NetworkCheck::set_timer() {
  TimePoint next = never;
  for (const Trial& trial : trials_) {
    if (trial.over) continue;
    if (trial.nat) next = std::min(next, trial.nat->next_timeout());
    if (trial.probe && !trial.connecting) next = std::min(next, trial.probe->next_timeout());
  }
  if (next == never) return;
  timer_.expires_at(io::SteadyClock::to_std(next));
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error) self->pump();
  });
}

void NetworkCheck::finish() {
  if (std::exchange(finished_, true)) return;
  const TimePoint now = io::SteadyClock::now();
  for (Trial& trial : trials_) {
    note(trial, now);
    if (!trial.over && trial.probe) {
      trial.probe->close(now);
      transmit(trial, now);
    }
    for (const Handle& socket : trial.sockets) socket->stop();
  }
  // Names that are still looked for.
  for (auto& server : report_.servers)
    if (server.attempts.empty())
      server.attempts.push_back(
          {.protocol = server.protocol, .state = ServerState::NameNotFound, .text = "no name server answers"});
  streams_.close();
  for (const SystemResolver::Id id : asked_) names_->cancel(id);
  timer_.cancel();
  names_limit_.cancel();
  limit_.cancel();
  completion_(nullptr, std::move(report_));
}

}  // namespace runtime
}  // namespace linnet
