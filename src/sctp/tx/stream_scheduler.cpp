#include "sctp/tx/stream_scheduler.hpp"

#include <algorithm>
#include <cassert>

namespace linnet::sctp {

void StreamScheduler::wake(VirtualTime& from) const noexcept { from = std::max(from, now_); }

void StreamScheduler::push(StreamId stream, VirtualTime from, std::size_t size, std::uint16_t weight) {
  push({.end = from + cost(size, weight), .order = next_order_++, .stream = stream});
}

void StreamScheduler::push(const Entry& entry) {
  entries_.push_back(entry);
  std::ranges::push_heap(entries_, Later{});
}

void StreamScheduler::serve(VirtualTime& from, std::size_t size, std::uint16_t weight) {
  now_ = std::max(now_, from);
  from += cost(size, weight);
  pop();
}

void StreamScheduler::pop() {
  assert(!entries_.empty());
  std::ranges::pop_heap(entries_, Later{});
  entries_.pop_back();
  constexpr std::size_t max_idle = 1'024;
  if (entries_.empty() && entries_.capacity() > max_idle) entries_ = std::vector<Entry>{};
}

void StreamScheduler::remove(StreamId stream) {
  const auto found = std::ranges::find(entries_, stream, &Entry::stream);
  if (found == entries_.end()) return;
  *found = entries_.back();
  entries_.pop_back();
  std::ranges::make_heap(entries_, Later{});
}

void StreamScheduler::clear() noexcept { entries_ = std::vector<Entry>{}; }

}  // namespace linnet::sctp
