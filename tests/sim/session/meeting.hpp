#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linnet/core/session.hpp"
#include "sim/network.hpp"
#include "sim/world.hpp"

namespace linnet::sim {

/// Two sessions on two hosts, and the signaling between them: perfect negotiation (W3C section 10.7) over a channel
/// that takes its time, keeps the order and loses nothing. The test owns the network and plugs the hosts in.
/// With LINNET_SIM_TRACE in the environment it prints what is sent.
class Meeting {
 public:
  struct PeerOptions {
    Configuration configuration;
    Tuning tuning;
  };
  struct Peer {
    Peer(Host& h, std::uint64_t seed, PeerOptions options, Side s);

    [[nodiscard]] bool connected() const { return session->connection_state() == PeerConnectionState::Connected; }
    template <class E>
    [[nodiscard]] std::size_t count() const {
      return counts[Session::Event{E{}}.index()];
    }

    Side side;
    Host& host;
    SeededGenerator generator;
    std::unique_ptr<Session> session;
    bool polite = false;
    bool listens = false;  ///< Has a listening socket on each address, if the world has streams.
    bool terminated = false;
    bool was_connected = false;
    /// What told clearly that the connection is lost: a failed state or a channel's error. Empty: nothing did.
    std::string failure;
    std::uint64_t sent = 0;    ///< Batches of datagrams.
    std::uint64_t digest = 0;  ///< Of all the bytes in them, and when they were sent.
    std::vector<ChannelId> announced;
    std::array<std::size_t, std::variant_size_v<Session::Event>> counts{};
  };

  Meeting(Network& network, Host& host_a, Host& host_b, std::uint64_t seed, PeerOptions a = {}, PeerOptions b = {});

  [[nodiscard]] Peer& peer(Side side) { return side == Side::A ? a : b; }
  [[nodiscard]] TimePoint now() const { return world.now(); }
  /// Negotiates from that side, now.
  void offer(Side from);
  /// Does `what` after `delay`.
  void later(Duration delay, std::function<void()> what) { actions_.emplace(now() + delay, std::move(what)); }
  /// Does `what` at the other end of the signaling from that side, after all that was signaled before.
  void signal(Side from, std::function<void()> what);

  template <class Done>
  [[nodiscard]] Stop run_until(Done done, Duration limit) {
    const TimePoint end = now() + limit;
    for (;;) {
      if (!act()) return Stop::StepLimit;
      if (done()) return Stop::Done;
      if (now() >= end) return Stop::TimeLimit;
      const TimePoint next = actions_.empty() ? end : std::min(end, actions_.begin()->first);
      const Stop stop = world.run_until([&] { return done() || due(); }, next - now());
      if (stop == Stop::StepLimit) return stop;
      if (stop == Stop::Idle && actions_.empty()) return Stop::Idle;
      if (stop == Stop::Idle) world.network().advance(next);
    }
  }
  void run_for(Duration time) {
    const TimePoint end = now() + time;
    (void)run_until([] { return false; }, time);
    if (now() < end) world.network().advance(end);
  }

  /// For a failure's message.
  [[nodiscard]] std::string describe() const;

  Peer a;
  Peer b;
  World<Session> world;
  Duration signaling_delay{};   ///< Least time of a signal.
  Duration signaling_jitter{};  ///< More time, drawn for each.
  Duration candidate_delay{};   ///< Before a candidate is signaled.
  /// What the test itself wants to know of; after the meeting has reacted.
  std::function<void(Peer&, Session::Event&)> on_event;
  /// May change a description on its way.
  std::function<void(Side from, SessionDescription&)> on_description;

 private:
  [[nodiscard]] bool due() const { return !actions_.empty() && actions_.begin()->first <= now(); }
  bool act();
  void trace(const Peer& peer, const DatagramBatch& batch) const;
  void take(Peer& peer, Session::Event& event);
  void send_description(Peer& from);
  void send_candidate(Peer& from, const IceCandidateInit& candidate);
  void receive(Peer& peer, const SessionDescription& description);
  Peer& other_of(const Peer& peer) { return peer.side == Side::A ? b : a; }

  SeededGenerator random_;
  std::multimap<TimePoint, std::function<void()>> actions_;
  std::array<TimePoint, 2> last_signal_{};
};

}  // namespace linnet::sim
