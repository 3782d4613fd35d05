#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

#include "linnet/peer_connection.hpp"

namespace linnet::testing {

/// Wires two connections on one executor as perfect negotiation would, without a network between: `a` offers.
class Pair {
 public:
  explicit Pair(const Executor& executor, const Tuning& tuning = {}, const Configuration& configuration_a = {},
                const Configuration& configuration_b = {})
      : Pair(executor, tuning, tuning, configuration_a, configuration_b) {}
  Pair(const Executor& executor, const Tuning& tuning_a, const Tuning& tuning_b,
       const Configuration& configuration_a = {}, const Configuration& configuration_b = {})
      : a(std::make_unique<PeerConnection>(executor, configuration_a, tuning_a)),
        b(std::make_unique<PeerConnection>(executor, configuration_b, tuning_b)) {
    a->on_ice_candidate = [this](const IceCandidateEvent& e) { pass(e, b); };
    b->on_ice_candidate = [this](const IceCandidateEvent& e) { pass(e, a); };
    a->on_negotiation_needed = [this]() -> boost::asio::awaitable<void> { co_await negotiate(); };
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  std::unique_ptr<PeerConnection> a;
  std::unique_ptr<PeerConnection> b;

 private:
  static void pass(const IceCandidateEvent& e, const std::unique_ptr<PeerConnection>& to) {
    if (!to || !e.candidate) return;
    to->add_ice_candidate(*e.candidate, [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
  }
  boost::asio::awaitable<void> negotiate() {
    co_await a->set_local_description();
    const auto offer = *a->local_description();
    co_await b->set_remote_description(offer);
    co_await b->set_local_description();
    const auto answer = *b->local_description();
    co_await a->set_remote_description(answer);
  }
};

/// Runs a coroutine on `context` to its end; throws what it throws, and when it is not done in time.
inline void run(boost::asio::io_context& context, boost::asio::awaitable<void> coroutine,
                std::chrono::seconds limit = std::chrono::seconds{30}) {
  std::optional<std::exception_ptr> ended;
  boost::asio::co_spawn(context, std::move(coroutine), [&](std::exception_ptr error) { ended = error; });
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!ended && std::chrono::steady_clock::now() < deadline) {
    if (context.stopped()) context.restart();
    context.run_one_until(deadline);
  }
  if (!ended) throw std::runtime_error{"the coroutine did not end in time"};
  if (*ended) std::rethrow_exception(*ended);
}

}  // namespace linnet::testing
