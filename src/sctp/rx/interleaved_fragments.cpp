#include "sctp/rx/interleaved_fragments.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace linnet::sctp {
namespace {

/// As many messages get a buffer for what is still to come of them: it is not charged before it is there.
constexpr std::size_t few = 16;

}  // namespace

ReassemblyOutcome InterleavedFragments::add(const DataChunk& chunk, std::optional<Message>& whole) {
  // RFC 8260 section 2.1: the first fragment has the number 0, which is not written; no other has it.
  const std::uint32_t fsn = chunk.begin ? 0 : chunk.fsn;
  if (!chunk.begin && fsn == 0) return ReassemblyOutcome::Violation;
  if (fsn >= max_message_size_) return ReassemblyOutcome::TooLarge;  // each fragment has at least one byte
  Partial& p = partial(key(chunk.stream, chunk.unordered, chunk.mid), chunk);
  if (!fits(p, fsn, chunk.end)) return ReassemblyOutcome::Violation;
  if (p.size + chunk.payload.size() > max_message_size_) return ReassemblyOutcome::TooLarge;
  if (fsn == p.next) {
    p.payload.insert(p.payload.end(), chunk.payload.begin(), chunk.payload.end());
    ++p.next;
    absorb(p);
  } else if (keep_ahead(p, fsn, chunk) != ReassemblyOutcome::Ok) {
    return ReassemblyOutcome::Violation;
  }
  p.size += chunk.payload.size();
  held_ += chunk.payload.size();
  if (chunk.begin) p.ppid = chunk.ppid;
  if (chunk.end) p.end = fsn;
  p.highest = std::max(p.highest, fsn);
  if (!p.end || p.next != *p.end + 1) return ReassemblyOutcome::Ok;
  last_size_ = p.size;
  whole.emplace(Message{chunk.stream, p.ppid, chunk.unordered, std::exchange(p.payload, {})});
  drop(hot_);
  return ReassemblyOutcome::Ok;
}

/// The message that the fragment belongs to; `hot_` is its place.
InterleavedFragments::Partial& InterleavedFragments::partial(Key key, const DataChunk& chunk) {
  if (hot_ != partials_.end() && hot_->first == key) return hot_->second;
  hot_ = partials_.lower_bound(key);
  if (hot_ != partials_.end() && hot_->first == key) return hot_->second;
  if (spare_.empty()) {
    hot_ = partials_.emplace_hint(hot_, key, Partial{});
  } else {
    spare_.back().key() = key;
    hot_ = partials_.insert(hot_, std::move(spare_.back()));
    spare_.pop_back();
  }
  held_ += message_overhead;
  if (chunk.begin && partials_.size() <= few) hot_->second.payload.reserve(last_size_);
  return hot_->second;
}

/// Whether the fragment goes with what is known of its message.
bool InterleavedFragments::fits(const Partial& p, std::uint32_t fsn, bool end) const noexcept {
  if (fsn < p.next) return false;
  if (p.end && (end || fsn > *p.end)) return false;
  return !end || p.size == 0 || fsn > p.highest;
}

ReassemblyOutcome InterleavedFragments::keep_ahead(Partial& p, std::uint32_t fsn, const DataChunk& chunk) {
  const auto after = p.ahead.upper_bound(fsn);
  if (after != p.ahead.begin()) {
    Run& before = std::prev(after)->second;
    if (fsn <= before.last) return ReassemblyOutcome::Violation;
    if (fsn == before.last + 1) {
      before.payload.insert(before.payload.end(), chunk.payload.begin(), chunk.payload.end());
      before.last = fsn;
      return ReassemblyOutcome::Ok;
    }
  }
  Run run{.last = fsn, .payload = {}};
  run.payload.reserve(p.ahead.empty() && partials_.size() <= few ? std::max(last_size_, chunk.payload.size())
                                                                 : chunk.payload.size());
  run.payload.assign(chunk.payload.begin(), chunk.payload.end());
  p.ahead.emplace_hint(after, fsn, std::move(run));
  held_ += run_overhead;
  return ReassemblyOutcome::Ok;
}

/// Takes over the runs that a filled gap has joined to the beginning.
void InterleavedFragments::absorb(Partial& p) {
  while (!p.ahead.empty() && p.ahead.begin()->first == p.next) {
    const Run& run = p.ahead.begin()->second;
    p.payload.insert(p.payload.end(), run.payload.begin(), run.payload.end());
    p.next = run.last + 1;
    p.ahead.erase(p.ahead.begin());
    held_ -= run_overhead;
  }
}

void InterleavedFragments::drop(Partials::iterator at) {
  constexpr std::size_t max_spare = 16;
  Partial& p = at->second;
  held_ -= p.size + message_overhead + p.ahead.size() * run_overhead;
  if (hot_ == at) hot_ = partials_.end();
  auto node = partials_.extract(at);
  node.mapped() = Partial{};
  if (spare_.size() < max_spare) spare_.push_back(std::move(node));
}

void InterleavedFragments::drop(Key first, Key last) {
  for (auto at = partials_.lower_bound(first); at != partials_.end() && at->first <= last;) drop(at++);
}

void InterleavedFragments::forget(StreamId stream, bool unordered, Mid mid) {
  // Half of the numbers lie before `mid`, perhaps on both sides of the wrap.
  const Mid first = mid - 0x7FFF'FFFFU;
  const Key lowest = key(stream, unordered, Mid{0});
  const Key highest = key(stream, unordered, Mid{0xFFFF'FFFFU});
  if (first.value() <= mid.value()) return drop(lowest + first.value(), lowest + mid.value());
  drop(lowest, lowest + mid.value());
  drop(lowest + first.value(), highest);
}

void InterleavedFragments::forget(StreamId stream) {
  drop(key(stream, false, Mid{0}), key(stream, true, Mid{0xFFFF'FFFFU}));
}

void InterleavedFragments::clear() {
  partials_.clear();
  hot_ = partials_.end();
  held_ = 0;
}

}  // namespace linnet::sctp
