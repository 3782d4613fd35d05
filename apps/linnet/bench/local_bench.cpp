#include <unistd.h>

#include <boost/asio/this_coro.hpp>
#include <iostream>
#include <utility>

#include "bench/answerer.hpp"
#include "bench/bench.hpp"
#include "bench/driver.hpp"
#include "bench/other_process.hpp"
#include "bench/report.hpp"
#include "bench/socket_link.hpp"
#include "bench/workloads.hpp"

namespace linnet::app::bench {
namespace {

using boost::asio::awaitable;

/// Two processes of one machine: nothing but 127.0.0.1.
Tuning local_tuning(Tuning tuning) {
  tuning.ice_loopback_candidates = true;
  tuning.ice_loopback_only = true;
  tuning.use_ipv6 = false;
  return tuning;
}

}  // namespace

awaitable<ExitCode> run_other_end(Tuning tuning) {
  const auto executor = co_await boost::asio::this_coro::executor;
  SocketLink link{executor, STDIN_FILENO};
  Answerer answerer{executor, link, Configuration(), local_tuning(std::move(tuning))};
  link.start();
  const bool done = co_await answerer.run();
  co_return done ? ExitCode::Done : ExitCode::NoPath;
}

awaitable<ExitCode> run_local(MeetingOptions meeting, BenchOptions options, Output& output) {
  const auto executor = co_await boost::asio::this_coro::executor;
  OtherProcess other{meeting.tuned};
  SocketLink link{executor, other.take_socket()};
  Driver driver{executor, link, Configuration(), local_tuning(std::move(meeting.tuning))};
  Report report{output};
  link.start();
  co_await driver.run(measure(driver, report, options, Workload::ManyChannels));
  co_await driver.finish();
  output.progress({});
  if (const auto& failure = driver.trace_failure()) output.incomplete_trace(failure->message);
  if (options.json) std::cout << report.json() << std::endl;
  co_return ExitCode::Done;
}

}  // namespace linnet::app::bench
