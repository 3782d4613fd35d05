#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sctp/association/message.hpp"
#include "sctp/packet/chunk.hpp"
#include "sctp/rx/reassembly_outcome.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Messages of which fragments are missing, where messages are interleaved (RFC 8260 section 2.1): fragments belong
/// together by stream, U bit and message identifier, and are put in order by their sequence numbers. Owned by
/// ReassemblyQueue, which feeds only TSNs that are new and messages that are in pieces.
class InterleavedFragments {
 public:
  /// Charged for each message and for each run of fragments that waits for those before it, besides the payload.
  static constexpr std::size_t message_overhead = 192;
  static constexpr std::size_t run_overhead = 96;

  explicit InterleavedFragments(std::size_t max_message_size) noexcept : max_message_size_(max_message_size) {}
  InterleavedFragments(const InterleavedFragments&) = delete;
  InterleavedFragments& operator=(const InterleavedFragments&) = delete;

  /// `whole` is set when the fragment was the last one that was missing of its message.
  [[nodiscard]] ReassemblyOutcome add(const DataChunk& chunk, std::optional<Message>& whole);
  /// RFC 8260 section 2.3.1: what is missing of messages up to `mid` will not come.
  void forget(StreamId stream, bool unordered, Mid mid);
  /// The stream's identifiers begin anew.
  void forget(StreamId stream);
  void clear();

  /// Payload and overhead.
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  [[nodiscard]] std::size_t messages() const noexcept { return partials_.size(); }

 private:
  /// Neighbouring fragments behind a missing one.
  struct Run {
    std::uint32_t last = 0;
    std::vector<std::byte> payload;
  };
  struct Partial {
    std::vector<std::byte> payload;  // of the fragments before `next`
    std::uint32_t next = 0;
    std::optional<std::uint32_t> end;
    std::uint32_t highest = 0;
    Ppid ppid;
    std::size_t size = 0;  // of all fragments
    std::map<std::uint32_t, Run> ahead;
  };
  using Key = std::uint64_t;
  using Partials = std::map<Key, Partial>;

  [[nodiscard]] static Key key(StreamId stream, bool unordered, Mid mid) noexcept {
    return Key{stream.value()} << 33U | Key{unordered ? 1U : 0U} << 32U | mid.value();
  }
  Partial& partial(Key key, const DataChunk& chunk);
  [[nodiscard]] bool fits(const Partial& partial, std::uint32_t fsn, bool end) const noexcept;
  [[nodiscard]] ReassemblyOutcome keep_ahead(Partial& partial, std::uint32_t fsn, const DataChunk& chunk);
  void absorb(Partial& partial);
  void drop(Partials::iterator partial);
  void drop(Key first, Key last);

  std::size_t max_message_size_;
  Partials partials_;
  Partials::iterator hot_ = partials_.end();  // of the last fragment
  std::vector<Partials::node_type> spare_;
  std::size_t held_ = 0;
  std::size_t last_size_ = 0;  // of the last message: a hint for the next one's buffer
};

}  // namespace linnet::sctp
