#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "sctp/association/message.hpp"
#include "sctp/association/statistics.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/ring.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Puts fragments together and messages in order, and keeps them until they are read (RFC 9260 sections 6.5,
/// 6.6, 6.9). Owned by the association's core, which feeds only TSNs that are new. A fragment is copied once,
/// into its message's buffer; only a filled gap moves the fragments behind it a second time.
class ReassemblyQueue {
 public:
  enum class Outcome : std::uint8_t { Ok, TooLarge, Violation };
  struct Skip {
    StreamId stream;
    Ssn ssn;
  };
  /// Charged for each fragment run and message besides its payload, so that a flood of tiny ones closes the
  /// window long before it fills the memory.
  static constexpr std::size_t overhead = 64;

  explicit ReassemblyQueue(std::size_t max_message_size) noexcept : max_message_size_(max_message_size) {}
  ReassemblyQueue(const ReassemblyQueue&) = delete;
  ReassemblyQueue& operator=(const ReassemblyQueue&) = delete;

  [[nodiscard]] Outcome add(const DataChunk& chunk);
  /// RFC 3758 section 3.6: forgets fragments up to `cumulative`; ordered streams go on after the skipped SSNs.
  void forward(Tsn cumulative, std::span<const Skip> skips);
  /// RFC 6525 section 5.2.2: the next SSN is 0; messages already whole stay readable. Empty: all streams.
  void reset(std::span<const StreamId> streams);

  [[nodiscard]] std::optional<Message> receive(StreamId stream);
  /// Streams whose queue became non-empty, once each.
  [[nodiscard]] std::optional<StreamId> poll_ready();

  /// Bytes held, `overhead` included.
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t payload_bytes() const noexcept { return payload_bytes_; }
  void add_statistics(StreamId stream, StreamStatistics& out) const;
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
  struct Stream {
    Ssn next;
    bool announced = false;  // stands in newly_ready_
    Ring<Message> ready;
    std::map<Ssn, Message> waiting;  // whole, behind a missing SSN
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  using Runs = std::map<Tsn, Run>;  // by the first TSN

  [[nodiscard]] Outcome extend(Runs::iterator run, const DataChunk& chunk);
  [[nodiscard]] Outcome insert(Runs::iterator after, const DataChunk& chunk);
  [[nodiscard]] Outcome settle(Runs::iterator run);
  Runs::iterator drop(Runs::iterator run);
  void deliver(Message message, Ssn ssn);
  void make_ready(StreamId id, Stream& stream, Message message);
  void release_waiting(StreamId id, Stream& stream);
  [[nodiscard]] static bool same_message(const Run& run, const DataChunk& chunk) noexcept;

  std::size_t max_message_size_;
  Runs runs_;
  Runs::iterator hot_ = runs_.end();  // where the next fragment most likely goes
  std::vector<Runs::node_type> spare_;
  std::unordered_map<StreamId, Stream> streams_;
  Ring<StreamId> newly_ready_;
  std::size_t held_ = 0;
  std::size_t last_size_ = 0;  // of the last fragmented message: a hint for the next one's buffer
  std::uint64_t messages_ = 0;
  std::uint64_t payload_bytes_ = 0;
};

}  // namespace linnet::sctp
