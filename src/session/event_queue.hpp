#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "linnet/core/session.hpp"

namespace linnet::session {

/// What the session has to tell its owner, in order. Every part of the session writes into the one queue, so that
/// events keep the order of what happened. Bounded by what causes events: states, candidates and channels, each of
/// which has a limit of its own and tells a thing once until it was taken.
class EventQueue {
 public:
  template <class E>
  void push(E event) {
    if constexpr (std::is_trivially_copyable_v<E> && std::is_constructible_v<Entry, E>)
      events_.emplace_back(event);
    else
      events_.emplace_back(std::make_unique<Session::Event>(std::move(event)));
  }
  [[nodiscard]] std::optional<Session::Event> pop() {
    if (events_.empty()) return std::nullopt;
    std::optional<Session::Event> event;
    std::visit(
        [&event](auto& e) {
          if constexpr (std::is_same_v<std::remove_cvref_t<decltype(e)>, Large>)
            event.emplace(std::move(*e));
          else
            event.emplace(e);
        },
        events_.front());
    events_.pop_front();
    return event;
  }
  /// Forgets all but the sockets and streams that the owner has to close: nothing else will tell of them again.
  void clear_but_close_sockets() {
    std::erase_if(events_, [](const Entry& e) {
      const auto* large = std::get_if<Large>(&e);
      return large == nullptr || !(std::holds_alternative<Session::CloseSocket>(**large) ||
                                   std::holds_alternative<Session::Disconnect>(**large));
    });
  }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }

 private:
  using Large = std::unique_ptr<Session::Event>;
  /// What there may be tens of thousands of takes no more than it needs.
  using Entry = std::variant<Large, Session::DataChannelAnnounced, Session::ChannelOpen, Session::ChannelMessageReady,
                             Session::ChannelBufferedAmountLow, Session::ChannelWritable, Session::ChannelClosing,
                             Session::ChannelClosed>;
  static_assert(sizeof(Entry) == 2 * sizeof(Large));

  std::deque<Entry> events_;
};

}  // namespace linnet::session
