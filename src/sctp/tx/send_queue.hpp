#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "sctp/association/options.hpp"
#include "sctp/ring.hpp"
#include "sctp/stream_table.hpp"
#include "sctp/tx/out_message.hpp"
#include "sctp/tx/stream_scheduler.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Messages of which at least a part was never put on the wire, a queue for each stream that is in use. The scheduler
/// chooses among streams: for each fragment where messages may be interleaved (RFC 8260), else for each message, whose
/// fragments then have consecutive TSNs (RFC 9260 section 6.9). Owned by the association's core; assigns message
/// identifiers, knows no TSN.
class SendQueue {
 public:
  /// The next bytes to send: `size` bytes of `message` from `offset`.
  struct Piece {
    OutMessage* message = nullptr;
    std::size_t offset = 0;
    std::size_t size = 0;
    std::uint32_t fsn = 0;
    bool last = false;
  };

  /// Charged for each waiting message besides its payload: its slot and the rounding of its buffer.
  static constexpr std::size_t overhead = sizeof(OutMessage) + 32;
  /// W3C webrtc-priority: "low", the default.
  static constexpr std::uint16_t default_weight = 256;

  explicit SendQueue(MessagePool& pool) noexcept : pool_(&pool) {}
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  /// Before the first piece is taken. `open_limit`: bytes of messages that may be half sent at one time, if more than
  /// one is; a receiver that holds only halves could complete none.
  void interleave(bool interleave, std::size_t open_limit) noexcept {
    interleave_ = interleave;
    open_limit_ = open_limit;
  }
  [[nodiscard]] bool interleaves() const noexcept { return interleave_; }
  void add(TimePoint now, StreamId stream, Ppid ppid, std::span<const std::byte> payload, const SendOptions& options);

  /// What comes next, at most `room` bytes of it. Messages whose lifetime ended before their first fragment
  /// are dropped on the way. Nothing is taken yet.
  [[nodiscard]] std::optional<Piece> peek(TimePoint now, std::size_t room);
  /// The piece of the last `peek` gets a TSN.
  void take(const Piece& piece);
  /// Drops the rest of a message that was abandoned half sent; true when there was a rest.
  bool abandon(OutMessage* message);
  void clear();  ///< The association is gone: no message is kept; `buffered` still tells what each stream had.

  [[nodiscard]] bool empty() const noexcept { return waiting_ == 0; }
  /// Of all streams, and of what no stream counts.
  [[nodiscard]] std::size_t total_buffered() const noexcept { return total_; }
  /// What waits, with `overhead` for each message: what the queue's limit is about.
  [[nodiscard]] std::size_t memory() const noexcept { return total_ + waiting_ * overhead; }
  [[nodiscard]] std::size_t buffered(StreamId stream) const noexcept;
  void set_low_threshold(StreamId stream, std::size_t threshold);
  /// The stream's share of what is sent while others have something to send too; at least 1.
  void set_weight(StreamId stream, std::uint16_t weight);
  /// Streams whose buffered amount crossed its threshold downwards.
  [[nodiscard]] std::optional<StreamId> poll_low();
  [[nodiscard]] bool low_pending() const noexcept { return !low_.empty(); }

  /// Every fragment of the message was acknowledged or given up.
  void release(OutMessage* message);

  /// RFC 6525: while a stream waits for its reset it takes no messages.
  void set_resetting(StreamId stream, bool resetting);
  [[nodiscard]] bool resetting(StreamId stream) const noexcept;
  /// Streams waiting for their reset that have nothing queued or outstanding, once each.
  [[nodiscard]] std::optional<StreamId> poll_drained();
  /// The reset was performed: message identifiers start at 0 again, and nothing is kept of the stream.
  void reset(StreamId stream);

  [[nodiscard]] std::uint64_t messages_expired() const noexcept { return expired_; }
  [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }

 private:
  struct Stream {
    StreamScheduler::VirtualTime turn = 0;
    OutMessage* head = nullptr;
    OutMessage* tail = nullptr;
    std::size_t buffered = 0;
    std::uint32_t low_threshold = 0;
    std::uint32_t messages_alive = 0;  // queued or outstanding
    Mid next_ordered;
    Mid next_unordered;
    std::uint16_t weight = default_weight;
    bool resetting = false;
    bool low_pending = false;
  };

  void unbuffer(Stream& stream, const OutMessage& message, std::size_t size);
  void line_up(StreamId id, Stream& stream);
  void finish_head(StreamId id, Stream& stream);
  void drop_expired(StreamId id, Stream& stream);
  [[nodiscard]] bool must_wait(const OutMessage& message) const noexcept;

  MessagePool* pool_;
  StreamTable<Stream> streams_;
  StreamScheduler scheduler_;      // every stream with queued messages, but those below
  StreamScheduler held_back_;      // streams whose next message waits for half sent ones
  OutMessage* current_ = nullptr;  // half sent, and nothing may come between its pieces
  Ring<StreamId> low_;
  Ring<StreamId> drained_;
  std::size_t waiting_ = 0;  // messages not yet put on the wire as a whole
  std::size_t total_ = 0;
  std::size_t open_ = 0;  // bytes of half sent messages, where they may be interleaved
  std::size_t open_limit_ = std::numeric_limits<std::size_t>::max();
  std::uint64_t expired_ = 0;
  bool interleave_ = false;
};

}  // namespace linnet::sctp
