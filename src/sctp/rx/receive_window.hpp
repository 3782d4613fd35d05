#pragma once

#include <chrono>
#include <cstddef>

#include "linnet/core/time.hpp"

namespace linnet::sctp {

/// How much may be held for the reader. Begins modestly and grows to eight times what the reader takes in a round trip:
/// the sender's slow start sends twice as much in the next one, twice that in the one after it, and what comes behind a
/// hole meanwhile is not taken. Shrinks again after a rest. Only a number: memory is used when data is there. Owned by
/// the association's core.
class ReceiveWindow {
 public:
  ReceiveWindow(std::size_t initial, std::size_t most) noexcept
      : initial_(initial), most_(most), size_(initial), accepted_(initial) {}

  /// The path's round trip, each time it is known; the least counts, for a queue is none of the path's.
  void measured(Duration round_trip) noexcept;
  /// Another path, whose round trip is not known yet.
  void path_changed() noexcept { round_trip_ = {}; }
  void arrived(TimePoint now) noexcept;
  /// The reader took `bytes`.
  void pulled(TimePoint now, std::size_t bytes) noexcept;

  /// What may be held, as the peer is told.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// What is taken all the same: the peer may still believe what it was told before a rest.
  [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }

 private:
  std::size_t initial_;
  std::size_t most_;
  std::size_t size_;
  std::size_t accepted_;
  Duration round_trip_{};  // 0: not known
  TimePoint arrived_at_{};
  TimePoint since_{};
  std::size_t pulled_ = 0;  // since then
};

}  // namespace linnet::sctp
