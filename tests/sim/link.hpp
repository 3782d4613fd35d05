#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "linnet/core/datagram.hpp"
#include "linnet/core/generator.hpp"

namespace linnet::sim {

/// A datagram on its way. The addresses are of interest to sim::Network only.
struct Packet {
  TimePoint at;  ///< When it arrives.
  Endpoint from;
  Endpoint to;
  Ecn ecn = Ecn::NotEct;
  Sizing sizing = Sizing::Path;
  std::vector<std::byte> bytes;
};

/// A time in which a link silently loses everything. Relative to sim::start.
struct Outage {
  Duration from{};
  Duration length{};
};

/// Gilbert-Elliott: a link that changes between a good and a bad state at each packet.
struct BurstLoss {
  double enter = 0;   ///< Probability to fall into the bad state.
  double leave = 1;   ///< Probability to leave it.
  double loss = 0.5;  ///< Loss while bad.
};

/// A link that comes and goes in time, as radio does: while faded everything is lost. Both are means of exponential
/// lengths. Unlike BurstLoss it goes on while nobody sends.
struct Fading {
  Duration clear{};
  Duration faded{};
};

/// How one direction of a path behaves. The default is perfect except for 10 ms of latency.
struct LinkOptions {
  Duration latency = std::chrono::milliseconds{10};
  Duration jitter{};                          ///< Extra delay, uniform in [0, jitter]; keeps the order.
  std::uint64_t bits_per_second = 0;          ///< 0: no limit and no queue.
  std::size_t queue_bytes = 262'144;          ///< Waiting for the wire; what does not fit is dropped.
  std::uint64_t policed_bits_per_second = 0;  ///< A token bucket without a queue: drops what is too fast. 0: none.
  std::size_t policer_bucket = 65'536;        ///< Its burst, in bytes.
  std::size_t ecn_threshold = 0;              ///< ECT packets that find more bytes queued are marked CE; 0: never.
  double loss = 0;
  BurstLoss burst;
  Fading fading;
  double reorder = 0;  ///< Probability that a packet is held back by up to `reorder_delay`.
  Duration reorder_delay = std::chrono::milliseconds{20};
  double duplicate = 0;
  double corrupt = 0;   ///< Probability that 1 to 8 bits flip.
  std::size_t mtu = 0;  ///< IP packets larger than this are dropped unless they may be fragmented; 0: no limit.
  std::size_t header_bytes = 48;  ///< IP and UDP headers, added to each datagram's size: IPv6's by default.
  std::vector<Outage> outages;
  /// Nothing arrives meanwhile; what would have does so at the end, in order, as behind a radio that looks elsewhere.
  std::vector<Outage> stalls;
};

struct LinkStats {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;
  std::uint64_t delivered_bytes = 0;
  std::uint64_t lost = 0;        ///< Random, burst and fading loss.
  std::uint64_t overflowed = 0;  ///< Queue was full.
  std::uint64_t policed = 0;     ///< Found the policer's bucket empty.
  std::uint64_t too_large = 0;
  std::uint64_t silenced = 0;  ///< Fell into an outage.
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t corrupted = 0;
  std::uint64_t marked = 0;
};

/// One direction of a simulated path: takes datagrams and gives them back when they arrive, if they do.
/// Owned by sim::Pair or sim::Network, all its luck comes from the injected generator. Buffers are reused:
/// no allocation in steady state.
class Link {
 public:
  Link(LinkOptions options, Generator& generator);

  void send(TimePoint now, std::span<const std::byte> bytes, Ecn ecn = Ecn::NotEct) { send(now, {}, {}, bytes, ecn); }
  void send(TimePoint now, const Endpoint& from, const Endpoint& to, std::span<const std::byte> bytes, Ecn ecn,
            Sizing sizing = Sizing::Path);

  /// When the next datagram arrives, or `never`.
  [[nodiscard]] TimePoint next_arrival() const noexcept { return heap_.empty() ? never : heap_.front().packet.at; }
  /// Takes the earliest datagram that has arrived by `now`; its old buffer is taken in exchange.
  [[nodiscard]] bool receive(TimePoint now, Packet& out);

  [[nodiscard]] std::size_t in_flight() const noexcept { return heap_.size(); }
  [[nodiscard]] std::size_t queued_bytes(TimePoint now) const noexcept;
  [[nodiscard]] const LinkStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const LinkOptions& options() const noexcept { return options_; }
  /// Changes the path; what is in flight arrives as planned.
  void set_options(LinkOptions options) { options_ = std::move(options); }
  /// Cable out, cable in.
  void set_down(bool down) noexcept { down_ = down; }
  void drop_in_flight() { heap_.clear(); }

 private:
  struct Entry {
    Packet packet;
    std::uint64_t order = 0;
  };
  [[nodiscard]] bool is_silent(TimePoint now) const noexcept;
  [[nodiscard]] TimePoint after_stalls(TimePoint at) const noexcept;
  [[nodiscard]] bool is_lost(TimePoint at);
  [[nodiscard]] bool is_policed(TimePoint now, std::size_t size);
  void arrive(TimePoint at, const Endpoint& from, const Endpoint& to, std::span<const std::byte> bytes, Ecn ecn,
              Sizing sizing);
  void flip_bits(std::span<std::byte> bytes);
  static bool later(const Entry& a, const Entry& b) noexcept;

  LinkOptions options_;
  Generator& generator_;
  std::vector<Entry> heap_;
  std::vector<std::vector<std::byte>> spare_;
  LinkStats stats_;
  TimePoint wire_free_ = TimePoint::min();
  TimePoint last_arrival_ = TimePoint::min();
  TimePoint bucket_full_ = TimePoint::min();  // when the policer's bucket will be
  std::uint64_t order_ = 0;
  TimePoint fading_until_ = TimePoint::min();  // or clear
  bool faded_ = true;
  bool bad_ = false;
  bool down_ = false;
};

}  // namespace linnet::sim
