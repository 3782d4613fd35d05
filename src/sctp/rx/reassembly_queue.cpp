#include "sctp/rx/reassembly_queue.hpp"

#include <algorithm>
#include <utility>

namespace linnet::sctp {

bool ReassemblyQueue::same_message(const Run& run, const DataChunk& chunk) noexcept {
  return run.stream == chunk.stream && run.unordered == chunk.unordered && (run.unordered || run.ssn == chunk.ssn);
}

ReassemblyQueue::Outcome ReassemblyQueue::add(const DataChunk& chunk) {
  if (chunk.payload.size() > max_message_size_) return Outcome::TooLarge;
  if (chunk.interleaved) return add_interleaved(chunk);
  if (chunk.begin && chunk.end && runs_.empty()) {
    deliver({chunk.stream, chunk.ppid, chunk.unordered, {chunk.payload.begin(), chunk.payload.end()}}, chunk.ssn);
    return Outcome::Ok;
  }
  if (hot_ != runs_.end() && hot_->second.last + 1U == chunk.tsn) return extend(hot_, chunk);
  const auto after = runs_.upper_bound(chunk.tsn);
  if (after != runs_.begin()) {
    const auto before = std::prev(after);
    if (before->second.last + 1U == chunk.tsn) return extend(before, chunk);
  }
  return insert(after, chunk);
}

/// The chunk follows right behind a run: it goes on with it, or begins another message.
ReassemblyQueue::Outcome ReassemblyQueue::extend(Runs::iterator run, const DataChunk& chunk) {
  Run& r = run->second;
  if (r.end) {
    if (!chunk.begin) return Outcome::Violation;
    return insert(std::next(run), chunk);
  }
  if (chunk.begin || !same_message(r, chunk)) return Outcome::Violation;
  if (r.payload.size() + chunk.payload.size() > max_message_size_) return Outcome::TooLarge;
  r.payload.insert(r.payload.end(), chunk.payload.begin(), chunk.payload.end());
  r.last = chunk.tsn;
  r.end = chunk.end;
  held_ += chunk.payload.size();
  return settle(run);
}

ReassemblyQueue::Outcome ReassemblyQueue::insert(Runs::iterator after, const DataChunk& chunk) {
  if (chunk.begin && chunk.end) {
    deliver({chunk.stream, chunk.ppid, chunk.unordered, {chunk.payload.begin(), chunk.payload.end()}}, chunk.ssn);
    return Outcome::Ok;
  }
  Runs::iterator run;
  if (spare_.empty()) {
    run = runs_.emplace_hint(after, chunk.tsn, Run{});
  } else {
    spare_.back().key() = chunk.tsn;
    run = runs_.insert(after, std::move(spare_.back()));
    spare_.pop_back();
  }
  Run& r = run->second;
  r.last = chunk.tsn;
  r.stream = chunk.stream;
  r.ssn = chunk.ssn;
  r.ppid = chunk.ppid;
  r.unordered = chunk.unordered;
  r.begin = chunk.begin;
  r.end = chunk.end;
  if (chunk.begin && runs_.size() == 1) r.payload.reserve(std::max(last_size_, chunk.payload.size()));
  r.payload.assign(chunk.payload.begin(), chunk.payload.end());
  held_ += chunk.payload.size() + overhead;
  return settle(run);
}

/// Joins the run with the one behind it where they touch, and delivers it when it is whole.
ReassemblyQueue::Outcome ReassemblyQueue::settle(Runs::iterator run) {
  Run& r = run->second;
  if (const auto next = std::next(run); next != runs_.end() && r.last + 1U == next->first) {
    Run& n = next->second;
    if (r.end != n.begin) return Outcome::Violation;
    if (!r.end) {
      if (r.stream != n.stream || r.unordered != n.unordered || (!r.unordered && r.ssn != n.ssn))
        return Outcome::Violation;
      if (r.payload.size() + n.payload.size() > max_message_size_) return Outcome::TooLarge;
      r.payload.insert(r.payload.end(), n.payload.begin(), n.payload.end());
      r.last = n.last;
      r.end = n.end;
      held_ += n.payload.size();
      drop(next);
    }
  }
  hot_ = run;
  if (!r.begin || !r.end) return Outcome::Ok;
  last_size_ = r.payload.size();
  Message message{r.stream, r.ppid, r.unordered, std::exchange(r.payload, {})};
  const Ssn ssn = r.ssn;
  held_ -= message.payload.size();
  drop(run);
  deliver(std::move(message), ssn);
  return Outcome::Ok;
}

ReassemblyQueue::Runs::iterator ReassemblyQueue::drop(Runs::iterator run) {
  constexpr std::size_t max_spare = 16;
  held_ -= run->second.payload.size() + overhead;
  if (hot_ == run) hot_ = runs_.end();
  const auto next = std::next(run);
  auto node = runs_.extract(run);
  node.mapped().payload = std::vector<std::byte>{};
  if (spare_.size() < max_spare) spare_.push_back(std::move(node));
  return next;
}

// RFC 8260 section 2.2.
ReassemblyQueue::Outcome ReassemblyQueue::add_interleaved(const DataChunk& chunk) {
  if (!chunk.unordered) {
    const Stream* const stream = streams_.find(chunk.stream);
    if (chunk.mid - (stream == nullptr ? Mid{} : stream->next) < 0) return Outcome::Ok;  // skipped, or used twice
  }
  if (chunk.begin && chunk.end) {
    deliver({chunk.stream, chunk.ppid, chunk.unordered, {chunk.payload.begin(), chunk.payload.end()}}, chunk.mid);
    return Outcome::Ok;
  }
  std::optional<Message> whole;
  const Outcome outcome = interleaved_.add(chunk, whole);
  if (whole) deliver(std::move(*whole), chunk.mid);
  return outcome;
}

/// The message identifier that a sequence number of half its width stands for.
Mid ReassemblyQueue::extended(Ssn ssn, Mid next) noexcept {
  const auto ahead = ssn - Ssn{static_cast<Ssn::Value>(next.value())};
  return next + static_cast<Mid::Value>(ahead);
}

void ReassemblyQueue::deliver(Message message, Ssn ssn) {
  const Mid mid = message.unordered ? Mid{} : extended(ssn, streams_.get(message.stream).next);
  deliver(std::move(message), mid);
}

void ReassemblyQueue::deliver(Message message, Mid mid) {
  const StreamId id = message.stream;
  Stream& stream = streams_.get(id);
  if (message.unordered) return make_ready(id, stream, std::move(message));
  const auto ahead = mid - stream.next;
  if (ahead < 0) return;  // an identifier used twice: there is no place for it
  if (ahead > 0) {
    const std::size_t size = message.payload.size();
    if (waiting_.emplace(key(id, mid), std::move(message)).second) held_ += size + overhead;
    return;
  }
  ++stream.next;
  make_ready(id, stream, std::move(message));
  release_waiting(id, stream);
}

void ReassemblyQueue::release_waiting(StreamId id, Stream& stream) {
  if (waiting_.empty()) return;
  for (auto at = waiting_.find(key(id, stream.next)); at != waiting_.end(); at = waiting_.find(key(id, stream.next))) {
    ++stream.next;
    take_waiting(at, id, stream);
  }
}

ReassemblyQueue::Waiting::iterator ReassemblyQueue::take_waiting(Waiting::iterator at, StreamId id, Stream& stream) {
  held_ -= at->second.payload.size() + overhead;
  make_ready(id, stream, std::move(at->second));
  return waiting_.erase(at);
}

/// Those from the next one on, in their order, also around the wrap.
void ReassemblyQueue::make_ready_up_to(StreamId id, Stream& stream, Mid mid) {
  const auto range = [&](Mid first, Mid last) {
    for (auto at = waiting_.lower_bound(key(id, first)); at != waiting_.end() && at->first <= key(id, last);)
      at = take_waiting(at, id, stream);
  };
  constexpr Mid highest{std::numeric_limits<Mid::Value>::max()};
  if (stream.next.value() <= mid.value()) return range(stream.next, mid);
  range(stream.next, highest);
  range(Mid{}, mid);
}

/// Everything up to `mid` is given up by the sender, but for what is here as a whole.
void ReassemblyQueue::skip(StreamId id, Stream& stream, Mid mid) {
  if (mid - stream.next < 0) return;
  make_ready_up_to(id, stream, mid);
  stream.next = mid + 1U;
  release_waiting(id, stream);
}

void ReassemblyQueue::make_ready(StreamId id, Stream& stream, Message message) {
  held_ += message.payload.size() + overhead;
  ++messages_;
  payload_bytes_ += message.payload.size();
  std::uint32_t slot = free_ready_;
  if (slot == none) {
    slot = static_cast<std::uint32_t>(ready_.size());
    ready_.emplace_back();
  } else {
    free_ready_ = ready_[slot].next;
  }
  ready_[slot] = Ready{.message = std::move(message)};
  ++ready_count_;
  if (stream.head == none && !std::exchange(stream.announced, true)) newly_ready_.push_back(id);
  (stream.head == none ? stream.head : ready_[stream.tail].next) = slot;
  stream.tail = slot;
}

std::optional<Message> ReassemblyQueue::receive(StreamId id) {
  Stream* const stream = streams_.find(id);
  if (stream == nullptr || stream->head == none) return std::nullopt;
  Ready& slot = ready_[stream->head];
  Message message = std::move(slot.message);
  held_ -= message.payload.size() + overhead;
  const std::uint32_t next = slot.next;
  slot = Ready{.message = {}, .next = free_ready_};
  free_ready_ = std::exchange(stream->head, next);
  if (constexpr std::size_t max_idle = 1'024; --ready_count_ == 0 && ready_.size() > max_idle) {
    ready_ = std::vector<Ready>{};
    free_ready_ = none;
  }
  return message;
}

std::optional<StreamId> ReassemblyQueue::poll_ready() {
  while (!newly_ready_.empty()) {
    const StreamId id = newly_ready_.pop_front();
    Stream* const stream = streams_.find(id);
    if (stream == nullptr) continue;
    stream->announced = false;
    if (stream->head != none) return id;
  }
  return std::nullopt;
}

void ReassemblyQueue::forward(Tsn cumulative, std::span<const Skip> skips) {
  for (auto run = runs_.begin(); run != runs_.end() && run->first <= cumulative;) {
    const bool may_complete = run->second.begin && run->second.last > cumulative;
    run = may_complete ? std::next(run) : drop(run);
  }
  for (const Skip& s : skips) {
    Stream& stream = streams_.get(s.stream);
    skip(s.stream, stream, extended(s.ssn, stream.next));
  }
}

void ReassemblyQueue::forward(std::span<const InterleavedSkip> skips) {
  for (const InterleavedSkip& s : skips) {
    interleaved_.forget(s.stream, s.unordered, s.mid);
    if (!s.unordered) skip(s.stream, streams_.get(s.stream), s.mid);
  }
}

void ReassemblyQueue::forget_waiting(StreamId id) {
  for (auto at = waiting_.lower_bound(key(id, Mid{})); at != waiting_.end() && at->first >> 32U == id.value();) {
    held_ -= at->second.payload.size() + overhead;
    at = waiting_.erase(at);
  }
}

void ReassemblyQueue::reset(std::span<const StreamId> streams) {
  const auto reset_one = [this](StreamId id, Stream& stream) {
    interleaved_.forget(id);
    forget_waiting(id);
    stream.next = Mid{};
    if (stream.head == none) streams_.erase(id);
  };
  if (streams.empty()) {
    interleaved_.clear();
    return streams_.for_each(reset_one);
  }
  for (const StreamId id : streams) {
    interleaved_.forget(id);
    if (Stream* const stream = streams_.find(id)) reset_one(id, *stream);
  }
}

}  // namespace linnet::sctp
