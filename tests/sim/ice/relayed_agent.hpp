#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/machine.hpp"
#include "ice/agent.hpp"
#include "sim/turn_server.hpp"

namespace linnet::sim {

/// A relay-only agent together with its TURN server, as one pipe machine: the pipe is the way between the server and
/// the peer. So that the seven laws see what the agent makes of relays.
class RelayedAgent {
 public:
  using Event = ice::Event;

  /// `relayed`: what the server gives. `peer`: where the other end of the pipe is.
  RelayedAgent(Generator& random, const Endpoint& socket, const Endpoint& relayed, const Endpoint& peer)
      : socket_(socket),
        relayed_(relayed),
        peer_(peer),
        server_({.bind = [this](const Endpoint&) { return std::optional{relayed_}; },
                 .close = [](const Endpoint&) {},
                 .send = [this](const Endpoint& from, const Endpoint& to,
                                std::span<const std::byte> bytes) { send(from, to, bytes); }},
                server_at()),
        agent_(options(), random) {}
  RelayedAgent(const RelayedAgent&) = delete;
  RelayedAgent& operator=(const RelayedAgent&) = delete;

  [[nodiscard]] ice::Agent& agent() noexcept { return agent_; }
  [[nodiscard]] TurnServer& server() noexcept { return server_; }
  [[nodiscard]] const Endpoint& socket() const noexcept { return socket_; }
  [[nodiscard]] Path path() const { return {.local = relayed_, .remote = peer_}; }

  void handle_packet(TimePoint now, std::span<std::byte> bytes) {
    advance(now);
    if (closed_) return;
    server_.handle(now_, {.at = now_, .from = peer_, .to = relayed_, .bytes = {bytes.begin(), bytes.end()}});
  }
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out) {
    advance(now);
    transmit();
    if (to_peer_.empty()) return 0;
    const std::vector<std::byte> packet = std::move(to_peer_.front());
    to_peer_.pop_front();
    if (packet.size() > out.size()) return 0;
    std::ranges::copy(packet, out.begin());
    return packet.size();
  }
  void handle_timeout(TimePoint now) {
    advance(now);
    while (!to_agent_.empty() && to_agent_.front().first <= now_) {
      std::vector<std::byte> bytes = std::move(to_agent_.front().second);
      to_agent_.pop_front();
      agent_.handle_datagram({.at = now_, .path = {.local = socket_, .remote = server_at()}, .bytes = bytes});
    }
    agent_.handle_timeout(now_);
  }
  [[nodiscard]] TimePoint next_timeout() const noexcept {
    const TimePoint next = std::as_const(agent_).next_timeout();
    return to_agent_.empty() ? next : std::min(next, to_agent_.front().first);
  }
  [[nodiscard]] std::optional<Event> poll_event() { return agent_.poll_event(); }
  void close(TimePoint now) {
    advance(now);
    agent_.close(now_);
    closed_ = true;
    to_agent_.clear();
  }

 private:
  static Endpoint server_at() { return {IpAddress::v4({198, 51, 100, 1}), 3'478}; }
  static ice::Options options() {
    ice::Options options;
    options.policy = IceTransportPolicy::Relay;
    ice::Server server = *ice::parse_server_url("turn:198.51.100.1");
    server.username = "user";
    server.credential = "secret";
    options.servers = {server};
    return options;
  }

  void advance(TimePoint now) { now_ = std::max(now_, now); }
  /// The way between agent and server is perfect, and takes a millisecond.
  void send(const Endpoint& from, const Endpoint& to, std::span<const std::byte> bytes) {
    std::vector<std::byte> copy{bytes.begin(), bytes.end()};
    constexpr std::size_t most = 256;
    if (from == server_at()) {
      if (!closed_ && to_agent_.size() < most) to_agent_.emplace_back(now_ + std::chrono::milliseconds{1}, copy);
    } else if (to == peer_ && to_peer_.size() < most) {
      to_peer_.push_back(std::move(copy));
    }
  }
  void transmit() {
    for (Progress progress = Progress::More; progress == Progress::More;) {
      batch_.clear();
      progress = agent_.poll_transmit(now_, batch_);
      for (const DatagramBatch::Run& run : batch_.runs()) {
        for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size) {
          const auto bytes = run.bytes.subspan(at, std::min(run.segment_size, run.bytes.size() - at));
          server_.handle(
              now_, {.at = now_, .from = run.path.local, .to = run.path.remote, .bytes = {bytes.begin(), bytes.end()}});
        }
      }
    }
  }

  Endpoint socket_;
  Endpoint relayed_;
  Endpoint peer_;
  TurnServer server_;
  ice::Agent agent_;
  DatagramBatch batch_{65'536};
  TimePoint now_{};
  bool closed_ = false;
  std::deque<std::pair<TimePoint, std::vector<std::byte>>> to_agent_;
  std::deque<std::vector<std::byte>> to_peer_;
};

static_assert(PipeMachine<RelayedAgent>);

}  // namespace linnet::sim
