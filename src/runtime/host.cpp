#include "runtime/host.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "io/clock.hpp"
#include "io/receive_batch.hpp"

namespace linnet::runtime {
namespace {

// Scratch memory for one system call's worth of datagrams. One for each thread serves all its sessions: it is only in
// use inside of functions that call nothing foreign.
io::ReceiveBatch& receive_scratch() {
  thread_local io::ReceiveBatch batch;
  return batch;
}
DatagramBatch& send_scratch() {
  thread_local DatagramBatch batch;
  return batch;
}

}  // namespace

Result<std::shared_ptr<Host>> Host::create(boost::asio::any_io_executor executor, Configuration configuration,
                                           const Tuning& tuning) {
  auto host = std::make_shared<Host>(Key{}, std::move(executor), tuning);
  Session::Environment environment{.generator = host->generator_, .wall_clock = std::chrono::system_clock::now()};
  if (!tuning.trace.empty() || !tuning.key_log.empty()) {
    auto trace = TraceWriter::open(tuning, host->generator_);
    if (!trace) return std::unexpected(std::move(trace).error());
    host->trace_ = std::move(*trace);
    environment.trace_records = tuning.trace.empty() ? 0 : TraceWriter::max_records;
    environment.key_log = !tuning.key_log.empty();
  }
  auto session = Session::create(std::move(configuration), tuning, environment);
  if (!session) return std::unexpected(std::move(session).error());
  host->session_ = std::move(*session);
  const auto discarded = [h = host.get()](const Path& path, std::uint64_t packets, std::uint64_t bytes) {
    h->session_->note_discarded(path, packets, bytes);
  };
  host->sockets_.on_ready(host->weak_from_this(),
                          {.readable = [h = host.get()](SocketSet::Socket& socket) { h->on_readable(socket); },
                           .received = [h = host.get()](std::span<const Datagram> some) { h->on_received(some); },
                           .pump = [h = host.get()](TimePoint now) { h->pump(now); },
                           .writable = [h = host.get()] { h->pump(io::SteadyClock::now()); },
                           .discarded = discarded});
  host->streams_.on_ready(
      host->weak_from_this(), [h = host.get()](Stream& stream) { h->on_stream_readable(stream); },
      [h = host.get()] { h->pump(io::SteadyClock::now()); }, discarded);
  if (tuning.udp_mux_port != 0 && tuning.ice_udp) {
    auto mux = UdpMux::at(host->executor_, tuning);
    if (!mux) return std::unexpected(std::move(mux).error());
    host->sockets_.share(std::move(*mux));
  }
  if (tuning.tcp_mux_port != 0 && tuning.ice_tcp == IceTcp::ActivePassive) {
    auto mux = TcpMux::at(host->executor_, tuning);
    if (!mux) return std::unexpected(std::move(mux).error());
    host->streams_.share(std::move(*mux));
  }
  return host;
}

Host::Host(Key, boost::asio::any_io_executor executor, const Tuning& tuning)
    : executor_(std::move(executor)),
      tuning_(tuning),
      sockets_(executor_, tuning_),
      streams_(executor_, tuning_),
      timer_(executor_) {}

Host::~Host() {
  if (session_) write_trace();
}

void Host::wake() {
  write_trace();  // Many verbs may precede the pump.
  if (pumping_) {
    again_ = true;
    return;
  }
  if (wake_posted_) return;
  wake_posted_ = true;
  boost::asio::post(executor_, [self = shared_from_this()] {
    self->wake_posted_ = false;
    self->pump(io::SteadyClock::now());
  });
}

void Host::complete(std::move_only_function<void()> done) {
  completions_.push_back(std::move(done));
  wake();
}

void Host::on_readable(SocketSet::Socket& socket) {
  const EntryGuard::Scope scope{guard_};
  constexpr int batches = 4;  // Then the session answers, and others get their turn.
  const TimePoint now = io::SteadyClock::now();
  io::ReceiveBatch& batch = receive_scratch();
  for (int i = 0; i < batches; ++i) {
    const bool more = socket->receive(now, batch);
    for (const Datagram& datagram : batch.datagrams()) session_->handle_datagram(datagram);
    write_trace();
    if (!more) break;
  }
  pump(now);
}

void Host::on_stream_readable(Stream& stream) {
  const EntryGuard::Scope scope{guard_};
  if (finished_) return;
  constexpr int batches = 4;  // Then the session answers, and others get their turn.
  const TimePoint now = io::SteadyClock::now();
  // The session knows a stream before it hears what came on it.
  tell_stream_changes(now);
  for (int i = 0; i < batches; ++i) {
    const bool more = streams_.receive(stream);
    while (const auto bytes = stream.next()) session_->handle_datagram({now, stream.path(), Ecn::NotEct, *bytes});
    write_trace();
    if (!more) break;
  }
  streams_.settle(stream);
  pump(now);
}

void Host::tell_stream_changes(TimePoint now) {
  for (const StreamSet::Change& change : streams_.take_changes()) {
    if (change.open)
      session_->connected(now, change.path);
    else
      session_->disconnected(now, change.path, change.why);
  }
}

void Host::on_received(std::span<const Datagram> datagrams) {
  const EntryGuard::Scope scope{guard_};
  for (const Datagram& datagram : datagrams) session_->handle_datagram(datagram);
  write_trace();
}

void Host::pump(TimePoint now) {
  const EntryGuard::Scope scope{guard_};
  if (finished_) {
    run_completions();
    return;
  }
  if (pumping_) {  // A handler runs the executor inside of itself.
    again_ = true;
    return;
  }
  const auto self = shared_from_this();
  struct Pumping {
    Host& host;
    int exceptions = std::uncaught_exceptions();
    explicit Pumping(Host& h) : host(h) { host.pumping_ = true; }
    Pumping(const Pumping&) = delete;
    Pumping& operator=(const Pumping&) = delete;
    ~Pumping() {
      host.pumping_ = false;
      if (host.again_ || std::uncaught_exceptions() > exceptions) host.wake();  // A handler threw: go on later.
      host.again_ = false;
    }
  } pumping{*this};

  if (std::exchange(network_changed_, false)) open_sockets(now);
  if (session_->next_timeout() <= now) session_->handle_timeout(now);
  constexpr int rounds = 64;  // Then others get their turn.
  for (int round = 0; round < rounds; ++round) {
    again_ = false;
    if (const auto observer = observer_.lock()) observer->on_pump();
    drain(now);
    if (finished_) return;
    const bool sent = transmit(now);
    if (!sent && !again_) break;
    if (round + 1 == rounds) again_ = true;
  }
  write_trace();
  if (trace_) trace_->flush();
  set_timer();
}

void Host::drain(TimePoint now) {
  while (!finished_) {
    tell_stream_changes(now);
    if (!next_event_) next_event_ = session_->poll_event();
    const bool state_first = next_event_ && std::holds_alternative<Session::SignalingStateChange>(*next_event_);
    if (!completions_.empty() && !state_first) {
      run_completions();
      continue;
    }
    if (!next_event_) return;
    auto event = std::move(*next_event_);
    next_event_.reset();
    handle(event, now);
  }
}

void Host::run_completions() {
  for (std::size_t count = completions_.size(); count != 0 && !completions_.empty(); --count) {
    auto done = std::move(completions_.front());
    completions_.pop_front();
    done();
  }
}

void Host::handle(Session::Event& event, TimePoint now) {
  if (std::holds_alternative<Session::NeedSockets>(event)) {
    open_sockets(now);
    watch_networks();
  } else if (const auto* question = std::get_if<Session::Resolve>(&event)) {
    if (!names_) {
      names_.emplace(executor_, generator_, sockets_.policy(),
                     [this](ResolveId id, const std::vector<IpAddress>& addresses) {
                       const auto self = shared_from_this();
                       const TimePoint then = io::SteadyClock::now();
                       session_->resolved(then, id, addresses);
                       pump(then);
                     });
    }
    names_->start(*question);
  } else if (const auto* close = std::get_if<Session::CloseSocket>(&event)) {
    if (mdns_) mdns_->remove(close->local, close->protocol);
    if (close->protocol == Protocol::Udp)
      sockets_.close(close->local);
    else
      streams_.close_listener(close->local);
  } else if (const auto* stream = std::get_if<Session::Connect>(&event)) {
    streams_.connect(*stream);
  } else if (const auto* unused = std::get_if<Session::Disconnect>(&event)) {
    streams_.disconnect(unused->path);
  } else if (std::holds_alternative<Session::Terminated>(event)) {
    finish();
  } else if (const auto observer = observer_.lock()) {
    // Before any candidate of a description is told, checks for it find their way.
    if (std::holds_alternative<Session::SignalingStateChange>(event)) name_session();
    observer->on_event(event);
  }
}

void Host::name_session() {
  if (tuning_.udp_mux_port != 0) sockets_.set_username_fragments(session_->local_username_fragments());
  if (tuning_.tcp_mux_port != 0) streams_.set_username_fragments(session_->local_username_fragments());
}

void Host::open_sockets(TimePoint now) {
  name_session();
  const auto changes = sockets_.refresh();
  for (const Endpoint& local : changes.gone) {
    session_->remove_socket(now, local);
    for (const Endpoint& listener : streams_.close_listeners(local.address))
      session_->remove_socket(now, listener, Protocol::Tcp);
    if (mdns_) mdns_->remove(local.address);
  }
  for (LocalSocket socket : changes.added) {
    give(now, socket);
    if (tuning_.ice_tcp != IceTcp::ActivePassive) continue;
    const auto listener = streams_.listen(socket.local.address);
    if (!listener) continue;
    socket.local = *listener;
    socket.protocol = Protocol::Tcp;
    give(now, std::move(socket));
  }
  session_->sockets_done(now);
}

void Host::give(TimePoint now, LocalSocket socket) {
  if (tuning_.ice_mdns) {
    if (!mdns_) {
      mdns_ = std::make_shared<MdnsNames>(executor_, [weak = weak_from_this()](const LocalSocket& renamed) {
        const auto self = weak.lock();
        if (!self || self->finished_) return;
        self->session_->add_socket(io::SteadyClock::now(), renamed);
        self->wake();
      });
    }
    mdns_->add(socket);
  }
  session_->add_socket(now, socket);
}

/// Sockets come and go with the machine's addresses from the first gathering on.
void Host::watch_networks() {
  if (watch_ || !tuning_.ice_continual_gathering) return;
  watch_ = NetworkWatch::at(executor_);
  if (!watch_) return;
  watched_as_ = watch_->add([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->network_changed_ = true;
    self->wake();
  });
}

StatsReport Host::get_stats() const {
  const TimePoint now = io::SteadyClock::now();
  StatsReport report = session_->get_stats(now);
  const double at = std::chrono::duration<double, std::milli>(now.time_since_epoch()).count();
  if (const UdpMux* const mux = sockets_.mux()) {
    UdpMuxStats stats{{.timestamp = at, .id = "UDPMUX"}};
    stats.port = mux->port();
    stats.unknown = mux->statistics().unknown;
    stats.contested = mux->statistics().contested;
    report.insert_or_assign("UDPMUX", std::move(stats));
  }
  if (const TcpMux* const mux = streams_.mux()) {
    const TcpMux::Statistics& s = mux->statistics();
    TcpMuxStats stats{{.timestamp = at, .id = "TCPMUX"}};
    stats.port = mux->port();
    stats.strangers = mux->strangers();
    stats.accepted = s.accepted;
    stats.handed_over = s.handed_over;
    stats.crowded_out = s.crowded_out;
    stats.timed_out = s.timed_out;
    stats.malformed = s.malformed;
    stats.unknown = s.unknown;
    stats.ended = s.ended;
    report.insert_or_assign("TCPMUX", std::move(stats));
  }
  return report;
}

bool Host::transmit(TimePoint now) {
  bool sent = false;
  DatagramBatch& batch = send_scratch();
  while (!sockets_.blocked() && !streams_.blocked()) {
    batch.clear();
    const Progress progress = session_->poll_transmit(now, batch);
    write_trace();
    if (!batch.empty()) {
      sent = true;
      sockets_.send(now, batch.runs());
      streams_.send(batch.runs());
      if (streams_.has_changes()) again_ = true;
    }
    if (batch.empty() || progress == Progress::Done) break;
  }
  return sent;
}

void Host::set_timer() {
  const TimePoint next = session_->next_timeout();
  // A later deadline lets the timer fire early once instead of moving it with each packet.
  if (next >= armed_) return;
  armed_ = next;
  timer_.expires_at(io::SteadyClock::to_std(next));
  timer_.async_wait([self = shared_from_this(), next](boost::system::error_code error) {
    if (error || self->armed_ != next) return;
    self->armed_ = never;
    self->pump(io::SteadyClock::now());
  });
}

void Host::finish() {
  finished_ = true;
  write_trace();
  if (trace_) trace_->flush();
  if (mdns_) mdns_->clear();
  mdns_.reset();
  if (watch_) watch_->remove(watched_as_);
  watch_.reset();
  sockets_.close();
  streams_.close();
  if (names_) names_->close();
  armed_ = never;
  timer_.cancel();
  run_completions();
}

}  // namespace linnet::runtime
