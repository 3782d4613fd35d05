#include "ice/check_list.hpp"

#include <algorithm>

namespace linnet::ice {

std::uint64_t pair_priority(std::uint32_t controlling, std::uint32_t controlled) noexcept {
  const std::uint64_t low = std::min(controlling, controlled);
  const std::uint64_t high = std::max(controlling, controlled);
  return (low << 32U) + 2 * high + (controlling > controlled ? 1U : 0U);
}

std::uint64_t CheckList::priority_of(const CandidatePair& pair) const noexcept {
  return role_ == IceRole::Controlled ? pair_priority(pair.remote_priority, pair.local_priority)
                                      : pair_priority(pair.local_priority, pair.remote_priority);
}

void CheckList::set_role(IceRole role) {
  role_ = role;
  for (CandidatePair& pair : pairs_) pair.priority = priority_of(pair);
}

std::uint32_t CheckList::foundation(std::string_view local, std::string_view remote) {
  std::string key;
  key.append(local).append(":").append(remote);
  for (const auto& [name, id] : foundations_) {
    if (name == key) return id;
  }
  // A peer may make up as many as it likes: those of pairs that are gone are forgotten.
  if (foundations_.size() >= 2 * max_pairs_) {
    std::erase_if(foundations_, [&](const auto& known) {
      return std::ranges::find(pairs_, known.second, &CandidatePair::foundation) == pairs_.end();
    });
  }
  foundations_.emplace_back(std::move(key), next_foundation_);
  return next_foundation_++;
}

bool CheckList::make_room(std::uint64_t priority, bool proven) {
  if (pairs_.size() < max_pairs_) return true;
  // RFC 8445 section 6.1.2.5: the worst go. Pairs that have answered stay, and those that are being checked, unless one
  // comes that the peer is known to be at: then what nobody has spoken on goes, however good it claims to be.
  const auto rank = [](const CandidatePair& pair) {
    if (pair.state == PairState::Failed) return 0;
    return pair.state == PairState::InProgress ? 2 : 1;
  };
  auto worst = pairs_.end();
  for (auto it = pairs_.begin(); it != pairs_.end(); ++it) {
    const bool stays = it->state == PairState::Succeeded || (it->state == PairState::InProgress && !proven) ||
                       (proven && it->state != PairState::Failed && it->heard != TimePoint{});
    if (stays) continue;
    if (worst == pairs_.end() || std::pair{rank(*it), it->priority} < std::pair{rank(*worst), worst->priority}) {
      worst = it;
    }
  }
  if (worst == pairs_.end()) return false;
  if (!proven && worst->state != PairState::Failed && worst->priority >= priority) return false;
  pairs_.erase(worst);
  drop_dangling();
  return true;
}

CandidatePair* CheckList::add(CandidatePair pair, std::string_view local_foundation, std::string_view remote_foundation,
                              bool proven) {
  pair.priority = priority_of(pair);
  if (!make_room(pair.priority, proven)) return nullptr;
  pair.id = PairId{next_id_++};
  pair.foundation = foundation(local_foundation, remote_foundation);
  // RFC 8445 section 6.1.2.6 and RFC 8838 section 12: one pair of a foundation is tried at a time, until one succeeds.
  bool busy = false;
  bool succeeded = false;
  for (const CandidatePair& other : pairs_) {
    if (other.foundation != pair.foundation) continue;
    busy = busy || other.state == PairState::Waiting || other.state == PairState::InProgress;
    succeeded = succeeded || other.state == PairState::Succeeded;
  }
  pair.state = busy && !succeeded ? PairState::Frozen : PairState::Waiting;
  pairs_.push_back(pair);
  return &pairs_.back();
}

CandidatePair* CheckList::find(PairId id) noexcept {
  const auto it = std::ranges::find(pairs_, id, &CandidatePair::id);
  return it == pairs_.end() ? nullptr : &*it;
}
const CandidatePair* CheckList::find(PairId id) const noexcept {
  const auto it = std::ranges::find(pairs_, id, &CandidatePair::id);
  return it == pairs_.end() ? nullptr : &*it;
}
CandidatePair* CheckList::find(const Path& path) noexcept {
  const auto it = std::ranges::find(pairs_, path, &CandidatePair::path);
  return it == pairs_.end() ? nullptr : &*it;
}
const CandidatePair* CheckList::find(const Path& path) const noexcept {
  const auto it = std::ranges::find(pairs_, path, &CandidatePair::path);
  return it == pairs_.end() ? nullptr : &*it;
}

void CheckList::trigger(CandidatePair& pair, bool front) {
  if (pair.triggered) {
    if (!front) return;
    std::erase(triggered_, pair.id);
  }
  pair.triggered = true;
  if (front) {
    triggered_.push_front(pair.id);
  } else {
    triggered_.push_back(pair.id);
  }
}

CandidatePair* CheckList::best(PairState state) noexcept {
  CandidatePair* found = nullptr;
  for (CandidatePair& pair : pairs_) {
    if (pair.state == state && (found == nullptr || pair.priority > found->priority)) found = &pair;
  }
  return found;
}

bool CheckList::foundation_busy(std::uint32_t foundation) const noexcept {
  return std::ranges::any_of(pairs_, [&](const CandidatePair& pair) {
    return pair.foundation == foundation && (pair.state == PairState::Waiting || pair.state == PairState::InProgress);
  });
}

CandidatePair* CheckList::take_next() {
  if (!triggered_.empty()) {
    CandidatePair* const pair = find(triggered_.front());
    triggered_.pop_front();
    pair->triggered = false;
    return pair;
  }
  // RFC 8445 section 6.1.4.2: the best waiting pair; else the best frozen one whose foundation is idle.
  if (CandidatePair* const pair = best(PairState::Waiting)) return pair;
  CandidatePair* found = nullptr;
  for (CandidatePair& pair : pairs_) {
    if (pair.state == PairState::Frozen && (found == nullptr || pair.priority > found->priority) &&
        !foundation_busy(pair.foundation)) {
      found = &pair;
    }
  }
  return found;
}

bool CheckList::has_next() const noexcept {
  return !triggered_.empty() || std::ranges::any_of(pairs_, [&](const CandidatePair& pair) {
    return pair.state == PairState::Waiting || (pair.state == PairState::Frozen && !foundation_busy(pair.foundation));
  });
}

void CheckList::unfreeze(std::uint32_t foundation) noexcept {
  for (CandidatePair& pair : pairs_) {
    if (pair.state == PairState::Frozen && pair.foundation == foundation) pair.state = PairState::Waiting;
  }
}

bool CheckList::pending() const noexcept {
  return !triggered_.empty() || std::ranges::any_of(pairs_, [](const CandidatePair& pair) {
    return pair.state != PairState::Succeeded && pair.state != PairState::Failed;
  });
}

std::size_t CheckList::in_flight() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(pairs_, [](const CandidatePair& pair) {
    return pair.state == PairState::Waiting || pair.state == PairState::InProgress;
  }));
}

void CheckList::drop_dangling() {
  std::erase_if(triggered_, [&](PairId id) { return find(id) == nullptr; });
}

void CheckList::clear() {
  pairs_.clear();
  triggered_.clear();
  foundations_.clear();
}

}  // namespace linnet::ice
