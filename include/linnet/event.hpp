#pragma once

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "linnet/detail/completion.hpp"

namespace linnet {

/// Keeps a handler of `Event::add` attached: destroying or resetting it takes the handler away.
class Subscription {
 public:
  Subscription() = default;
  explicit Subscription(std::move_only_function<void()> undo) : undo_(std::move(undo)) {}
  Subscription(Subscription&& other) noexcept : undo_(std::exchange(other.undo_, nullptr)) {}
  Subscription& operator=(Subscription&& other) noexcept {
    if (this != &other) {
      reset();
      undo_ = std::exchange(other.undo_, nullptr);
    }
    return *this;
  }
  ~Subscription() { reset(); }

  void reset() {
    if (auto undo = std::exchange(undo_, nullptr)) undo();
  }
  /// Leaves the handler attached for as long as the event lives.
  void release() noexcept { undo_ = nullptr; }

 private:
  std::move_only_function<void()> undo_;
};

namespace detail {

template <class T>
inline constexpr bool is_awaitable = false;
template <class T, class E>
inline constexpr bool is_awaitable<asio::awaitable<T, E>> = true;

/// Whoever fires events: one object with any number of them, which therefore keep no more than a pointer to it. Lives
/// at least as long as they do.
class EventOwner {
 public:
  [[nodiscard]] virtual const Executor& executor() const noexcept = 0;
  /// Somebody listens to one of the events now; for owners that hold things back until then.
  virtual void listened() {}
  /// Somebody attaches a handler or takes it away; for owners that assert, in debug builds, that no other thread is
  /// inside of them.
  virtual void check_thread() const {}

 protected:
  EventOwner() = default;
  EventOwner(const EventOwner&) = default;
  EventOwner& operator=(const EventOwner&) = default;
  ~EventOwner() = default;
};

/// The listeners of one event. Part of the connection or channel that fires it; the public `Event` is a handle to it.
/// Lives on one executor; never calls a listener inside a call of a listener's owner. Small while nobody listens: most
/// of a channel's events have no listener ever.
template <class... Args>
class EventState {
 public:
  using Handler = std::move_only_function<void(const Args&...)>;

  explicit EventState(EventOwner& owner) noexcept : owner_(&owner) {}
  EventState(const EventState&) = delete;
  EventState& operator=(const EventState&) = delete;

  [[nodiscard]] const Executor& executor() const noexcept { return owner_->executor(); }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] bool has_listeners() const noexcept { return listeners_ && listeners_->any(); }

  void assign(std::shared_ptr<Handler> handler) {
    owner_->check_thread();
    if (closed_ || (!handler && !listeners_)) return;
    const bool some = handler != nullptr;
    listeners().main = std::move(handler);
    if (some) owner_->listened();
  }
  std::uint64_t add(std::shared_ptr<Handler> handler) {
    owner_->check_thread();
    if (closed_) return 0;
    const std::uint64_t id = ++listeners().last_id;
    listeners_->added.push_back({id, std::move(handler)});
    owner_->listened();
    return id;
  }
  void remove(std::uint64_t id) {
    owner_->check_thread();
    if (!listeners_) return;
    for (Added& a : listeners_->added)
      if (a.id == id) a.handler = nullptr;
    if (listeners_->depth == 0) listeners_->compact();
  }

  std::uint64_t wait(Completion<Args...> completion) {
    if (closed_) {
      asio::post(executor(),
                 [completion = std::move(completion)]() mutable { completion(closed_exception(), Args{}...); });
      return 0;
    }
    const std::uint64_t id = ++listeners().last_id;
    listeners_->waiters.push_back({id, std::move(completion)});
    owner_->listened();
    return id;
  }
  void cancel(std::uint64_t id) {
    if (!listeners_) return;
    const auto found = std::ranges::find(listeners_->waiters, id, &Waiter::id);
    if (found == listeners_->waiters.end()) return;
    auto completion = std::move(found->completion);
    listeners_->waiters.erase(found);
    asio::post(executor(), [completion = std::move(completion)]() mutable {
      completion(std::make_exception_ptr(boost::system::system_error{asio::error::operation_aborted}), Args{}...);
    });
  }

  /// Calls everybody who listens now; on the executor, with nothing of the library locked or half-done.
  void emit(const Args&... args) {
    if (closed_ || !listeners_) return;
    const auto to = listeners_;  // A handler may destroy this event.
    struct Depth {
      Listeners& listeners;
      explicit Depth(Listeners& l) : listeners(l) { ++listeners.depth; }
      Depth(const Depth&) = delete;
      Depth& operator=(const Depth&) = delete;
      ~Depth() {
        if (--listeners.depth == 0) listeners.compact();
      }
    } depth{*to};
    const std::size_t count = to->added.size();
    const std::uint64_t last = to->last_id;
    while (!to->waiters.empty() && to->waiters.front().id <= last) {
      auto completion = std::move(to->waiters.front().completion);
      to->waiters.erase(to->waiters.begin());
      completion(nullptr, args...);
    }
    if (const auto main = to->main) (*main)(args...);
    for (std::size_t i = 0; i < count && i < to->added.size(); ++i)
      if (const auto handler = to->added[i].handler) (*handler)(args...);
  }

  /// It does not happen again: handlers go, and with them what they hold. Who waits does so until `close`.
  void drop_handlers() {
    if (!listeners_) return;
    listeners_->main = nullptr;
    for (Added& a : listeners_->added) a.handler = nullptr;
    if (listeners_->depth == 0) listeners_->compact();
    if (listeners_->last_id == 0) listeners_ = nullptr;  // Otherwise somebody may still have an identifier.
  }

  /// Drops every handler and ends every wait: nothing is called any more.
  void close() {
    if (closed_) return;
    closed_ = true;
    const auto gone = std::exchange(listeners_, nullptr);
    if (!gone) return;
    gone->main = nullptr;
    for (Added& a : gone->added) a.handler = nullptr;
    for (Waiter& waiter : std::exchange(gone->waiters, {}))
      asio::post(executor(),
                 [completion = std::move(waiter.completion)]() mutable { completion(closed_exception(), Args{}...); });
  }

 private:
  struct Added {
    std::uint64_t id;
    std::shared_ptr<Handler> handler;
  };
  struct Waiter {
    std::uint64_t id;
    Completion<Args...> completion;
  };
  struct Listeners {
    std::shared_ptr<Handler> main;
    std::vector<Added> added;
    std::vector<Waiter> waiters;
    std::uint64_t last_id = 0;
    std::size_t depth = 0;

    [[nodiscard]] bool any() const noexcept {
      return main || !waiters.empty() ||
             std::ranges::any_of(added, [](const Added& a) { return a.handler != nullptr; });
    }
    void compact() {
      std::erase_if(added, [](const Added& a) { return a.handler == nullptr; });
    }
  };

  Listeners& listeners() {
    if (!listeners_) listeners_ = std::make_shared<Listeners>();
    return *listeners_;
  }

  EventOwner* owner_;
  std::shared_ptr<Listeners> listeners_;  // made for the first one
  bool closed_ = false;
};

/// An event of its own, for who has few of them.
template <class... Args>
[[nodiscard]] std::shared_ptr<EventState<Args...>> make_event(Executor executor) {
  struct Single final : EventOwner {
    explicit Single(Executor e) : executor_(std::move(e)), state(*this) {}
    [[nodiscard]] const Executor& executor() const noexcept override { return executor_; }
    Executor executor_;
    EventState<Args...> state;
  };
  const auto single = std::make_shared<Single>(std::move(executor));
  return {single, &single->state};
}

}  // namespace detail

/// One event of a connection or channel: a W3C "onxyz" attribute, addEventListener and an awaitable in one.
///
///     pc.on_data_channel = [](const DataChannelEvent& e) { ... };        // one main handler; nullptr takes it away
///     Subscription s = pc.on_data_channel.add([](auto& e) { ... });      // any number more
///     DataChannelEvent e = co_await pc.on_data_channel.next();           // the next one that happens
///
/// A handler takes the event's arguments or nothing. It may return void or `boost::asio::awaitable<void>`: such a
/// coroutine is spawned on the connection's executor. Handlers run only on that executor, never inside one of your
/// calls and never after close() returned, and may call anything, also replace themselves or destroy the connection.
/// What a handler throws leaves through the executor's `run()`, as with Asio; the connection goes on when run again.
/// (A coroutine handler that ends with InvalidStateError because its connection was closed meanwhile throws nothing.)
///
/// The object is a handle: copies are the same event. Assigning, adding and removing belong on the executor.
template <class... Args>
class Event {
  static_assert((std::same_as<Args, std::remove_cvref_t<Args>> && ...), "name the plain types: Event<PeerEvent>");

 public:
  using Handler = std::move_only_function<void(const Args&...)>;

  /// An event that never happens (of an empty handle).
  Event() = default;
  /// For who fires it: keep the state and call `state->emit(...)` on the executor, `state->close()` at the end.
  explicit Event(std::shared_ptr<detail::EventState<Args...>> state) : state_(std::move(state)) {}

  template <class F>
    requires(std::invocable<std::decay_t<F>&, const Args&...> || std::invocable<std::decay_t<F>&>)
  const Event& operator=(F&& handler) const {
    if (state_) state_->assign(adapt(std::forward<F>(handler)));
    return *this;
  }
  const Event& operator=(std::nullptr_t) const {
    if (state_) state_->assign(nullptr);
    return *this;
  }

  template <class F>
    requires(std::invocable<std::decay_t<F>&, const Args&...> || std::invocable<std::decay_t<F>&>)
  [[nodiscard]] Subscription add(F&& handler) const {
    if (!state_) return {};
    const std::uint64_t id = state_->add(adapt(std::forward<F>(handler)));
    return Subscription{[weak = std::weak_ptr{state_}, id] {
      if (const auto state = weak.lock()) state->remove(id);
    }};
  }

  /// Completes with the arguments of the next event; with InvalidStateError when the connection or channel closes.
  /// Signature: `void(std::exception_ptr, Args...)`. Can be cancelled (so `a.next() || timer.async_wait()` works).
  template <class Token = boost::asio::use_awaitable_t<>>
  auto next(Token&& token = {}) const {
    return boost::asio::async_initiate<Token, void(std::exception_ptr, Args...)>(
        [](auto handler, std::shared_ptr<detail::EventState<Args...>> state) { start(std::move(handler), state); },
        token, state_);
  }

 private:
  struct Rethrow {
    std::weak_ptr<detail::EventState<Args...>> state;
    void operator()(std::exception_ptr error) const {
      if (!error) return;
      try {
        std::rethrow_exception(error);
      } catch (const Exception& e) {
        const auto alive = state.lock();
        if (e.name() == ErrorName::InvalidStateError && (!alive || alive->closed())) return;
        throw;
      }
    }
  };

  template <class F>
  static boost::asio::awaitable<void> run(std::shared_ptr<F> handler, Args... args) {
    if constexpr (std::invocable<F&, const Args&...>)
      co_await (*handler)(args...);
    else
      co_await (*handler)();
  }

  template <class F>
  std::shared_ptr<Handler> adapt(F&& handler) const {
    using D = std::decay_t<F>;
    constexpr bool takes_args = std::invocable<D&, const Args&...>;
    using R =
        typename std::conditional_t<takes_args, std::invoke_result<D&, const Args&...>, std::invoke_result<D&>>::type;
    if constexpr (detail::is_awaitable<R>) {
      return std::make_shared<Handler>([kept = std::make_shared<D>(std::forward<F>(handler)),
                                        executor = state_->executor(),
                                        weak = std::weak_ptr{state_}](const Args&... args) {
        boost::asio::co_spawn(executor, run(kept, args...), Rethrow{weak});
      });
    } else if constexpr (takes_args) {
      return std::make_shared<Handler>(std::forward<F>(handler));
    } else {
      return std::make_shared<Handler>([kept = std::forward<F>(handler)](const Args&...) mutable { kept(); });
    }
  }

  template <class H>
  static void start(H handler, std::shared_ptr<detail::EventState<Args...>> state) {
    namespace asio = boost::asio;
    if (!state) {  // An empty handle has no executor of its own.
      auto executor = asio::get_associated_executor(handler);
      asio::post(executor,
                 [handler = std::move(handler)]() mutable { handler(detail::closed_exception(), Args{}...); });
      return;
    }
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto completion = detail::make_completion<Args...>(std::move(handler), state->executor());
    const auto id = std::make_shared<std::uint64_t>(0);
    if (slot.is_connected()) {
      slot.assign([weak = std::weak_ptr{state}, id](asio::cancellation_type type) {
        const auto alive = weak.lock();
        if (type == asio::cancellation_type::none || !alive) return;
        asio::dispatch(alive->executor(), [alive, id] { alive->cancel(*id); });
      });
    }
    asio::dispatch(state->executor(), [state, id, completion = std::move(completion)]() mutable {
      *id = state->wait(std::move(completion));
    });
  }

  std::shared_ptr<detail::EventState<Args...>> state_;
};

}  // namespace linnet
