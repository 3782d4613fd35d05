#include "sctp/rx/reassembly_queue.hpp"

#include <algorithm>
#include <utility>

namespace linnet::sctp {

bool ReassemblyQueue::same_message(const Run& run, const DataChunk& chunk) noexcept {
  return run.stream == chunk.stream && run.unordered == chunk.unordered && (run.unordered || run.ssn == chunk.ssn);
}

ReassemblyQueue::Outcome ReassemblyQueue::add(const DataChunk& chunk) {
  if (chunk.payload.size() > max_message_size_) return Outcome::TooLarge;
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
  node.mapped().payload = {};
  if (spare_.size() < max_spare) spare_.push_back(std::move(node));
  return next;
}

void ReassemblyQueue::deliver(Message message, Ssn ssn) {
  const StreamId id = message.stream;
  Stream& stream = streams_[id];
  if (message.unordered) return make_ready(id, stream, std::move(message));
  const auto ahead = ssn - stream.next;
  if (ahead < 0) return;  // a sequence number used twice: there is no place for it
  if (ahead > 0) {
    held_ += message.payload.size() + overhead;
    const std::size_t size = message.payload.size();
    if (!stream.waiting.emplace(ssn, std::move(message)).second) held_ -= size + overhead;
    return;
  }
  ++stream.next;
  make_ready(id, stream, std::move(message));
  release_waiting(id, stream);
}

void ReassemblyQueue::release_waiting(StreamId id, Stream& stream) {
  while (!stream.waiting.empty() && stream.waiting.begin()->first <= stream.next) {
    auto node = stream.waiting.extract(stream.waiting.begin());
    if (node.key() == stream.next) ++stream.next;
    held_ -= node.mapped().payload.size() + overhead;
    make_ready(id, stream, std::move(node.mapped()));
  }
}

void ReassemblyQueue::make_ready(StreamId id, Stream& stream, Message message) {
  held_ += message.payload.size() + overhead;
  ++messages_;
  ++stream.messages;
  payload_bytes_ += message.payload.size();
  stream.bytes += message.payload.size();
  if (stream.ready.empty() && !std::exchange(stream.announced, true)) newly_ready_.push_back(id);
  stream.ready.push_back(std::move(message));
}

std::optional<Message> ReassemblyQueue::receive(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second.ready.empty()) return std::nullopt;
  Message message = found->second.ready.pop_front();
  held_ -= message.payload.size() + overhead;
  return message;
}

std::optional<StreamId> ReassemblyQueue::poll_ready() {
  while (!newly_ready_.empty()) {
    const StreamId id = newly_ready_.pop_front();
    const auto found = streams_.find(id);
    if (found == streams_.end()) continue;
    found->second.announced = false;
    if (!found->second.ready.empty()) return id;
  }
  return std::nullopt;
}

void ReassemblyQueue::forward(Tsn cumulative, std::span<const Skip> skips) {
  for (auto run = runs_.begin(); run != runs_.end() && run->first <= cumulative;) {
    const bool may_complete = run->second.begin && run->second.last > cumulative;
    run = may_complete ? std::next(run) : drop(run);
  }
  for (const Skip& skip : skips) {
    Stream& stream = streams_[skip.stream];
    if (skip.ssn - stream.next < 0) continue;
    while (!stream.waiting.empty() && stream.waiting.begin()->first <= skip.ssn) {
      auto node = stream.waiting.extract(stream.waiting.begin());
      held_ -= node.mapped().payload.size() + overhead;
      make_ready(skip.stream, stream, std::move(node.mapped()));
    }
    stream.next = skip.ssn + static_cast<Ssn::Value>(1);
    release_waiting(skip.stream, stream);
  }
}

void ReassemblyQueue::reset(std::span<const StreamId> streams) {
  const auto reset_one = [this](Stream& stream) {
    for (const auto& [ssn, message] : stream.waiting) held_ -= message.payload.size() + overhead;
    stream.waiting.clear();
    stream.next = Ssn{};
    stream.messages = stream.bytes = 0;
    return stream.ready.empty();
  };
  if (streams.empty()) {
    for (auto entry = streams_.begin(); entry != streams_.end();)
      entry = reset_one(entry->second) ? streams_.erase(entry) : std::next(entry);
    return;
  }
  for (const StreamId id : streams)
    if (const auto found = streams_.find(id); found != streams_.end() && reset_one(found->second))
      streams_.erase(found);
}

void ReassemblyQueue::add_statistics(StreamId id, StreamStatistics& out) const {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  out.messages_received += found->second.messages;
  out.bytes_received += found->second.bytes;
}

}  // namespace linnet::sctp
