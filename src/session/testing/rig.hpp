#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "linnet/core/session.hpp"
#include "sim/network.hpp"
#include "sim/world.hpp"

namespace linnet::session::testing {

using namespace std::chrono_literals;

/// Where the keys of TLS come from. Seeded: each session has an OpenSSL of its own, so that runs repeat byte for byte.
enum class Keys : std::uint8_t { Seeded, System };

/// One end: a session on a host of the simulated network, with a log of what it told.
struct Peer {
  Peer(std::string peer_name, sim::Host& on, std::uint64_t seed, const Tuning& tuning = {},
       Configuration configuration = {}, Keys keys = Keys::Seeded)
      : name(std::move(peer_name)), host(on), generator(seed) {
    auto made = Session::create(std::move(configuration), tuning,
                                {.generator = generator,
                                 .wall_clock = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20},
                                 .simulation = keys == Keys::Seeded,
                                 .trace_records = tuning.trace.empty() ? 0U : 1'000'000U,
                                 .key_log = !tuning.key_log.empty()});
    if (!made) throw std::runtime_error(made.error().message);
    session = std::move(*made);
  }

  template <class E>
  [[nodiscard]] std::vector<E> all() const {
    std::vector<E> out;
    for (const Session::Event& event : log) {
      if (const E* e = std::get_if<E>(&event)) out.push_back(*e);
    }
    return out;
  }
  template <class E>
  [[nodiscard]] std::size_t count() const {
    return all<E>().size();
  }
  [[nodiscard]] bool told_of(auto predicate) const { return std::ranges::any_of(log, predicate); }
  [[nodiscard]] bool connected() const { return session->connection_state() == PeerConnectionState::Connected; }
  [[nodiscard]] bool open(ChannelId id) const { return session->ready_state(id) == DataChannelState::Open; }

  std::string name;
  sim::Host& host;
  SeededGenerator generator;
  std::unique_ptr<Session> session;
  std::vector<Session::Event> log;
  std::vector<ChannelId> announced;
  std::map<ChannelId, std::vector<DataChannelMessage>> received;
  bool read = true;     ///< Take messages as they come.
  bool echo = false;    ///< Send them back as they came.
  bool trickle = true;  ///< Tell candidates one by one.
  bool terminated = false;
  // Perfect negotiation (W3C section 10.7).
  bool perfect = false;
  bool polite = false;
  bool ignore_offer = false;
};

/// Two peers that can reach each other, with signaling that takes `signal_delay`.
class Rig {
 public:
  explicit Rig(std::uint64_t seed = 1, sim::LinkOptions link = {}, Tuning tuning_a = {}, Tuning tuning_b = {},
               Configuration configuration_a = {}, Keys keys = Keys::Seeded)
      : random(seed),
        network(random),
        world(network),
        a("a", network.add_host("a", *IpAddress::parse("192.0.2.1"), nullptr, link), seed * 2 + 1, tuning_a,
          std::move(configuration_a), keys),
        b("b", network.add_host("b", *IpAddress::parse("192.0.2.2"), nullptr, {}), seed * 2 + 2, tuning_b, {}, keys) {
    world.add(*a.session, a.host).on_event = [this](Session::Event& e) { on_event(a, *partner, e); };
    world.add(*b.session, b.host).on_event = [this](Session::Event& e) { on_event(b, a, e); };
  }

  [[nodiscard]] TimePoint now() const { return world.now(); }

  template <class Done>
  sim::Stop run_until(Done&& done, Duration limit) {
    pump();
    return world.run_until(
        [&] {
          pump();
          return done();
        },
        limit);
  }
  void run_for(Duration time) {
    (void)run_until([] { return false; }, time);
  }

  /// Offer and answer, at once; candidates trickle.
  void negotiate(Peer& offerer, Peer& answerer) {
    (void)offerer.session->set_local_description(now());
    (void)answerer.session->set_remote_description(now(), offerer.session->local_description().value());
    (void)answerer.session->set_local_description(now());
    (void)offerer.session->set_remote_description(now(), answerer.session->local_description().value());
    pump();
  }
  /// One channel made by `a`, up on both sides.
  ChannelId connect(const DataChannelInit& init = {}) {
    const ChannelId id = a.session->create_data_channel(now(), "chat", init).value();
    negotiate(a, b);
    (void)run_until([&] { return a.open(id) && !b.announced.empty() && b.open(b.announced.front()); }, 10s);
    return id;
  }
  /// Another peer takes the place of `b` towards `a`, as behind a signaling server that hands a call on.
  void hand_on_to(Peer& other) {
    partner = &other;
    world.add(*other.session, other.host).on_event = [this, &other](Session::Event& e) { on_event(other, a, e); };
  }
  [[nodiscard]] ChannelId remote() const { return b.announced.front(); }

  void pump() {
    world.pump();
    while (!signals_.empty()) {
      auto next = std::exchange(signals_, {});
      for (auto& signal : next) signal();
      world.pump();
    }
  }

  SeededGenerator random;
  sim::Network network;
  sim::World<Session> world;
  Peer a;
  Peer b;
  Peer* partner = &b;  ///< Whom `a` sends its candidates to.

 private:
  void on_event(Peer& self, Peer& other, Session::Event& event) {
    if (std::holds_alternative<Session::NeedSockets>(event)) {
      for (const IpAddress& address : self.host.addresses()) {
        if (const auto local = self.host.bind({address, 0})) self.session->add_socket(now(), {.local = *local});
      }
      self.session->sockets_done(now());
    } else if (const auto* found = std::get_if<Session::IceCandidateFound>(&event)) {
      if (self.trickle && found->candidate) {
        IceCandidateInit init = *found->candidate;
        signals_.push_back([this, &other, init] {
          if (other.session->remote_description()) (void)other.session->add_ice_candidate(now(), init);
        });
      }
    } else if (const auto* announced = std::get_if<Session::DataChannelAnnounced>(&event)) {
      self.announced.push_back(announced->channel);
    } else if (const auto* ready = std::get_if<Session::ChannelMessageReady>(&event)) {
      if (self.read) drain(self, ready->channel);
    } else if (std::holds_alternative<Session::NegotiationNeeded>(event)) {
      if (self.perfect) offer(self, other);
    } else if (std::holds_alternative<Session::Terminated>(event)) {
      self.terminated = true;
    }
    self.log.push_back(event);
  }

 public:
  void drain(Peer& self, ChannelId channel) {
    while (auto message = self.session->receive(channel)) {
      if (self.echo && message->binary)
        (void)self.session->send(now(), channel, std::span<const std::byte>{message->data});
      if (self.echo && !message->binary) (void)self.session->send(now(), channel, message->text());
      self.received[channel].push_back(std::move(*message));
    }
  }

 private:
  void offer(Peer& self, Peer& other) {
    if (!self.session->set_local_description(now())) return;
    signals_.push_back([this, &self, &other, d = *self.session->local_description()] { take(other, self, d); });
  }
  /// W3C section 10.7, "Perfect negotiation example".
  void take(Peer& self, Peer& other, const SessionDescription& description) {
    const bool collision =
        description.type == SdpType::Offer && self.session->signaling_state() != SignalingState::Stable;
    self.ignore_offer = !self.polite && collision;
    if (self.ignore_offer) return;
    if (!self.session->set_remote_description(now(), description)) return;
    if (description.type != SdpType::Offer) return;
    (void)self.session->set_local_description(now());
    signals_.push_back([this, &self, &other, d = *self.session->local_description()] { take(other, self, d); });
  }

  std::deque<std::function<void()>> signals_;
};

[[nodiscard]] inline std::vector<std::byte> pattern(std::size_t size, unsigned salt = 0) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((i * 31 + i / 251 + salt) & 0xff);
  return out;
}

}  // namespace linnet::session::testing
