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

/// The listeners of one event. Owned by the connection or channel that fires it; the public `Event` is a handle to
/// it. Lives on one executor; never calls a listener inside a call of a listener's owner.
template <class... Args>
class EventState : public std::enable_shared_from_this<EventState<Args...>> {
 public:
  using Handler = std::move_only_function<void(const Args&...)>;

  explicit EventState(Executor executor) : executor_(std::move(executor)) {}

  [[nodiscard]] const Executor& executor() const noexcept { return executor_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] bool has_listeners() const noexcept {
    return main_ || !waiters_.empty() ||
           std::ranges::any_of(added_, [](const Added& a) { return a.handler != nullptr; });
  }
  /// Called when a listener is attached; for owners that hold things back until somebody listens.
  void on_listen(std::move_only_function<void()> hook) { listen_ = std::move(hook); }

  void assign(std::shared_ptr<Handler> handler) {
    if (closed_) return;
    main_ = std::move(handler);
    if (main_) listened();
  }
  std::uint64_t add(std::shared_ptr<Handler> handler) {
    if (closed_) return 0;
    added_.push_back({++last_id_, std::move(handler)});
    listened();
    return last_id_;
  }
  void remove(std::uint64_t id) {
    for (Added& a : added_)
      if (a.id == id) a.handler = nullptr;
    if (depth_ == 0) compact();
  }

  std::uint64_t wait(Completion<Args...> completion) {
    if (closed_) {
      asio::post(executor_,
                 [completion = std::move(completion)]() mutable { completion(closed_exception(), Args{}...); });
      return 0;
    }
    waiters_.push_back({++last_id_, std::move(completion)});
    listened();
    return last_id_;
  }
  void cancel(std::uint64_t id) {
    const auto found = std::ranges::find(waiters_, id, &Waiter::id);
    if (found == waiters_.end()) return;
    auto completion = std::move(found->completion);
    waiters_.erase(found);
    asio::post(executor_, [completion = std::move(completion)]() mutable {
      completion(std::make_exception_ptr(boost::system::system_error{asio::error::operation_aborted}), Args{}...);
    });
  }

  /// Calls everybody who listens now; on the executor, with nothing of the library locked or half-done.
  void emit(const Args&... args) {
    if (closed_) return;
    const auto keep = this->weak_from_this().lock();  // Or the owner keeps it alive.
    struct Depth {
      EventState& state;
      explicit Depth(EventState& s) : state(s) { ++state.depth_; }
      Depth(const Depth&) = delete;
      Depth& operator=(const Depth&) = delete;
      ~Depth() {
        if (--state.depth_ == 0) state.compact();
      }
    } depth{*this};
    const std::size_t count = added_.size();
    const std::uint64_t last = last_id_;
    while (!waiters_.empty() && waiters_.front().id <= last) {
      auto completion = std::move(waiters_.front().completion);
      waiters_.erase(waiters_.begin());
      completion(nullptr, args...);
    }
    if (const auto main = main_) (*main)(args...);
    for (std::size_t i = 0; i < count && i < added_.size(); ++i)
      if (const auto handler = added_[i].handler) (*handler)(args...);
  }

  /// Drops every handler and ends every wait: nothing is called any more.
  void close() {
    if (closed_) return;
    closed_ = true;
    main_ = nullptr;
    listen_ = nullptr;
    for (Added& a : added_) a.handler = nullptr;
    if (depth_ == 0) compact();
    for (Waiter& waiter : std::exchange(waiters_, {}))
      asio::post(executor_,
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

  void listened() {
    if (listen_) listen_();
  }
  void compact() {
    std::erase_if(added_, [](const Added& a) { return a.handler == nullptr; });
  }

  Executor executor_;
  std::shared_ptr<Handler> main_;
  std::vector<Added> added_;
  std::vector<Waiter> waiters_;  // rarely more than one, mostly none: a deque would cost every event half a kilobyte
  std::move_only_function<void()> listen_;
  std::uint64_t last_id_ = 0;
  std::size_t depth_ = 0;
  bool closed_ = false;
};

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
