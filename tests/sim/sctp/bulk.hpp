#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "sctp/association/association.hpp"
#include "sim/pair.hpp"

namespace linnet::sim {

/// One end of several associations that share a path, told apart by their ports: a PipeMachine for sim::Pair. Its
/// flows send as fast as they may, or read what comes.
class Bulk {
 public:
  using Event = sctp::Event;
  static constexpr std::size_t message_size = 16'384;

  explicit Bulk(Generator& random) : random_(random) {}

  /// Flow i of one end talks to flow i of the other.
  void add(sctp::Options options) {
    const auto port = static_cast<std::uint16_t>(first_port + flows_.size());
    options.local_port = options.remote_port = port;
    flows_.emplace_back(options, random_);
  }
  void connect(TimePoint now, std::size_t flow) { flows_[flow].association.connect(now); }
  void set_sending(std::size_t flow, bool sending) { flows_[flow].sending = sending; }
  /// Payload bytes read.
  [[nodiscard]] std::uint64_t received(std::size_t flow) const { return flows_[flow].received; }
  [[nodiscard]] sctp::Association& association(std::size_t flow) { return flows_[flow].association; }

  void handle_packet(TimePoint now, std::span<const std::byte> packet, Ecn ecn = Ecn::NotEct) {
    const std::size_t flow = load_be<std::uint16_t>(packet.data()) - std::size_t{first_port};
    if (flow < flows_.size()) flows_[flow].association.handle_packet(now, packet, ecn);
  }
  void handle_timeout(TimePoint now) {
    for (Flow& flow : flows_) flow.association.handle_timeout(now);
  }
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out) {
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      last_ = turn_++ % flows_.size();
      Flow& flow = flows_[last_];
      while (flow.sending && flow.association.total_buffered() < 4 * message_size &&
             flow.association.send(now, sctp::StreamId{1}, sctp::Ppid{53}, payload_)) {
      }
      if (const std::size_t size = flow.association.poll_packet(now, out)) return size;
    }
    return 0;
  }
  /// Of the packet polled last.
  [[nodiscard]] Ecn ecn() const { return flows_[last_].association.ecn(); }
  [[nodiscard]] TimePoint next_timeout() const noexcept {
    TimePoint next = never;
    for (const Flow& flow : flows_) next = std::min(next, flow.association.next_timeout());
    return next;
  }
  [[nodiscard]] std::optional<Event> poll_event() {
    for (Flow& flow : flows_) {
      while (const auto event = flow.association.poll_event()) {
        if (const auto* ready = std::get_if<sctp::MessageReady>(&*event))
          while (const auto message = flow.association.receive(ready->stream)) flow.received += message->payload.size();
      }
    }
    return std::nullopt;
  }

 private:
  static constexpr std::uint16_t first_port = 5'000;
  struct Flow {
    Flow(const sctp::Options& options, Generator& random) : association(options, random) {}
    sctp::Association association;
    bool sending = false;
    std::uint64_t received = 0;
  };

  Generator& random_;
  std::deque<Flow> flows_;
  std::size_t turn_ = 0;
  std::size_t last_ = 0;
  std::vector<std::byte> payload_ = std::vector<std::byte>(message_size, std::byte{1});
};

/// A bottleneck: the same rate, delay and loss both ways, and a queue of `queue` bandwidth-delay products.
struct Bottleneck {
  double mbps = 10;
  Duration rtt = std::chrono::milliseconds{20};
  double loss = 0;
  double queue = 1;

  [[nodiscard]] double bytes_per_second() const { return mbps * 1e6 / 8; }
  [[nodiscard]] std::size_t bandwidth_delay() const {
    return static_cast<std::size_t>(bytes_per_second() * std::chrono::duration<double>(rtt).count());
  }
  [[nodiscard]] PairOptions options() const {
    constexpr std::size_t shortest_queue = 30'000;
    LinkOptions forward;
    forward.latency = rtt / 2;
    forward.bits_per_second = static_cast<std::uint64_t>(mbps * 1e6);
    forward.loss = loss;
    forward.queue_bytes =
        std::max(static_cast<std::size_t>(queue * static_cast<double>(bandwidth_delay())), shortest_queue);
    PairOptions pair = both_ways(forward);
    pair.b_to_a.loss = 0;
    return pair;
  }
  /// Payload bytes a second when the wire is never idle: packets of `mtu` with one full fragment each.
  [[nodiscard]] double ideal(std::size_t mtu) const {
    const double headers = 12 + 16;
    const auto packet = static_cast<double>(mtu);
    return bytes_per_second() * (packet - headers) / (packet + static_cast<double>(LinkOptions{}.header_bytes));
  }
};

}  // namespace linnet::sim
