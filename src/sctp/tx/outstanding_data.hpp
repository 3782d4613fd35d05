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
#include "sctp/tx/out_message.hpp"
#include "sctp/tx/send_queue.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Every TSN sent and not yet cumulatively acknowledged, in order, in one ring: what is in flight, what is lost,
/// what was given up. Owned by the association's core, which decides how much may be sent.
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

  /// The piece goes out now and gets the next TSN.
  DataChunk send(TimePoint now, const SendQueue::Piece& piece);
  /// The first lost fragment, given up instead where its limits say so.
  [[nodiscard]] std::optional<Again> peek_lost(TimePoint now);
  void resend(TimePoint now, const Again& again);

  [[nodiscard]] AckResult handle_sack(TimePoint now, const SackChunk& sack, bool fast_recovery);
  /// Gives up a message of which a part has still to be sent (its lifetime ended).
  void abandon_unsent(OutMessage* message);
  /// T3-rtx expired: everything in flight counts as lost (RFC 9260 section 6.3.3).
  void lose_all();
  /// SHUTDOWN bears a cumulative TSN too.
  [[nodiscard]] AckResult handle_cumulative(TimePoint now, Tsn cumulative);

  [[nodiscard]] Tsn next_tsn() const noexcept { return cumulative_ + static_cast<std::uint32_t>(ring_.size()) + 1U; }
  [[nodiscard]] Tsn cumulative() const noexcept { return cumulative_; }
  [[nodiscard]] bool empty() const noexcept { return ring_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return ring_.size(); }
  /// Flight size with chunk headers, what the congestion window limits.
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  /// The same without headers, what the peer's window limits.
  [[nodiscard]] std::size_t payload_in_flight() const noexcept { return payload_in_flight_; }
  [[nodiscard]] bool has_lost() const noexcept { return lost_ != 0; }
  [[nodiscard]] bool may_abandon() const noexcept { return may_abandon_; }
  /// Highest TSN sent; only with something outstanding.
  [[nodiscard]] Tsn highest() const noexcept { return next_tsn() - 1U; }

  /// RFC 3758 section 3.5: whether the peer should be told to skip abandoned TSNs.
  [[nodiscard]] bool wants_forward() const noexcept { return forward_ > cumulative_; }
  [[nodiscard]] Tsn forward_point() const noexcept { return forward_; }
  /// The value of a FORWARD-TSN; skips only as far as the streams fit.
  [[nodiscard]] std::size_t write_forward_tsn(std::span<std::byte> out) const;

  [[nodiscard]] std::uint64_t messages_abandoned() const noexcept { return abandoned_; }
  [[nodiscard]] std::uint64_t retransmitted() const noexcept { return retransmitted_; }

 private:
  enum class State : std::uint8_t { InFlight, Lost, Acked, Abandoned };
  struct Fragment {
    OutMessage* message = nullptr;
    std::uint32_t offset = 0;
    std::uint16_t size = 0;  // 0: stands for the unsent rest of an abandoned message
    State state = State::InFlight;
    std::uint8_t misses = 0;
    std::uint32_t transmissions = 0;
    std::uint32_t fsn = 0;
    TimePoint sent_at;
  };

  [[nodiscard]] Tsn tsn_at(std::size_t i) const noexcept { return cumulative_ + 1U + static_cast<std::uint32_t>(i); }
  /// Of the first TSN that is not below `tsn`.
  [[nodiscard]] std::size_t index_of(Tsn tsn) const noexcept;
  [[nodiscard]] DataChunk header(const Fragment& fragment, Tsn tsn) const noexcept;
  void change(Fragment& fragment, State state) noexcept;
  void acknowledge(Fragment& fragment, AckResult& result) noexcept;
  void pop_acknowledged(Tsn cumulative, AckResult& result);
  std::size_t apply_gaps(const SackChunk& sack, AckResult& result);
  void count_misses(std::size_t end, AckResult& result);
  void release(Fragment& fragment);
  [[nodiscard]] bool expired(const Fragment& fragment, TimePoint now) const noexcept;
  void abandon(OutMessage* message);
  void advance_forward() noexcept;

  struct Block {
    Tsn first;
    Tsn end;  // behind its last
  };

  Ring<Fragment> ring_;
  std::optional<TimePoint> newest_sent_at_;  // of what the SACK at hand newly acknowledged and was sent only once
  std::vector<Block> reported_;              // gap ack blocks of the newest SACK
  std::vector<Block> before_;                // and of the one before it, while it is handled
  Tsn cumulative_;
  Tsn forward_;                 // Advanced.Peer.Ack.Point
  Tsn last_abandoned_;          // the highest TSN ever given up
  std::size_t gap_end_ = 0;     // no index from here on is acknowledged
  std::size_t first_lost_ = 0;  // no index before is lost
  std::size_t lost_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t payload_in_flight_ = 0;
  std::uint64_t abandoned_ = 0;
  std::uint64_t retransmitted_ = 0;
  bool may_abandon_;
  SendQueue* queue_;
};

}  // namespace linnet::sctp
