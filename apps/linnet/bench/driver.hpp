#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <string_view>

#include "bench/end.hpp"
#include "bench/gate.hpp"

namespace linnet::app::bench {

/// What both processes have used so far.
struct Cost {
  double cpu = 0;  ///< Seconds, of this process.
  double other_cpu = 0;
  std::size_t private_kb = 0;
  std::size_t other_private_kb = 0;

  [[nodiscard]] double both_cpu() const { return cpu + other_cpu; }
};

/// The side that decides what is measured: makes connections to the answerer and asks it for its part. Owned by a
/// command; the workloads use it, one at a time.
class Driver {
 public:
  Driver(Executor executor, Link& link, Configuration configuration, Tuning tuning);
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  [[nodiscard]] const Executor& executor() const noexcept { return end_.executor(); }

  /// A connection with `channels` channels of this label, all open. It stays until it is closed. Throws Exception.
  [[nodiscard]] boost::asio::awaitable<Connection*> connect(std::string_view label, std::size_t channels = 1);
  /// Begins one; its first channel is on its way.
  [[nodiscard]] Connection& start(std::string_view label);
  /// Closes it on both sides.
  [[nodiscard]] boost::asio::awaitable<void> close(Connection::Id id);
  [[nodiscard]] boost::asio::awaitable<void> close_all();

  [[nodiscard]] boost::asio::awaitable<Cost> cost(bool trim = false);

  void tell(std::string_view what, boost::json::object request);
  /// The answer to the oldest unanswered request. Throws Exception when the other end is gone or silent.
  [[nodiscard]] boost::asio::awaitable<boost::json::object> answer(
      std::chrono::duration<double> limit = std::chrono::seconds{60});
  /// Both.
  [[nodiscard]] boost::asio::awaitable<boost::json::object> ask(std::string_view what, boost::json::object request);

  /// Runs a measurement of this driver; throws Exception when the other end goes away meanwhile.
  [[nodiscard]] boost::asio::awaitable<void> run(boost::asio::awaitable<void> measurement);
  /// Tells the other end that this was all, and waits until it has gone.
  [[nodiscard]] boost::asio::awaitable<void> finish();

  /// Why the trace lacks something; asked when it is over.
  [[nodiscard]] const std::optional<Error>& trace_failure() const noexcept { return end_.trace_failure(); }

 private:
  std::deque<boost::json::object> answers_;
  boost::asio::steady_timer news_;
  Gate gone_;
  // The last member: its connections close, and call nothing any more, before the rest goes.
  End end_;
};

}  // namespace linnet::app::bench
