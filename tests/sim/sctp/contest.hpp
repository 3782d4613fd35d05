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
#include "sim/pair.hpp"
#include "sim/sctp/bulk.hpp"
#include "sim/tcp_cubic.hpp"

namespace linnet::sim {

/// Sanitizers make simulated megabits dear.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// One end of SCTP and TCP flows that share a path: a PipeMachine for sim::Pair.
class Contest {
 public:
  using Event = sctp::Event;

  explicit Contest(Generator& random) : sctp_(random) {}

  /// Without options it is a TCP flow. Returns the flow's number.
  std::size_t add(const std::optional<sctp::Options>& options) {
    if (options) {
      sctp_.add(*options);
      flows_.push_back({.tcp = false, .index = sctp_count_++});
    } else {
      flows_.push_back({.tcp = true, .index = tcp_.size()});
      tcp_.emplace_back(static_cast<std::uint16_t>(first_tcp_port + tcp_.size()));
    }
    return flows_.size() - 1;
  }
  void begin(TimePoint now, std::size_t flow) {
    const Flow& f = flows_[flow];
    if (f.tcp) return tcp_[f.index].set_sending(true);
    sctp_.connect(now, f.index);
    sctp_.set_sending(f.index, true);
  }
  void stop(std::size_t flow) {
    const Flow& f = flows_[flow];
    f.tcp ? tcp_[f.index].set_sending(false) : sctp_.set_sending(f.index, false);
  }
  /// Payload bytes that arrived in order.
  [[nodiscard]] std::uint64_t received(std::size_t flow) const {
    const Flow& f = flows_[flow];
    return f.tcp ? tcp_[f.index].received() : sctp_.received(f.index);
  }
  [[nodiscard]] sctp::Statistics statistics(std::size_t flow) {
    return sctp_.association(flows_[flow].index).statistics();
  }
  [[nodiscard]] const TcpCubic& tcp(std::size_t flow) const { return tcp_[flows_[flow].index]; }

  void handle_packet(TimePoint now, std::span<const std::byte> packet) {
    const auto port = load_be<std::uint16_t>(packet.data());
    if (port < first_tcp_port) return sctp_.handle_packet(now, packet);
    tcp_[port - std::size_t{first_tcp_port}].handle_packet(now, packet);
  }
  void handle_timeout(TimePoint now) {
    sctp_.handle_timeout(now);
    for (TcpCubic& tcp : tcp_) tcp.handle_timeout(now);
  }
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out) {
    if (const std::size_t size = sctp_.poll_packet(now, out)) return size;
    for (TcpCubic& tcp : tcp_)
      if (const std::size_t size = tcp.poll_packet(now, out)) return size;
    return 0;
  }
  [[nodiscard]] TimePoint next_timeout() const noexcept {
    TimePoint next = sctp_.next_timeout();
    for (const TcpCubic& tcp : tcp_) next = std::min(next, tcp.next_timeout());
    return next;
  }
  [[nodiscard]] std::optional<Event> poll_event() { return sctp_.poll_event(); }

 private:
  static constexpr std::uint16_t first_tcp_port = 6'000;
  struct Flow {
    bool tcp = false;
    std::size_t index = 0;
  };

  Bulk sctp_;
  std::size_t sctp_count_ = 0;
  std::deque<TcpCubic> tcp_;
  std::vector<Flow> flows_;
};

/// Flows on one bottleneck, one starting after the other, measured together.
struct Trial {
  Bottleneck path;
  /// `path.loss` is of times in which this many packets could have passed on average; 0: of each packet for itself.
  double burst = 0;
  std::vector<std::optional<sctp::Options>> flows = {sctp::Options{}};
  Duration warm_up = std::chrono::seconds{5};
  Duration measured = std::chrono::seconds{5};
  Duration stagger{};
  std::uint64_t seed = 7;

  struct Outcome {
    std::vector<double> shares;  ///< Of what the path carries in packets of the flow's size.
    Duration mean_queueing{};    ///< At the bottleneck, while measured.
    Duration most_queueing{};    ///< From the first packet on.
    LinkStats link;
    std::uint64_t retransmissions = 0;  ///< Of the first flow.
    std::uint64_t timeouts = 0;

    [[nodiscard]] double sum() const {
      double sum = 0;
      for (const double share : shares) sum += share;
      return sum;
    }
  };

  [[nodiscard]] PairOptions options() const {
    PairOptions pair = path.options();
    if (burst > 0 && path.loss > 0) {
      pair.a_to_b.loss = 0;
      const Duration length{static_cast<Duration::rep>(burst * 1'500 / path.bytes_per_second() * 1e9)};
      const Duration clear{static_cast<Duration::rep>(static_cast<double>(length.count()) * (1 / path.loss - 1))};
      pair.a_to_b.fading = {.clear = clear, .faded = length};
    }
    return pair;
  }
  [[nodiscard]] Outcome run() const { return run(options()); }
  /// On links of the test's own, which have `path`'s rate.
  [[nodiscard]] Outcome run(const PairOptions& links) const {
    SeededGenerator random{seed};
    Contest a{random};
    Contest b{random};
    for (const auto& flow : flows) {
      (void)a.add(flow);
      (void)b.add(flow);
    }
    // A generator of its own: the same seed fades at the same times whatever flows are under test.
    SeededGenerator weather{seed + 1'000};
    Pair pair{a, b, weather, links};
    Outcome outcome;
    TimePoint last = pair.now();
    double area = 0;  // seconds of queue times seconds
    pair.before_step = [&] {
      const double queue = static_cast<double>(pair.link(Side::A).queued_bytes(pair.now())) / path.bytes_per_second();
      area += queue * std::chrono::duration<double>(pair.now() - last).count();
      last = pair.now();
      outcome.most_queueing = std::max(outcome.most_queueing, Duration{static_cast<Duration::rep>(queue * 1e9)});
    };
    for (std::size_t i = 0; i < flows.size(); ++i) {
      a.begin(pair.now(), i);
      pair.run_for(stagger);
    }
    pair.run_for(warm_up);
    std::vector<std::uint64_t> before;
    for (std::size_t i = 0; i < flows.size(); ++i) before.push_back(b.received(i));
    area = 0;
    pair.run_for(measured);
    const double seconds = std::chrono::duration<double>(measured).count();
    for (std::size_t i = 0; i < flows.size(); ++i) {
      const double most =
          flows[i]
              ? path.ideal(flows[i]->mtu)
              : path.bytes_per_second() * TcpCubic::segment_size /
                    static_cast<double>(TcpCubic::segment_size + TcpCubic::header_size + links.a_to_b.header_bytes);
      outcome.shares.push_back(static_cast<double>(b.received(i) - before[i]) / seconds / most);
    }
    outcome.mean_queueing = Duration{static_cast<Duration::rep>(area / seconds * 1e9)};
    outcome.link = pair.link(Side::A).stats();
    outcome.retransmissions = flows[0] ? a.statistics(0).chunks_retransmitted : a.tcp(0).retransmissions();
    outcome.timeouts = flows[0] ? a.statistics(0).timeouts : a.tcp(0).timeouts();
    return outcome;
  }
};

}  // namespace linnet::sim
