#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sctp/types.hpp"

namespace linnet::sctp {

/// Which of the streams with something to send is next: weighted fair queueing (RFC 8260 section 3.6) in virtual time.
/// A stream's turn costs its bytes divided by its weight; the one whose turn would end first is served. One that was
/// idle begins now, so a small message passes those who send without end. Owned by SendQueue; knows no messages.
class StreamScheduler {
 public:
  /// Bytes sent, as weights scale them. A stream keeps the end of its last turn.
  using VirtualTime = std::uint64_t;

  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] StreamId front() const noexcept { return entries_.front().stream; }
  /// A stream that was idle does not save up what it did not send: `from`, the end of its last turn, is not before now.
  void wake(VirtualTime& from) const noexcept;
  /// Puts a stream in line for a turn of about `size` bytes that begins at `from`. A stream stands in line once.
  void push(StreamId stream, VirtualTime from, std::size_t size, std::uint16_t weight);
  /// The first stream has its turn: `size` bytes are charged to `from`, which is then its end.
  void serve(VirtualTime& from, std::size_t size, std::uint16_t weight);
  /// Out of the line without a turn.
  void pop();
  void remove(StreamId stream);
  /// Goes back to the line as it was, from another scheduler's `take_front`.
  struct Entry {
    VirtualTime end = 0;
    std::uint32_t order = 0;  // who came first, where turns end at the same time
    StreamId stream;
  };
  [[nodiscard]] const Entry& entry() const noexcept { return entries_.front(); }
  void push(const Entry& entry);
  void clear() noexcept;

 private:
  [[nodiscard]] static VirtualTime cost(std::size_t size, std::uint16_t weight) noexcept {
    constexpr unsigned scale = 16;
    return (static_cast<VirtualTime>(size) << scale) / weight;
  }
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const noexcept {
      return a.end != b.end ? a.end > b.end : static_cast<std::int32_t>(a.order - b.order) > 0;
    }
  };

  std::vector<Entry> entries_;  // a heap
  VirtualTime now_ = 0;         // the begin of the turn served last
  std::uint32_t next_order_ = 0;
};

}  // namespace linnet::sctp
