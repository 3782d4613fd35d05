#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "linnet/core/time.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/ring.hpp"
#include "sctp/tx/ack_result.hpp"
#include "sctp/tx/delivery_rate.hpp"
#include "sctp/tx/fragment.hpp"
#include "sctp/tx/minimum_round_trip.hpp"
#include "sctp/tx/out_message.hpp"
#include "sctp/tx/rack.hpp"
#include "sctp/tx/recovery_episode.hpp"
#include "sctp/tx/send_queue.hpp"
#include "sctp/tx/timeout_check.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Every TSN sent and not yet cumulatively acknowledged, in order, in one ring: what is in flight, what is lost,
/// what was given up. Owned by the association's core, which decides how much may be sent and runs the timers. A SACK
/// costs what it changes, not what is outstanding. One file for each procedure: outstanding_data.cpp (sending, SACKs),
/// outstanding_loss.cpp (what is lost, and whether it was), outstanding_forward.cpp (what is given up).
class OutstandingData {
 public:
  /// A fragment to send again.
  struct Again {
    Tsn tsn;
    DataChunk header;
    std::span<const std::byte> payload;
  };

  /// `may_abandon`: the peer knows FORWARD-TSN; without it every message is reliable once begun.
  OutstandingData(Tsn initial, bool may_abandon, SendQueue& queue) noexcept
      : cumulative_(initial - 1U),
        forward_(initial - 1U),
        last_abandoned_(initial - 1U),
        may_abandon_(may_abandon),
        queue_(&queue) {}
  ~OutstandingData();
  OutstandingData(const OutstandingData&) = delete;
  OutstandingData& operator=(const OutstandingData&) = delete;

  /// What is sent from now on goes into another packet.
  void begin_packet() noexcept { packet_begins_ = true; }
  /// The piece goes out now and gets the next TSN.
  DataChunk send(TimePoint now, const SendQueue::Piece& piece);
  /// The first lost fragment, given up instead where its limits say so.
  [[nodiscard]] std::optional<Again> peek_lost(TimePoint now);
  void resend(TimePoint now, const Again& again);
  /// There is nothing to send though there would be room: the delivery rate says nothing about the path.
  void limited_by_application() noexcept { rate_.limited_by_application(in_flight_); }

  /// `smoothed` is the round trip time, 0 while it is not known. Of what the result tells, `spurious` came first: it
  /// is about an older episode than `lost`.
  [[nodiscard]] AckResult handle_sack(TimePoint now, const SackChunk& sack, Duration smoothed);
  /// SHUTDOWN bears a cumulative TSN too.
  [[nodiscard]] AckResult handle_cumulative(TimePoint now, Tsn cumulative, Duration smoothed);
  /// Gives up a message of which a part has still to be sent (its lifetime ended).
  void abandon_unsent(OutMessage* message);

  /// When `find_lost` is worth a call without a SACK: RACK's reordering timer; `never` when nothing waits for it.
  [[nodiscard]] TimePoint reordering_deadline() const noexcept;
  /// What is newly found lost.
  [[nodiscard]] Losses find_lost(TimePoint now);
  /// T3-rtx or T1-cookie expired: everything in flight counts as lost (RFC 9260 section 6.3.3).
  void timed_out();
  /// RFC 8985 section 7: whether a tail loss probe would be of use.
  [[nodiscard]] bool may_probe() const noexcept { return !flight_.empty() && lost_.empty() && !probe_; }
  /// What was sent last shall go out once more; false when its limits forbid that.
  [[nodiscard]] bool probe(TimePoint now);

  /// Everything takes another path from now on; what was measured is forgotten, and only what is sent from now on
  /// tells.
  void path_changed(TimePoint now) noexcept;

  [[nodiscard]] Tsn next_tsn() const noexcept { return cumulative_ + static_cast<std::uint32_t>(ring_.size()) + 1U; }
  [[nodiscard]] Tsn cumulative() const noexcept { return cumulative_; }
  [[nodiscard]] bool empty() const noexcept { return ring_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return ring_.size(); }
  /// Flight size with chunk headers, what the congestion window limits.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  /// The same without headers, what the peer's window limits.
  [[nodiscard]] std::size_t payload_in_flight() const noexcept { return payload_in_flight_; }
  /// Payload that is kept because it may have to be sent again: in flight, lost, or reported behind a gap.
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] bool has_lost() const noexcept { return !lost_.empty(); }
  [[nodiscard]] bool may_abandon() const noexcept { return may_abandon_; }
  /// Highest TSN sent; only with something outstanding.
  [[nodiscard]] Tsn highest() const noexcept { return next_tsn() - 1U; }
  /// The shortest round trip lately, 0 while none is known.
  [[nodiscard]] Duration minimum_round_trip() const noexcept { return minimum_.value(); }

  /// RFC 3758 section 3.5: whether the peer should be told to skip abandoned TSNs.
  [[nodiscard]] bool wants_forward() const noexcept { return forward_ > cumulative_; }
  [[nodiscard]] Tsn forward_point() const noexcept { return forward_; }
  /// The value of a FORWARD-TSN; skips only as far as the streams fit.
  [[nodiscard]] std::size_t write_forward_tsn(std::span<std::byte> out) const;

  [[nodiscard]] std::uint64_t messages_abandoned() const noexcept { return abandoned_; }
  [[nodiscard]] std::uint64_t retransmitted() const noexcept { return retransmitted_; }
  /// Fragments and borders of blocks that gap ack blocks made it look at: what a peer's lies cost, whatever the time.
  [[nodiscard]] std::uint64_t gap_steps() const noexcept { return gap_steps_; }
  /// Recoveries that proved needless.
  [[nodiscard]] std::uint64_t spurious() const noexcept { return spurious_; }

 private:
  using State = Fragment::State;
  /// What the SACK at hand showed about what it newly acknowledged.
  struct Seen {
    TimePoint now{};
    std::optional<TimePoint> newest_sent_at{};  // of what was sent only once
    TimeoutCheck::Seen timeout{};
    std::optional<Tsn> probe{};  // arrived
    std::size_t repaired = 0;    // bytes that it alone brought to the peer
    bool probe_began = false;    // the episode
    bool needless = false;       // some retransmission was
  };
  struct Block {
    Tsn first;
    Tsn end;  // behind its last
  };

  [[nodiscard]] Tsn tsn_at(std::size_t i) const noexcept { return cumulative_ + 1U + static_cast<std::uint32_t>(i); }
  /// Of the first TSN that is not below `tsn`.
  [[nodiscard]] std::size_t index_of(Tsn tsn) const noexcept;
  /// For the lists.
  [[nodiscard]] auto finder() noexcept {
    return [this](Tsn tsn) -> Fragment& { return ring_[index_of(tsn)]; };
  }
  [[nodiscard]] DataChunk header(const Fragment& fragment, Tsn tsn) const noexcept;
  void change(std::size_t i, State state) noexcept;
  void goes_out(TimePoint now, std::size_t i) noexcept;
  void release(Fragment& fragment);

  [[nodiscard]] AckResult begin_ack(TimePoint now, Tsn cumulative);
  void finish_ack(Duration smoothed, AckResult& result);
  void pop_acknowledged(Tsn cumulative, AckResult& result);
  void apply_gaps(const SackChunk& sack, std::size_t blocks, AckResult& result);
  void acknowledge(std::size_t i, AckResult& result) noexcept;
  void take_back(std::size_t i) noexcept;
  void disbelieve() noexcept;

  // outstanding_loss.cpp
  void learn(std::size_t i) noexcept;
  void probe_arrived(Fragment& fragment, Tsn tsn) noexcept;
  void handle_duplicates(const SackChunk& sack) noexcept;
  void decide(AckResult& result);
  void lose(Tsn tsn) noexcept;
  void line_up(Tsn tsn) noexcept;
  void put_back() noexcept;
  [[nodiscard]] Duration reordering_window() const noexcept;

  // outstanding_forward.cpp
  [[nodiscard]] bool expired(const Fragment& fragment, TimePoint now) const noexcept;
  void abandon(OutMessage* message);
  void advance_forward() noexcept;

  Ring<Fragment> ring_;
  FragmentList flight_;          // in flight, in the order in which they were sent
  FragmentList lost_;            // to be sent again; nearly in the order of TSNs
  Tsn last_lined_up_;            // in lost_, unless it was sent since
  Tsn last_lost_;                // found so
  std::vector<Block> reported_;  // gap ack blocks of the newest SACK
  std::vector<Block> before_;    // and of the one before it, while it is handled
  Seen seen_;
  Rack rack_;
  RecoveryEpisode episode_;
  TimeoutCheck timeout_check_;
  DeliveryRate rate_;
  MinimumRoundTrip minimum_;
  TimePoint path_since_{};
  Duration smoothed_{};
  std::optional<Tsn> probe_{};  // the tail loss probe that was not acknowledged yet
  Tsn cumulative_;
  Tsn forward_;                       // Advanced.Peer.Ack.Point
  Tsn last_abandoned_;                // the highest TSN ever given up
  std::size_t gap_end_ = 0;           // no index from here on is acknowledged
  std::size_t packets_reported_ = 0;  // that arrived behind a gap
  std::size_t in_flight_ = 0;
  std::size_t payload_in_flight_ = 0;
  std::size_t held_ = 0;
  std::uint64_t abandoned_ = 0;
  std::uint64_t sent_ = 0;  // fragments, each time
  std::uint64_t retransmitted_ = 0;
  std::uint64_t taken_back_ = 0;
  std::uint64_t gap_steps_ = 0;
  std::uint64_t spurious_ = 0;
  bool may_abandon_;
  bool packet_begins_ = true;
  bool believes_gaps_ = true;  // the peer did not take back more than it was ever sent
  SendQueue* queue_;
};

}  // namespace linnet::sctp
