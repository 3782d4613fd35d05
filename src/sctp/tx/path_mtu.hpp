#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// RFC 8899: how large a packet the path carries, found by probes (a HEARTBEAT with a PAD chunk, section 6.2.1.2) and
/// by nothing else: what ICMP or an interface says is not asked. Owned by the association's core, which writes the
/// probes. Sizes are those of SCTP packets. The base size counts as working from the start: it is what every path of
/// WebRTC has to carry, and the handshake came through.
class PathMtu {
 public:
  /// Sizes of SCTP packets, multiples of 4. `max` at most `base`: no discovery. `carrier_overhead` is what the layers
  /// below add up to a UDP payload, which is what common path MTUs are tried as.
  struct Options {
    std::size_t base = 0;
    std::size_t max = 0;
    std::size_t carrier_overhead = 0;
  };
  static constexpr unsigned max_probes = 3;  ///< RFC 8899 section 5.1.2, MAX_PROBES.

  explicit PathMtu(const Options& options) noexcept;

  /// The peer reads no larger packets. Before anything was sent that is larger.
  void limit(std::size_t max) noexcept;

  /// What a packet may have now.
  [[nodiscard]] std::size_t current() const noexcept { return step_ == 0 ? base_ : sizes_[step_ - 1]; }
  [[nodiscard]] std::size_t base() const noexcept { return base_; }

  /// There is something to send that larger packets would carry better. The search begins with the first call: an
  /// association that has only little to say does not probe.
  void want() noexcept;
  /// The size of the probe to send now; 0: none.
  [[nodiscard]] std::size_t probe_due() const noexcept { return probing_ && !in_flight_ ? sizes_[probed_ - 1] : 0; }
  void probe_sent(TimePoint now, std::uint64_t nonce, Duration timeout) noexcept;
  /// A HEARTBEAT-ACK came back; true when it was this probe's.
  bool acknowledged(TimePoint now, std::uint64_t nonce) noexcept;
  /// RFC 8899 section 4.3: nothing gets through any more. Back to the base size, and what was in use counts as too
  /// large until it is time to look again.
  void black_hole(TimePoint now) noexcept;
  /// Another path: nothing is known of it.
  void path_changed() noexcept;

  [[nodiscard]] TimePoint next_timeout() const noexcept { return deadline_; }
  void handle_timeout(TimePoint now) noexcept;

 private:
  void next_probe(TimePoint now) noexcept;

  std::array<std::size_t, 10> sizes_{};  // larger than the base, rising
  std::size_t count_ = 0;
  std::size_t base_;
  // Places in `sizes_`, counted from 1; 0 is the base.
  std::size_t first_ = 0;      // the one tried first
  std::size_t step_ = 0;       // the largest that works
  std::size_t too_large_ = 0;  // the smallest that does not; count_ + 1: none is known
  std::size_t probed_ = 0;
  unsigned tries_ = 0;
  bool wanted_ = false;
  bool probing_ = false;
  bool in_flight_ = false;
  std::uint64_t nonce_ = 0;
  TimePoint deadline_ = never;  // of the probe in flight, or when to look again
};

}  // namespace linnet::sctp
