#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ice/candidate_pair.hpp"
#include "linnet/states.hpp"

namespace linnet::ice {

/// RFC 8445 section 6.1.2.3: G is the controlling side's priority, D the controlled side's.
[[nodiscard]] std::uint64_t pair_priority(std::uint32_t controlling, std::uint32_t controlled) noexcept;

/// The check list of RFC 8445 section 6.1.2 with its triggered-check queue: forms, orders, prunes and
/// unfreezes pairs and says which is checked next. Owned by the agent; sends nothing and knows no time.
class CheckList {
 public:
  explicit CheckList(std::size_t max_pairs) : max_pairs_(max_pairs) {}

  void set_role(IceRole role);
  /// Adds a pair in its right first state; nothing when the list is full of better ones. A pair that is `proven`, as
  /// the peer has sent a check on it, is better than all on which it has not. Pointers to pairs are good until the next
  /// `add`, `remove_if` or `clear`.
  CandidatePair* add(CandidatePair pair, std::string_view local_foundation, std::string_view remote_foundation,
                     bool proven = false);
  [[nodiscard]] CandidatePair* find(PairId id) noexcept;
  [[nodiscard]] const CandidatePair* find(PairId id) const noexcept;
  [[nodiscard]] CandidatePair* find(const Path& path) noexcept;
  [[nodiscard]] const CandidatePair* find(const Path& path) const noexcept;

  /// Puts a pair at the end (or the front) of the triggered-check queue, once.
  void trigger(CandidatePair& pair, bool front = false);
  /// The pair to check next (RFC 8445 section 6.1.4.2), taken out of the triggered queue when it comes from there.
  [[nodiscard]] CandidatePair* take_next();
  [[nodiscard]] bool has_next() const noexcept;
  /// RFC 8445 section 7.2.5.3.3: a success lets pairs of the same foundation be checked.
  void unfreeze(std::uint32_t foundation) noexcept;

  /// Pairs that have not come to an end yet.
  [[nodiscard]] bool pending() const noexcept;
  [[nodiscard]] std::size_t in_flight() const noexcept;  ///< Waiting and in-progress pairs.
  template <class Predicate>
  void remove_if(Predicate predicate) {
    std::erase_if(pairs_, predicate);
    drop_dangling();
  }
  void clear();
  [[nodiscard]] std::span<const CandidatePair> pairs() const noexcept { return pairs_; }
  [[nodiscard]] std::span<CandidatePair> pairs() noexcept { return pairs_; }
  [[nodiscard]] std::size_t known_foundations() const noexcept { return foundations_.size(); }

 private:
  [[nodiscard]] std::uint32_t foundation(std::string_view local, std::string_view remote);
  [[nodiscard]] std::uint64_t priority_of(const CandidatePair& pair) const noexcept;
  [[nodiscard]] bool make_room(std::uint64_t priority, bool proven);
  void drop_dangling();
  [[nodiscard]] CandidatePair* best(PairState state) noexcept;
  [[nodiscard]] bool foundation_busy(std::uint32_t foundation) const noexcept;

  std::size_t max_pairs_;
  IceRole role_ = IceRole::Unknown;
  std::uint32_t next_id_ = 1;
  std::vector<CandidatePair> pairs_;
  std::deque<PairId> triggered_;
  std::vector<std::pair<std::string, std::uint32_t>> foundations_;
  std::uint32_t next_foundation_ = 1;
};

}  // namespace linnet::ice
