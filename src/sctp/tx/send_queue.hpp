#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>

#include "sctp/association/options.hpp"
#include "sctp/association/statistics.hpp"
#include "sctp/ring.hpp"
#include "sctp/tx/out_message.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Messages of which at least a part was never put on the wire, a queue for each stream that is in use.
/// Streams take turns message by message (a message's fragments have consecutive TSNs, RFC 9260 section 6.9).
/// Owned by the association's core; assigns SSNs, knows no TSN.
class SendQueue {
 public:
  /// The next bytes to send: `size` bytes of `message` from `offset`.
  struct Piece {
    OutMessage* message = nullptr;
    std::size_t offset = 0;
    std::size_t size = 0;
    bool last = false;
  };

  /// Charged for each waiting message besides its payload: its slot and the rounding of its buffer.
  static constexpr std::size_t overhead = sizeof(OutMessage) + 32;

  explicit SendQueue(MessagePool& pool) noexcept : pool_(&pool) {}
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  void add(TimePoint now, StreamId stream, Ppid ppid, std::span<const std::byte> payload, const SendOptions& options);

  /// What comes next, at most `room` bytes of it. Messages whose lifetime ended before their first fragment
  /// are dropped on the way. Nothing is taken yet.
  [[nodiscard]] std::optional<Piece> peek(TimePoint now, std::size_t room);
  /// The piece of the last `peek` gets a TSN.
  void take(const Piece& piece);
  /// Drops the rest of a message that was abandoned half sent; true when there was a rest.
  bool abandon(OutMessage* message);
  void clear();

  [[nodiscard]] bool empty() const noexcept { return current_ == nullptr && active_.empty(); }
  [[nodiscard]] std::size_t total_buffered() const noexcept { return total_; }
  /// What waits, with `overhead` for each message: what the queue's limit is about.
  [[nodiscard]] std::size_t memory() const noexcept { return total_ + waiting_ * overhead; }
  [[nodiscard]] std::size_t buffered(StreamId stream) const noexcept;
  [[nodiscard]] bool is_sending(const OutMessage* message) const noexcept { return current_ == message; }
  void set_low_threshold(StreamId stream, std::size_t threshold);
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
  /// The reset was performed: SSNs start at 0 again.
  void reset(StreamId stream);

  [[nodiscard]] std::uint64_t messages_expired() const noexcept { return expired_; }
  void add_statistics(StreamId stream, StreamStatistics& out) const;

 private:
  struct Stream {
    StreamId id;
    Ssn next;
    bool resetting = false;
    bool low_pending = false;
    OutMessage* head = nullptr;
    OutMessage* tail = nullptr;
    std::size_t messages_alive = 0;  // queued or outstanding
    std::size_t buffered = 0;
    std::size_t low_threshold = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  [[nodiscard]] Stream& stream(StreamId id);
  void unbuffer(Stream& stream, std::size_t size);
  void finish_current();

  MessagePool* pool_;
  std::unordered_map<StreamId, Stream> streams_;
  Ring<StreamId> active_;          // streams with queued messages, in turn; without the current message's
  OutMessage* current_ = nullptr;  // taken from its stream's queue, some of it may have been sent
  Ring<StreamId> low_;
  Ring<StreamId> drained_;
  std::size_t waiting_ = 0;  // messages not yet put on the wire as a whole
  std::size_t total_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace linnet::sctp
