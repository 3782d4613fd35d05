#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "linnet/event.hpp"
#include "linnet/exception.hpp"
#include "linnet/signaling/types.hpp"

namespace linnet::signaling {

struct NegotiatorOptions {
  /// Gives way when both offer at once. Exactly one side must be polite: see is_polite().
  bool polite = false;
  /// The newcomer to the room, or --offer. The other side holds its first offer back until it has seen one, so
  /// that two sides which both open channels at once do not collide needlessly.
  bool offers_first = true;
  std::size_t max_queue = 1024;      ///< Signals waiting to be handled.
  std::size_t max_candidates = 256;  ///< Remote candidates waiting for the remote description.
};

/// The rule of signaling/protocol.md: the greater id in byte order is polite.
[[nodiscard]] inline bool is_polite(std::string_view my_peer, std::string_view their_peer) noexcept {
  return my_peer > their_peer;
}

/// Perfect negotiation (W3C WebRTC, section 10.7) between one PeerConnection and one remote peer: makes offers when
/// needed, answers, resolves glare, and keeps descriptions and candidates in order. Owned by the application beside
/// the connection, and destroyed before it; knows no transport, just a function that carries one signal, so the same
/// object serves linnet.1 and --signal stdio:
///
///   Negotiator negotiator{pc, [&](const SignalBody& body) { client.send(peer, body); },
///                         {.polite = is_polite(client.peer(), peer)}};
///   client.on_signal = [&](const Signal& s) { negotiator.handle(s.body); };
///
/// One step runs at a time; the next waits, so the races of the W3C example's flags cannot happen.
///
/// Thread safety: belongs to the connection's executor. A handler may destroy the negotiator.
template <class Pc>
class BasicNegotiator {
 public:
  using Sink = std::move_only_function<void(const SignalBody&)>;

  BasicNegotiator(Pc& pc, Sink send, NegotiatorOptions options = {})
      : state_(std::make_shared<State>(pc, std::move(send), options)) {
    state_->listen();
  }
  BasicNegotiator(BasicNegotiator&&) noexcept = default;
  BasicNegotiator& operator=(BasicNegotiator&& other) noexcept {
    if (state_) state_->stop();
    state_ = std::move(other.state_);
    return *this;
  }
  ~BasicNegotiator() {
    if (state_) state_->stop();
  }

  /// One signal from the remote peer.
  void handle(SignalBody body) { state_->push(std::move(body)); }
  /// Restarts ICE when signals were lost, as while one side was away from the server: with an offer anew even if one
  /// waits for its answer, which may have been among them.
  void restart_ice() { state_->push(Restart{}); }
  /// Tells the remote peer that we give up this connection. Does not close `pc`.
  void close(std::string reason = {}) { state_->send(CloseSignal{.reason = std::move(reason)}); }

  /// The remote peer gave up.
  void on_remote_close(std::move_only_function<void(const std::string& reason)> f) { state_->on_close = std::move(f); }
  /// A description or candidate did not work; the negotiation goes on. Unset: such errors are dropped.
  void on_error(std::move_only_function<void(std::exception_ptr)> f) { state_->on_error = std::move(f); }

 private:
  struct Needed {};
  struct Restart {};
  using Step = std::variant<Needed, Restart, SignalBody>;

  struct State : std::enable_shared_from_this<State> {
    State(Pc& connection, Sink sink, NegotiatorOptions o) : pc(&connection), send_to(std::move(sink)), options(o) {
      may_offer = options.offers_first;
    }

    void listen() {
      const std::weak_ptr<State> weak = this->weak_from_this();
      negotiation_needed = pc->on_negotiation_needed.add([weak] {
        if (const auto self = weak.lock()) self->push(Needed{});
      });
      ice_candidate = pc->on_ice_candidate.add([weak](const auto& event) {
        const auto self = weak.lock();
        if (!self) return;
        Candidate candidate;
        if (event.candidate) candidate = static_cast<const IceCandidateInit&>(*event.candidate);
        self->local_candidate(std::move(candidate));
      });
    }

    void stop() {
      pc = nullptr;
      negotiation_needed.reset();
      ice_candidate.reset();
      steps.clear();
      waiting.clear();
      held.clear();
    }

    void send(const SignalBody& body) {
      if (pc) send_to(body);
    }

    void report(std::exception_ptr error) {
      if (pc && on_error) on_error(std::move(error));
    }

    void push(Step step) {
      if (!pc) return;
      if (steps.size() >= options.max_queue) {
        return report(detail::exception_of({.name = ErrorName::OperationError,
                                            .message = "the remote peer sends signals faster than they are handled"}));
      }
      steps.push_back(std::move(step));
      if (std::exchange(running, true)) return;
      // What a handler of the application throws leaves through the executor, as with every event.
      boost::asio::co_spawn(pc->get_executor(), run(this->shared_from_this()), [](std::exception_ptr error) {
        if (error) std::rethrow_exception(error);
      });
    }

    static boost::asio::awaitable<void> run(std::shared_ptr<State> self) {
      while (self->pc && !self->steps.empty()) {
        Step step = std::move(self->steps.front());
        self->steps.pop_front();
        std::exception_ptr error;
        try {
          co_await self->handle_step(std::move(step));
        } catch (const Exception&) {
          error = std::current_exception();
        } catch (...) {
          self->running = false;
          throw;
        }
        self->local_description_pending = false;
        if (error) self->report(error);
      }
      self->running = false;
    }

    boost::asio::awaitable<void> handle_step(Step step) {
      if (std::holds_alternative<Needed>(step)) {
        co_await offer();
        co_return;
      }
      if (std::holds_alternative<Restart>(step)) {
        co_await restart();
        co_return;
      }
      SignalBody& body = std::get<SignalBody>(step);
      if (auto* description = std::get_if<SessionDescription>(&body)) {
        co_await remote_description(std::move(*description));
      } else if (auto* candidate = std::get_if<Candidate>(&body)) {
        co_await remote_candidate(std::move(*candidate));
      } else if (auto* list = std::get_if<std::vector<Candidate>>(&body)) {
        for (Candidate& each : *list) {
          if (pc) co_await remote_candidate(std::move(each));
        }
      } else if (auto* closed = std::get_if<CloseSignal>(&body)) {
        if (on_close) on_close(closed->reason);
      }
    }

    /// Applies and sends the offer or answer that the state calls for; the candidates found meanwhile follow it.
    boost::asio::awaitable<void> describe() {
      local_description_pending = true;
      co_await pc->set_local_description();
      if (!pc) co_return;
      const std::optional<SessionDescription> local = pc->local_description();
      if (local) send(*local);
      local_description_pending = false;
      for (Candidate& candidate : std::exchange(held, {})) send_candidate(std::move(candidate));
    }

    boost::asio::awaitable<void> offer() {
      // Not stable: the event comes again once it is (W3C "update the negotiation-needed flag").
      if (!may_offer || pc->signaling_state() != SignalingState::Stable) co_return;
      co_await describe();
    }

    boost::asio::awaitable<void> restart() {
      if (pc->signaling_state() == SignalingState::HaveLocalOffer) {
        SessionDescription rollback;
        rollback.type = SdpType::Rollback;
        co_await pc->set_local_description(std::move(rollback));
      }
      if (pc) pc->restart_ice();
    }

    boost::asio::awaitable<void> remote_description(SessionDescription description) {
      const bool is_offer = description.type == SdpType::Offer;
      // A second offer while the first was not answered, because an answer failed, is none.
      const SignalingState state = pc->signaling_state();
      const bool collision = is_offer && state != SignalingState::Stable && state != SignalingState::HaveRemoteOffer;
      ignoring = collision && !options.polite;
      if (ignoring) co_return;
      may_offer = true;
      co_await pc->set_remote_description(std::move(description));  // Rolls our own offer back if there is one.
      if (!pc) co_return;
      if (is_offer) co_await describe();
      for (Candidate& candidate : std::exchange(waiting, {})) {
        if (pc) co_await add(std::move(candidate));
      }
    }

    boost::asio::awaitable<void> remote_candidate(Candidate candidate) {
      if (pc->remote_description()) {
        co_await add(std::move(candidate));
        co_return;
      }
      if (ignoring) co_return;  // Of the offer that was ignored: they would never fit.
      if (waiting.size() >= options.max_candidates) {
        report(detail::exception_of(
            {.name = ErrorName::OperationError, .message = "too many candidates before a remote description"}));
        co_return;
      }
      waiting.push_back(std::move(candidate));
    }

    boost::asio::awaitable<void> add(Candidate candidate) {
      std::exception_ptr error;
      try {
        co_await pc->add_ice_candidate(std::move(candidate));
      } catch (const Exception&) {
        error = std::current_exception();
      }
      // Candidates of an offer that was ignored are expected not to fit.
      if (error && !ignoring) report(error);
    }

    void local_candidate(Candidate candidate) {
      if (!local_description_pending) return send_candidate(std::move(candidate));
      if (held.size() < options.max_candidates) held.push_back(std::move(candidate));
    }

    /// One found for an offer that was rolled back since fits nothing that the remote peer has.
    void send_candidate(Candidate candidate) {
      if (!pc) return;
      if (candidate && candidate->username_fragment && !candidate->username_fragment->empty()) {
        const std::optional<SessionDescription> local = pc->local_description();
        const std::string line = "a=ice-ufrag:" + *candidate->username_fragment + "\r\n";
        if (!local || local->sdp.find(line) == std::string::npos) return;
      }
      send(SignalBody{std::move(candidate)});
    }

    Pc* pc;  // Null once stopped.
    Sink send_to;
    NegotiatorOptions options;
    std::move_only_function<void(const std::string&)> on_close;
    std::move_only_function<void(std::exception_ptr)> on_error;
    Subscription negotiation_needed;
    Subscription ice_candidate;
    std::deque<Step> steps;
    std::vector<Candidate> waiting;  // Remote ones, until the remote description is set.
    std::vector<Candidate> held;     // Local ones, until the local description has been sent.
    bool running = false;
    bool may_offer = true;
    bool ignoring = false;
    bool local_description_pending = false;
  };

  std::shared_ptr<State> state_;
};

}  // namespace linnet::signaling
