#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sctp/types.hpp"

namespace linnet::sctp {

/// Which TSNs came, and when to acknowledge them (RFC 9260 section 6.2). Owned by the association's core;
/// holds no data and starts no timer: it only says that a SACK is wanted now or within the delay.
class DataTracker {
 public:
  enum class Arrival : std::uint8_t { New, Duplicate, TooFar };
  enum class Ack : std::uint8_t { None, Delayed, Now };

  static constexpr std::size_t max_blocks = 1'024;
  static constexpr std::size_t max_duplicates = 16;
  /// Gap ack blocks are 16-bit offsets from the cumulative TSN.
  static constexpr std::int32_t max_ahead = 65'535;

  explicit DataTracker(Tsn initial) noexcept : cumulative_(initial - 1U) {}

  /// What `add` would find; for deciding whether there is room before it is recorded.
  [[nodiscard]] Arrival classify(Tsn tsn) const noexcept;
  /// Records a TSN. A duplicate or one too far ahead changes only the wish for a SACK.
  Arrival add(Tsn tsn);
  /// RFC 3758 section 3.6: everything up to `tsn` counts as received.
  void forward(Tsn tsn);

  /// Once for each packet that bore DATA; `immediate` is the I bit of any of its chunks (RFC 7053).
  void packet_ended(bool immediate) noexcept;
  void request_ack() noexcept { ack_ = Ack::Now; }
  [[nodiscard]] Ack ack() const noexcept { return ack_; }

  [[nodiscard]] Tsn cumulative() const noexcept { return cumulative_; }
  [[nodiscard]] bool has_gaps() const noexcept { return !blocks_.empty(); }
  /// Whether `tsn` extends what came without a gap.
  [[nodiscard]] bool is_next(Tsn tsn) const noexcept { return tsn == cumulative_ + 1U; }

  /// Writes a SACK's value as far as `out` has room for gaps and duplicates; its size, 0 if not even the
  /// fixed part fits. Clears the wish for a SACK and the duplicates.
  std::size_t write_sack(std::span<std::byte> out, std::uint32_t a_rwnd) noexcept;

 private:
  struct Block {
    Tsn first;
    Tsn last;
  };
  void absorb() noexcept;

  Tsn cumulative_;
  std::vector<Block> blocks_;  // ascending, apart from one another and from the cumulative TSN
  std::array<Tsn, max_duplicates> duplicates_{};
  std::size_t duplicate_count_ = 0;
  Ack ack_ = Ack::None;
  bool had_gaps_ = false;
  bool saw_duplicate_ = false;
  std::uint8_t packets_unacked_ = 0;
};

}  // namespace linnet::sctp
