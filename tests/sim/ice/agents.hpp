#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ice/agent.hpp"
#include "sim/network.hpp"
#include "sim/world.hpp"

namespace linnet::ice {

/// Two agents on two hosts of a simulated network, with signaling between them that takes `signaling_delay`.
class Agents {
 public:
  struct Peer {
    Peer(Options options, Generator& generator, sim::Host& h) : agent(std::move(options), generator), host(h) {}
    Agent agent;
    sim::Host& host;
    std::vector<IceConnectionState> states;
    std::vector<CandidateError> errors;
    std::vector<Candidate> candidates;
    unsigned selections = 0;
    unsigned role_changes = 0;
    std::uint16_t cost = 0;    ///< Of the networks that it has in the beginning.
    bool tcp_listens = false;  ///< Has a listening socket on each address.
    unsigned connects = 0;     ///< Streams that it asked for.
    unsigned lookups = 0;      ///< Names that it asked for.
    bool silent = false;       ///< Tells no candidates.
    bool hide = false;         ///< Tells its host candidates as mDNS names.
    std::map<std::string, IpAddress> names;
  };

  Agents(sim::Network& network, sim::Host& host_a, sim::Host& host_b, Generator& generator, Options options_a = {},
         Options options_b = {})
      : a(std::move(options_a), generator, host_a), b(std::move(options_b), generator, host_b), world(network) {
    world.add(a.agent, host_a).on_event = [this](Event& event) { take(a, b, event); };
    world.add(b.agent, host_b).on_event = [this](Event& event) { take(b, a, event); };
    world.before_step = [this] { deliver(); };
  }

  /// A offers, so A controls.
  void connect() {
    a.agent.set_role(now(), IceRole::Controlling);
    b.agent.set_role(now(), IceRole::Controlled);
    exchange();
  }
  void exchange() {
    tell_credentials(a, b);
    tell_credentials(b, a);
    a.agent.gather(now());
    b.agent.gather(now());
  }
  void tell_credentials(Peer& from, Peer& to) {
    later([this, &to, remote = RemoteParameters{from.agent.local_credentials(), from.agent.options().lite}] {
      ASSERT_TRUE(to.agent.set_remote(now(), remote));
    });
  }
  /// The peer's machine gets another address, and its owner tells the agent.
  void network_comes(Peer& peer, const IpAddress& address, std::uint16_t cost = 0) {
    peer.host.add_address(address);
    peer.agent.add_socket(now(), {.local = *peer.host.bind({address, 0}), .cost = cost});
  }
  void network_goes(Peer& peer, const IpAddress& address) {
    for (const Endpoint& local : peer.host.sockets()) {
      if (local.address == address) peer.agent.remove_socket(now(), local);
    }
    peer.host.remove_address(address);
  }
  void restart() {
    a.agent.restart(now());
    b.agent.restart(now());
    exchange();
  }

  [[nodiscard]] TimePoint now() const { return world.now(); }
  [[nodiscard]] bool up() const {
    const auto is_up = [](const Agent& agent) {
      return agent.state() == IceConnectionState::Connected || agent.state() == IceConnectionState::Completed;
    };
    return is_up(a.agent) && is_up(b.agent);
  }
  [[nodiscard]] bool completed() const {
    return a.agent.state() == IceConnectionState::Completed && b.agent.state() == IceConnectionState::Completed;
  }
  /// Both send on one and the same path.
  [[nodiscard]] bool agree() const {
    const auto p = a.agent.selected_pair();
    const auto q = b.agent.selected_pair();
    return p && q && p->pair.nominated && q->pair.nominated;
  }
  /// For a failure's message.
  [[nodiscard]] std::string describe() const {
    std::string out;
    for (const Peer* peer : {&a, &b}) {
      const Agent& agent = peer->agent;
      out.append(to_string(agent.role())).append(" ").append(to_string(agent.state()));
      out += " conflicts " + std::to_string(agent.statistics().role_conflicts) + " unauthenticated " +
             std::to_string(agent.statistics().unauthenticated) + '\n';
      for (const CandidatePair& pair : agent.pairs()) {
        out.append("  ").append(to_string(pair.path)).append(" ").append(ice::to_string(pair.state));
        out.append(pair.nominated ? " nominated" : "").append(pair.nominating ? " nominating" : "");
        out += ", requests " + std::to_string(pair.statistics.requests_sent) + '\n';
      }
    }
    return out;
  }
  template <class Done>
  sim::Stop run_until(Done done, Duration limit) {
    const TimePoint end = now() + limit;
    while (!done()) {
      if (now() >= end) return sim::Stop::TimeLimit;
      // Signaling is not part of the network: stop for each message.
      const TimePoint next = signals_.empty() ? end : std::min(end, signals_.begin()->first);
      const sim::Stop stop = world.run_until([&] { return done() || due(); }, std::max(next - now(), Duration{}));
      if (stop == sim::Stop::StepLimit) return stop;
      if (stop == sim::Stop::Idle) world.run_for(std::max(next - now(), Duration{}));
      deliver();
      if (!world.pump()) return sim::Stop::StepLimit;
    }
    return sim::Stop::Done;
  }
  void run_for(Duration time) {
    (void)run_until([] { return false; }, time);
  }

  Peer a;
  Peer b;
  sim::World<Agent> world;
  Duration signaling_delay = std::chrono::milliseconds{20};
  bool tells_end = true;  ///< Of candidates.
  std::map<std::string, std::vector<IpAddress>> server_names;

 private:
  void later(std::function<void()> what) { signals_.emplace(now() + signaling_delay, std::move(what)); }
  [[nodiscard]] bool due() const { return !signals_.empty() && signals_.begin()->first <= now(); }
  void deliver() {
    while (due()) {
      const auto what = std::move(signals_.begin()->second);
      signals_.erase(signals_.begin());
      what();
    }
  }
  void take(Peer& peer, Peer& other, Event& event) {
    if (std::holds_alternative<NeedSockets>(event)) {
      const auto bound = peer.host.sockets();
      if (bound.empty()) {
        for (const IpAddress& address : peer.host.addresses()) {
          LocalSocket socket{.local = *peer.host.bind({address, 0}), .cost = peer.cost};
          if (peer.hide) {
            socket.name = "host-" + std::to_string(peer.names.size()) + ".local";
            peer.names.emplace(socket.name, address);
          }
          peer.agent.add_socket(now(), socket);
          if (!peer.tcp_listens) continue;
          socket.local = world.streams->listen(peer.host, {address, 0});
          socket.protocol = Protocol::Tcp;
          peer.agent.add_socket(now(), socket);
        }
      }
      peer.agent.sockets_done(now());
    } else if (const auto* resolve = std::get_if<Resolve>(&event)) {
      ++peer.lookups;
      const auto known = server_names.find(resolve->host);
      if (known != server_names.end()) {
        later([this, &peer, id = resolve->id, found = known->second] { peer.agent.resolved(now(), id, found); });
        return;
      }
      const auto name = other.names.find(resolve->host);
      later([this, &peer, id = resolve->id,
             found = name == other.names.end() ? std::vector<IpAddress>{} : std::vector{name->second}] {
        peer.agent.resolved(now(), id, found);
      });
    } else if (const auto* connect = std::get_if<Connect>(&event)) {
      ++peer.connects;
      if (world.streams != nullptr)
        world.streams->connect(peer.host, connect->path, connect->framing);
      else
        peer.agent.disconnected(now(), connect->path, "there are no streams");
    } else if (const auto* unused = std::get_if<Disconnect>(&event)) {
      if (world.streams != nullptr) world.streams->disconnect(peer.host, unused->path);
    } else if (auto* local = std::get_if<LocalCandidate>(&event)) {
      peer.candidates.push_back(local->candidate);
      if (peer.silent) return;
      // Through text, as signaling does.
      later([this, &other, text = to_string(local->candidate)] {
        const auto candidate = parse_candidate(text);
        ASSERT_TRUE(candidate) << text;
        (void)other.agent.add_remote_candidate(now(), *candidate);
      });
    } else if (const auto* gathering = std::get_if<GatheringStateChanged>(&event)) {
      if (gathering->state != IceGatheringState::Complete || !tells_end) return;
      later([this, &other] { other.agent.remote_end_of_candidates(now()); });
    } else if (const auto* state = std::get_if<StateChanged>(&event)) {
      peer.states.push_back(state->state);
    } else if (auto* error = std::get_if<CandidateError>(&event)) {
      peer.errors.push_back(*error);
    } else if (std::holds_alternative<SelectedPairChanged>(event)) {
      ++peer.selections;
    } else if (std::holds_alternative<RoleChanged>(event)) {
      ++peer.role_changes;
    }
  }

  std::multimap<TimePoint, std::function<void()>> signals_;
};

}  // namespace linnet::ice
