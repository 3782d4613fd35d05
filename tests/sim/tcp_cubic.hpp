#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <variant>

#include "linnet/core/time.hpp"

namespace linnet::sim {

/// One end of a TCP connection that moves bulk data, as far as its congestion control shows on the wire: what our flows
/// are compared with and must share a path with. A PipeMachine for sim::Pair. CUBIC with fast convergence (RFC 9438)
/// and a slow start that ends when delay grows (as RFC 9406), three SACK blocks in each acknowledgement (RFC 2018),
/// losses found in the order of sending (so lost retransmissions, too), delayed acknowledgements, RTO of 200 ms at
/// least. No handshake, no flow control, no pacing; ten segments to begin with.
class TcpCubic {
 public:
  using Event = std::monostate;
  /// Payload of a packet: 1,500 bytes less IPv6's header and TCP's with timestamps.
  static constexpr std::size_t segment_size = 1'428;
  /// So much longer than its payload is a datagram: TCP's header less that of UDP, which the link counts.
  static constexpr std::size_t header_size = 24;

  /// The first two bytes of each packet are `port`.
  explicit TcpCubic(std::uint16_t port) noexcept : port_(port) {}

  void set_sending(bool sending) noexcept { sending_ = sending; }
  /// Payload bytes that arrived in order.
  [[nodiscard]] std::uint64_t received() const noexcept { return std::uint64_t{expected_} * segment_size; }
  /// In segments.
  [[nodiscard]] double window() const noexcept { return window_; }
  [[nodiscard]] std::uint64_t retransmissions() const noexcept { return retransmissions_; }
  [[nodiscard]] std::uint64_t timeouts() const noexcept { return timeouts_; }

  void handle_packet(TimePoint now, std::span<const std::byte> packet);
  void handle_timeout(TimePoint now);
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] static std::optional<Event> poll_event() noexcept { return std::nullopt; }

 private:
  using Sequence = std::uint32_t;  // of segments, not bytes
  struct Segment {
    std::uint64_t order = 0;  // of its last transmission
    bool sacked = false;
    bool lost = false;
  };
  struct Transmission {
    std::uint64_t order = 0;
    Sequence sequence = 0;
  };
  struct Block {
    Sequence first = 0;
    Sequence end = 0;
  };

  // The receiver.
  void take_data(TimePoint now, Sequence sequence, std::uint64_t stamp);
  [[nodiscard]] std::size_t write_acknowledgement(std::span<std::byte> out);

  // The sender.
  void take_acknowledgement(TimePoint now, Sequence cumulative, std::uint64_t echo, std::span<const Block> blocks);
  [[nodiscard]] double take_cumulative(Sequence cumulative);
  [[nodiscard]] double take_block(Block block);
  [[nodiscard]] bool detect_losses();
  void measure(TimePoint now, std::uint64_t echo);
  void watch_delay(Duration round_trip);
  void grow(TimePoint now, double acknowledged);
  void reduce();
  [[nodiscard]] std::size_t write_segment(TimePoint now, std::span<std::byte> out);

  std::uint16_t port_;
  bool sending_ = false;

  Sequence expected_ = 0;
  std::map<Sequence, Sequence> islands_;  // first to end
  std::deque<Sequence> recent_;           // beginnings of the islands reported last
  std::uint64_t stamp_ = 0;               // of the first segment that is not acknowledged
  unsigned unacknowledged_ = 0;
  bool acknowledge_ = false;
  TimePoint delayed_ = never;

  Sequence una_ = 0;
  std::deque<Segment> outstanding_;
  std::deque<Transmission> transmissions_;
  std::deque<Sequence> lost_;
  std::map<Sequence, Sequence> sacked_;
  std::uint64_t order_ = 0;
  std::uint64_t highest_order_ = 0;
  std::size_t in_flight_ = 0;
  Sequence recovery_end_ = 0;  // no second reduction before it
  bool in_recovery_ = false;

  double window_ = 10;
  double threshold_ = 1e9;
  double most_ = 0;   // W_max
  double prior_ = 0;  // cwnd_prior
  double reno_ = 0;   // W_est
  double k_ = 0;
  TimePoint epoch_ = never;

  Sequence round_end_ = 0;
  Duration round_least_ = Duration::max();
  Duration last_least_ = Duration::max();

  Duration smoothed_{};
  Duration variation_{};
  Duration timeout_ = std::chrono::seconds{1};
  TimePoint deadline_ = never;
  std::uint64_t retransmissions_ = 0;
  std::uint64_t timeouts_ = 0;
};

}  // namespace linnet::sim
