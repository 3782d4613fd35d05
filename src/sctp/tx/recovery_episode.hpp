#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sctp/tx/fragment.hpp"

namespace linnet::sctp {

/// One episode of loss recovery, and the question whether it was needless: whether everything that was found lost had
/// arrived all the same, late (the Eifel idea of RFC 4015; what tells is the list of duplicate TSNs in SACKs, which
/// does for SCTP what RFC 3708 does with DSACK). Owned by OutstandingData. Fixed memory, constant time for each TSN.
class RecoveryEpisode {
 public:
  enum class Cause : std::uint8_t { Gap, Timeout, Probe };

  /// It lasts until everything before `next` is acknowledged; then it can still prove needless, until the next one.
  void begin(Cause cause, Tsn next) noexcept;
  /// True when that ended it.
  bool acknowledged(Tsn cumulative) noexcept;
  [[nodiscard]] bool active() const noexcept { return end_.has_value(); }
  [[nodiscard]] Cause cause() const noexcept { return cause_; }

  void lost(Fragment& fragment) noexcept;
  [[nodiscard]] bool wonders(const Fragment& fragment) const noexcept {
    return open_ != 0 && fragment.episode == number_;
  }
  /// The fragment goes out once more, to draw an answer: two copies will tell nothing about the first transmission.
  void probed(Fragment& fragment) noexcept;
  /// The fragment had not been lost. True when it belongs to this episode.
  bool arrived(Fragment& fragment) noexcept;
  /// The fragment is acknowledged for good: from now on only its TSN is known.
  void forget(Tsn tsn, const Fragment& fragment) noexcept;
  /// The peer got a TSN twice that was forgotten; true when it is one that was sent again in this episode.
  bool duplicate(Tsn tsn, Tsn cumulative) noexcept;
  /// Nothing is found out any more.
  void close() noexcept;
  /// True once, when nothing of what was found lost was.
  [[nodiscard]] bool take_needless() noexcept;

 private:
  static constexpr std::uint32_t memory = 2'048;  // TSNs behind the cumulative one
  [[nodiscard]] static std::uint64_t mask(Tsn tsn) noexcept { return std::uint64_t{1} << (tsn.value() % 64); }
  [[nodiscard]] std::uint64_t& word(Tsn tsn) noexcept { return forgotten_[tsn.value() % memory / 64]; }

  std::array<std::uint64_t, memory / 64> forgotten_{};  // of which TSNs a duplicate would tell something
  std::optional<Tsn> end_{};
  std::size_t open_ = 0;  // fragments found lost of which it is not known whether they were
  Cause cause_ = Cause::Gap;
  std::uint8_t number_ = 1;  // never 0, which marks fragments that are nobody's
  bool any_ = false;
  bool real_ = false;  // something was lost: cannot prove needless any more
};

}  // namespace linnet::sctp
