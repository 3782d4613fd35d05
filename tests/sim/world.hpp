#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/machine.hpp"
#include "sim/network.hpp"
#include "sim/pair.hpp"
#include "sim/streams.hpp"

namespace linnet::sim {

struct WorldOptions {
  std::size_t batch_bytes = 65'536;
  std::uint64_t max_steps = 20'000'000;
  std::uint64_t max_steps_per_instant = 20'000;
  std::uint64_t max_output_per_pump = 100'000;
};

/// Drives any number of path machines (ice, transport, session), each on a host of a sim::Network. The test
/// owns the machines and the network, and answers the machines' wishes (NeedSockets, Resolve ...) in
/// `on_event`, by binding sockets on `node.host` and calling the verbs with `now()`.
template <PathMachine M>
class World {
 public:
  using Event = typename M::Event;
  /// One machine on its host. Stays where it is for the life of the world.
  struct Node {
    M& machine;
    Host& host;
    /// The machine's own handler; without one the world's is called.
    std::function<void(Event&)> on_event = {};
  };

  explicit World(Network& network, WorldOptions options = {})
      : network_(network), options_(options), batch_(options.batch_bytes) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Node& add(M& machine, Host& host) { return nodes_.emplace_back(Node{.machine = machine, .host = host}); }

  // Hooks. All may stay empty.
  std::function<void()> before_step;
  std::function<void(Node&, Event&)> on_event;
  std::function<void(Node&, const DatagramBatch&)> on_sent;
  /// What carries datagrams of TCP and TLS; without it they are lost. The test answers Connect and Disconnect by it.
  Streams* streams = nullptr;
  /// May change a datagram that a node sends over UDP; false: it is lost.
  std::function<bool(Node&, std::span<std::byte>)> filter;

  [[nodiscard]] TimePoint now() const noexcept { return network_.now(); }
  [[nodiscard]] Network& network() noexcept { return network_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  /// Runs until `done()` holds, looked at after each step.
  template <class Done>
  [[nodiscard]] Stop run_until(Done&& done, Duration limit) {
    const TimePoint end = now() + limit;
    const std::uint64_t last_step = steps_ + options_.max_steps;
    if (!pump()) return Stop::StepLimit;
    while (!done()) {
      const TimePoint next = next_instant();
      if (next == never) return Stop::Idle;
      if (next > end) {
        network_.advance(end);
        return Stop::TimeLimit;
      }
      if (!step(next) || steps_ > last_step) return Stop::StepLimit;
    }
    return Stop::Done;
  }
  /// Runs for that long; the clock arrives there even when all are idle.
  Stop run_for(Duration time) {
    const TimePoint end = now() + time;
    const Stop stop = run_until([] { return false; }, time);
    if (stop != Stop::StepLimit) network_.advance(end);
    return stop;
  }
  /// Runs until nothing is left to do (Idle).
  [[nodiscard]] Stop settle(Duration limit) {
    return run_until([] { return false; }, limit);
  }

  /// Takes all output of all machines. false: it never ends.
  bool pump() {
    std::uint64_t budget = options_.max_output_per_pump;
    // Again after output: a hook may have fed another machine (signaling does).
    for (bool again = true; again;) {
      again = false;
      for (Node& node : nodes_) {
        const std::uint64_t before = budget;
        if (!pump(node, budget)) return false;
        again = again || budget != before;
      }
    }
    return true;
  }

  [[nodiscard]] TimePoint next_instant() const noexcept {
    TimePoint next = network_.next_event();
    if (streams != nullptr) next = std::min(next, streams->next_event());
    for (const Node& node : nodes_) next = std::min(next, std::as_const(node.machine).next_timeout());
    return next;
  }

 private:
  bool step(TimePoint next) {
    if (before_step) before_step();
    ++steps_;
    if (next > now()) {
      steps_now_ = 0;
    } else if (++steps_now_ > options_.max_steps_per_instant) {
      return false;
    }
    network_.advance(std::max(next, now()));
    if (streams != nullptr) streams->advance(now());
    for (Node& node : nodes_) {
      if (streams != nullptr) take_stream_events(node);
      while (node.host.receive(packet_)) {
        node.machine.handle_datagram(Datagram{.at = now(),
                                              .path = {.local = packet_.to, .remote = packet_.from},
                                              .ecn = packet_.ecn,
                                              .bytes = std::span{packet_.bytes}});
      }
      if (node.machine.next_timeout() <= now()) node.machine.handle_timeout(now());
    }
    return pump();
  }

  void take_stream_events(Node& node) {
    while (auto event = streams->poll(node.host)) {
      if (event->kind == Streams::Event::Kind::Datagram) {
        node.machine.handle_datagram(
            Datagram{.at = now(), .path = event->path, .ecn = Ecn::NotEct, .bytes = std::span{event->bytes}});
      } else if constexpr (requires { node.machine.connected(now(), event->path); }) {
        if (event->kind == Streams::Event::Kind::Connected)
          node.machine.connected(now(), event->path);
        else
          node.machine.disconnected(now(), event->path, event->why);
      }
    }
  }

  // Counts what it takes off the budget.
  bool pump(Node& node, std::uint64_t& budget) {
    while (auto event = node.machine.poll_event()) {
      if (budget-- == 0) return false;
      if (node.on_event)
        node.on_event(*event);
      else if (on_event)
        on_event(node, *event);
    }
    Progress progress = Progress::More;
    while (progress == Progress::More) {
      batch_.clear();
      progress = node.machine.poll_transmit(now(), batch_);
      if (batch_.empty() && progress == Progress::Done) break;
      if (budget-- == 0) return false;
      if (on_sent) on_sent(node, batch_);
      send(node);
    }
    return true;
  }

  void send(Node& node) {
    for (const DatagramBatch::Run& run : batch_.runs()) {
      if (run.path.protocol != Protocol::Udp && streams != nullptr) streams->send(node.host, run);
    }
    if (!filter) return node.host.send(batch_);
    for (const DatagramBatch::Run& run : batch_.runs()) {
      if (run.path.protocol != Protocol::Udp) continue;
      for (std::size_t i = 0; i < run.segments(); ++i) {
        const std::size_t size = run.segment_size == 0 ? run.bytes.size() : run.segment_size;
        const auto datagram = run.bytes.subspan(i * size, std::min(size, run.bytes.size() - i * size));
        filtered_.assign(datagram.begin(), datagram.end());
        if (filter(node, filtered_)) node.host.send(run.path.local, run.path.remote, filtered_, run.ecn, run.sizing);
      }
    }
  }

  Network& network_;
  WorldOptions options_;
  std::deque<Node> nodes_;
  DatagramBatch batch_;
  Packet packet_;
  std::vector<std::byte> filtered_;
  std::uint64_t steps_ = 0;
  std::uint64_t steps_now_ = 0;
};

}  // namespace linnet::sim
