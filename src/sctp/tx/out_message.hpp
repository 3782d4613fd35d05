#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <vector>

#include "linnet/core/time.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// One message on its way out: the only copy of the user's bytes. Fragments refer to it until the peer has
/// acknowledged them all.
struct OutMessage {
  static constexpr std::uint32_t no_limit = std::numeric_limits<std::uint32_t>::max();

  StreamId stream;
  Ppid ppid;
  Mid mid;  // set when the first fragment gets its TSN
  bool unordered = false;
  bool counted = true;  // in the buffered amount of its stream
  bool abandoned = false;
  bool complete = false;  // the last fragment got its TSN
  std::uint32_t max_retransmits = no_limit;
  TimePoint expires = never;
  std::size_t sent = 0;         // payload bytes that got a TSN
  std::uint32_t fragments = 0;  // outstanding
  std::uint32_t next_fsn = 0;   // of the next fragment to get a TSN
  Tsn first;                    // of its fragments, popped ones included
  Tsn last;
  OutMessage* next = nullptr;  // in its stream's queue
  std::vector<std::byte> payload;

  /// Of an ordered message.
  [[nodiscard]] Ssn ssn() const noexcept { return Ssn{static_cast<Ssn::Value>(mid.value())}; }
};

/// Where messages live; gives slots and their buffers out again. Owned by the association's core.
class MessagePool {
 public:
  MessagePool() = default;
  MessagePool(const MessagePool&) = delete;
  MessagePool& operator=(const MessagePool&) = delete;

  [[nodiscard]] OutMessage* take(std::span<const std::byte> payload);
  void give_back(OutMessage* message);
  /// Nothing was sent for a while: what no message needs goes back to the system, if none is in use.
  void rest();
  [[nodiscard]] std::size_t in_use() const noexcept { return slots_.size() - free_.size(); }

 private:
  /// More slots than these are given back to the system when none is in use any more.
  static constexpr std::size_t max_idle = 512;
  /// Buffers of free slots keep this much memory between them.
  static constexpr std::size_t max_kept = std::size_t{1} << 20U;
  std::deque<OutMessage> slots_;
  std::vector<OutMessage*> free_;
  std::size_t kept_ = 0;
};

}  // namespace linnet::sctp
