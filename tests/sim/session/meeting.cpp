#include "sim/session/meeting.hpp"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "sim/random.hpp"

namespace linnet::sim {
namespace {

constexpr auto wall_clock = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20};

std::string text_of(std::string_view what, const Error& error) { return std::string{what} + ": " + error.message; }

}  // namespace

Meeting::Peer::Peer(Host& h, std::uint64_t seed, PeerOptions options, Side s) : side(s), host(h), generator(seed) {
  auto made = Session::create(std::move(options.configuration), options.tuning,
                              {.generator = generator, .wall_clock = wall_clock, .simulation = true});
  if (!made) throw std::runtime_error(made.error().message);
  session = std::move(*made);
}

Meeting::Meeting(Network& network, Host& host_a, Host& host_b, std::uint64_t seed, PeerOptions options_a,
                 PeerOptions options_b)
    : a(host_a, seed * 2 + 1, std::move(options_a), Side::A),
      b(host_b, seed * 2 + 2, std::move(options_b), Side::B),
      world(network, {.max_steps = 3'000'000, .max_steps_per_instant = 2'000, .max_output_per_pump = 20'000}),
      random_(seed ^ 0x7369'676e) {
  a.polite = true;
  world.add(*a.session, a.host).on_event = [this](Session::Event& event) { take(a, event); };
  world.add(*b.session, b.host).on_event = [this](Session::Event& event) { take(b, event); };
  world.on_sent = [this, traced = std::getenv("LINNET_SIM_TRACE") != nullptr](World<Session>::Node& node,
                                                                              const DatagramBatch& batch) {
    Peer& peer = &node.machine == a.session.get() ? a : b;
    ++peer.sent;
    for (const DatagramBatch::Run& run : batch.runs()) {
      const std::string_view bytes{reinterpret_cast<const char*>(run.bytes.data()), run.bytes.size()};
      peer.digest = peer.digest * 31 + std::hash<std::string_view>{}(bytes) +
                    static_cast<std::uint64_t>(now().time_since_epoch().count());
    }
    if (traced) trace(peer, batch);
  };
}

/// Does what is due. false: output without end.
bool Meeting::act() {
  if (!world.pump()) return false;
  while (due()) {
    const auto what = std::move(actions_.begin()->second);
    actions_.erase(actions_.begin());
    what();
    if (!world.pump()) return false;
  }
  return true;
}

void Meeting::trace(const Peer& peer, const DatagramBatch& batch) const {
  const double at = std::chrono::duration<double>(now() - start).count();
  for (const DatagramBatch::Run& run : batch.runs()) {
    std::printf("%10.4f %c %s, %zu bytes in %zu datagrams, first byte %u\n", at, peer.side == Side::A ? 'A' : 'B',
                to_string(run.path).c_str(), run.bytes.size(), run.segments(),
                std::to_integer<unsigned>(run.bytes.front()));
  }
}

std::string Meeting::describe() const {
  std::string out = std::to_string(world.steps()) + " steps";
  for (const Peer* peer : {&a, &b}) {
    const TimePoint next = peer->session->next_timeout();
    out += peer->side == Side::A ? "; A" : "; B";
    out += next == never ? " sleeps" : " wakes in " + std::to_string((next - now()).count()) + " ns";
    out += ", sent " + std::to_string(peer->sent) + " batches, ";
    out += to_string(peer->session->ice_connection_state());
    out += ' ';
    out += to_string(peer->session->dtls_transport_state());
    if (const auto sctp = peer->session->sctp_transport_state()) (out += ' ') += to_string(*sctp);
  }
  return out;
}

void Meeting::signal(Side from, std::function<void()> what) {
  TimePoint& last = last_signal_[static_cast<std::size_t>(from)];
  last = std::max(last, now() + signaling_delay + up_to(random_, signaling_jitter));
  actions_.emplace(last, std::move(what));
}

void Meeting::offer(Side from) {
  Peer& self = peer(from);
  if (self.session->set_local_description(now())) send_description(self);
}

void Meeting::send_description(Peer& from) {
  auto description = from.session->local_description();
  if (!description) return;
  if (on_description) on_description(from.side, *description);
  Peer& to = other_of(from);
  signal(from.side, [this, &to, description = std::move(*description)] { receive(to, description); });
}

void Meeting::send_candidate(Peer& from, const IceCandidateInit& candidate) {
  auto send = [this, side = from.side, &to = other_of(from), candidate] {
    // Of an offer that was ignored: refused, and rightly so.
    signal(side, [this, &to, candidate] { (void)to.session->add_ice_candidate(now(), candidate); });
  };
  if (candidate_delay == Duration::zero())
    send();
  else
    later(candidate_delay, std::move(send));
}

void Meeting::receive(Peer& self, const SessionDescription& description) {
  const bool collision =
      description.type == SdpType::Offer && self.session->signaling_state() != SignalingState::Stable;
  if (collision && !self.polite) return;
  if (!self.session->set_remote_description(now(), description)) return;
  if (description.type == SdpType::Offer && self.session->set_local_description(now())) send_description(self);
}

void Meeting::take(Peer& self, Session::Event& event) {
  ++self.counts[event.index()];
  Session& session = *self.session;
  if (std::holds_alternative<Session::NeedSockets>(event)) {
    for (const IpAddress& address : self.host.addresses()) {
      if (const auto local = self.host.bind({address, 0})) session.add_socket(now(), {.local = *local});
      if (world.streams == nullptr || !self.listens) continue;
      session.add_socket(now(), {.local = world.streams->listen(self.host, {address, 0}), .protocol = Protocol::Tcp});
    }
    session.sockets_done(now());
  } else if (const auto* close = std::get_if<Session::CloseSocket>(&event)) {
    if (close->protocol == Protocol::Udp)
      self.host.close(close->local);
    else
      world.streams->close_listener(close->local);
  } else if (const auto* resolve = std::get_if<Session::Resolve>(&event)) {
    later(std::chrono::milliseconds{20}, [this, &session, id = resolve->id] { session.resolved(now(), id, {}); });
  } else if (const auto* stream = std::get_if<Session::Connect>(&event)) {
    if (world.streams != nullptr)
      world.streams->connect(self.host, stream->path, stream->framing);
    else
      session.disconnected(now(), stream->path, "the simulated network has no streams");
  } else if (const auto* unused = std::get_if<Session::Disconnect>(&event)) {
    if (world.streams != nullptr) world.streams->disconnect(self.host, unused->path);
  } else if (std::holds_alternative<Session::NegotiationNeeded>(event)) {
    offer(self.side);
  } else if (auto* found = std::get_if<Session::IceCandidateFound>(&event)) {
    if (found->candidate) send_candidate(self, *found->candidate);
  } else if (const auto* state = std::get_if<Session::ConnectionStateChange>(&event)) {
    if (state->state == PeerConnectionState::Connected) self.was_connected = true;
    if (state->state == PeerConnectionState::Failed && self.failure.empty()) self.failure = "connection state failed";
  } else if (const auto* dtls = std::get_if<Session::DtlsStateChange>(&event)) {
    if (dtls->state == DtlsTransportState::Failed) {
      self.failure = dtls->error ? text_of("DTLS failed", *dtls->error) : "DTLS failed";
    }
  } else if (const auto* error = std::get_if<Session::ChannelError>(&event)) {
    self.failure = text_of("channel error", error->error);
  } else if (const auto* announced = std::get_if<Session::DataChannelAnnounced>(&event)) {
    self.announced.push_back(announced->channel);
  } else if (std::holds_alternative<Session::Terminated>(event)) {
    self.terminated = true;
  }
  if (on_event) on_event(self, event);
}

}  // namespace linnet::sim
