#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "linnet/core/session.hpp"

namespace linnet::session {

/// What the session has to tell its owner, in order. Every part of the session writes into the one queue, so that
/// events keep the order of what happened. Bounded by what causes events: states, candidates and channels, each of
/// which has a limit of its own and tells a thing once until it was taken.
class EventQueue {
 public:
  void push(Session::Event event) { events_.push_back(std::move(event)); }
  [[nodiscard]] std::optional<Session::Event> pop() {
    if (events_.empty()) return std::nullopt;
    std::optional<Session::Event> event{std::move(events_.front())};
    events_.pop_front();
    return event;
  }
  /// Forgets all but the sockets that the owner has to close: nothing else will tell of them again.
  void clear_but_close_sockets() {
    std::erase_if(events_, [](const Session::Event& e) { return !std::holds_alternative<Session::CloseSocket>(e); });
  }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }

 private:
  std::deque<Session::Event> events_;
};

}  // namespace linnet::session
