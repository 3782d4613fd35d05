#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace linnet::mdns {

/// The events of one machine that wait to be polled, at most `max`; the oldest go first when there are more.
template <class Event>
class EventQueue {
 public:
  explicit EventQueue(std::size_t max) : max_(max) {}

  void push(Event event) {
    if (events_.size() >= max_) events_.pop_front();
    events_.push_back(std::move(event));
  }
  [[nodiscard]] std::optional<Event> poll() {
    if (events_.empty()) return std::nullopt;
    std::optional<Event> event{std::move(events_.front())};
    events_.pop_front();
    return event;
  }
  void clear() { events_.clear(); }

 private:
  std::size_t max_;
  std::deque<Event> events_;
};

}  // namespace linnet::mdns
