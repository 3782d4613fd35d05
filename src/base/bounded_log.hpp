#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace linnet {

/// What machines leave for their owner to read, oldest first; full, it takes no more and counts. Owned by the session,
/// which lends it to the machines below for as long as they live.
template <class Entry>
class BoundedLog {
 public:
  explicit BoundedLog(std::size_t limit) noexcept : limit_(limit) {}
  BoundedLog(const BoundedLog&) = delete;
  BoundedLog& operator=(const BoundedLog&) = delete;

  void add(Entry entry) {
    if (entries_.size() < limit_)
      entries_.push_back(std::move(entry));
    else
      ++dropped_;
  }
  [[nodiscard]] std::optional<Entry> poll() {
    if (entries_.empty()) return std::nullopt;
    std::optional<Entry> entry{std::move(entries_.front())};
    entries_.pop_front();
    return entry;
  }
  /// How many were dropped since this was asked last.
  [[nodiscard]] std::uint64_t take_dropped() noexcept { return std::exchange(dropped_, 0); }

 private:
  std::size_t limit_;
  std::deque<Entry> entries_;
  std::uint64_t dropped_ = 0;
};

}  // namespace linnet
