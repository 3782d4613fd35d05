#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "sctp/association/message.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/ring.hpp"
#include "sctp/rx/interleaved_fragments.hpp"
#include "sctp/rx/reassembly_outcome.hpp"
#include "sctp/stream_table.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Puts fragments together and messages in order, and keeps them until they are read (RFC 9260 sections 6.5,
/// 6.6, 6.9; RFC 8260). Owned by the association's core, which feeds only TSNs that are new, and either DATA or I-DATA.
/// A fragment is copied once, into its message's buffer; only a filled gap moves the fragments behind it a second time.
class ReassemblyQueue {
 public:
  using Outcome = ReassemblyOutcome;
  /// Of FORWARD-TSN.
  struct Skip {
    StreamId stream;
    Ssn ssn;
  };
  /// Of I-FORWARD-TSN.
  struct InterleavedSkip {
    StreamId stream;
    bool unordered = false;
    Mid mid;
  };
  /// Charged for each fragment run and message besides its payload, so that a flood of tiny ones closes the
  /// window long before it fills the memory.
  static constexpr std::size_t overhead = 64;

  explicit ReassemblyQueue(std::size_t max_message_size) noexcept
      : max_message_size_(max_message_size), interleaved_(max_message_size) {}
  ReassemblyQueue(const ReassemblyQueue&) = delete;
  ReassemblyQueue& operator=(const ReassemblyQueue&) = delete;

  [[nodiscard]] Outcome add(const DataChunk& chunk);
  /// RFC 3758 section 3.6: forgets fragments up to `cumulative`; ordered streams go on after the skipped SSNs.
  void forward(Tsn cumulative, std::span<const Skip> skips);
  /// RFC 8260 section 2.3.1: forgets what is missing of the skipped messages; ordered streams go on after them.
  void forward(std::span<const InterleavedSkip> skips);
  /// RFC 6525 section 5.2.2: identifiers begin at 0 again; messages already whole stay readable. Empty: all streams.
  void reset(std::span<const StreamId> streams);

  [[nodiscard]] std::optional<Message> receive(StreamId stream);
  /// Streams whose queue became non-empty, once each.
  [[nodiscard]] std::optional<StreamId> poll_ready();

  /// Bytes held, overhead included.
  [[nodiscard]] std::size_t held() const noexcept { return held_ + interleaved_.held(); }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t payload_bytes() const noexcept { return payload_bytes_; }
  [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }

 private:
  /// Neighbouring fragments of one message.
  struct Run {
    Tsn last;
    StreamId stream;
    Ssn ssn;
    Ppid ppid;
    bool unordered = false;
    bool begin = false;
    bool end = false;
    std::vector<std::byte> payload;
  };
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  /// Messages that can be read form a list through `ready_`.
  struct Stream {
    Mid next;  // its low half is the next SSN
    std::uint32_t head = none;
    std::uint32_t tail = none;
    bool announced = false;  // stands in newly_ready_
  };
  struct Ready {
    Message message;
    std::uint32_t next = none;
  };
  using Runs = std::map<Tsn, Run>;  // by the first TSN
  using Waiting = std::map<std::uint64_t, Message>;

  [[nodiscard]] Outcome add_interleaved(const DataChunk& chunk);
  [[nodiscard]] Outcome extend(Runs::iterator run, const DataChunk& chunk);
  [[nodiscard]] Outcome insert(Runs::iterator after, const DataChunk& chunk);
  [[nodiscard]] Outcome settle(Runs::iterator run);
  Runs::iterator drop(Runs::iterator run);
  void deliver(Message message, Ssn ssn);
  void deliver(Message message, Mid mid);
  void make_ready(StreamId id, Stream& stream, Message message);
  void release_waiting(StreamId id, Stream& stream);
  void make_ready_up_to(StreamId id, Stream& stream, Mid mid);
  Waiting::iterator take_waiting(Waiting::iterator at, StreamId id, Stream& stream);
  void skip(StreamId id, Stream& stream, Mid mid);
  void forget_waiting(StreamId id);
  [[nodiscard]] static Mid extended(Ssn ssn, Mid next) noexcept;
  [[nodiscard]] static bool same_message(const Run& run, const DataChunk& chunk) noexcept;
  [[nodiscard]] static std::uint64_t key(StreamId id, Mid mid) noexcept {
    return std::uint64_t{id.value()} << 32U | mid.value();
  }

  std::size_t max_message_size_;
  Runs runs_;
  Runs::iterator hot_ = runs_.end();  // where the next fragment most likely goes
  std::vector<Runs::node_type> spare_;
  InterleavedFragments interleaved_;
  StreamTable<Stream> streams_;
  Waiting waiting_;  // whole, behind a missing one; by stream and identifier
  std::vector<Ready> ready_;
  std::uint32_t free_ready_ = none;  // list of the unused
  std::size_t ready_count_ = 0;
  Ring<StreamId> newly_ready_;
  std::size_t held_ = 0;
  std::size_t last_size_ = 0;  // of the last fragmented message: a hint for the next one's buffer
  std::uint64_t messages_ = 0;
  std::uint64_t payload_bytes_ = 0;
};

}  // namespace linnet::sctp
