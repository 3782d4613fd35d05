#pragma once

#include <boost/asio/awaitable.hpp>

#include "bench/bench_options.hpp"
#include "bench/driver.hpp"
#include "bench/report.hpp"

namespace linnet::app::bench {

// Each measures one workload against an answerer, and reports it. Throws Exception when the other end fails.

[[nodiscard]] boost::asio::awaitable<void> measure_throughput(Driver& driver, Report& report,
                                                              const BenchOptions& options);
[[nodiscard]] boost::asio::awaitable<void> measure_round_trip(Driver& driver, Report& report,
                                                              const BenchOptions& options);
[[nodiscard]] boost::asio::awaitable<void> measure_set_up(Driver& driver, Report& report, const BenchOptions& options);
[[nodiscard]] boost::asio::awaitable<void> measure_idle_memory(Driver& driver, Report& report,
                                                               const BenchOptions& options);
[[nodiscard]] boost::asio::awaitable<void> measure_many_channels(Driver& driver, Report& report,
                                                                 const BenchOptions& options);
/// All that the options ask for, of those up to `last`.
[[nodiscard]] boost::asio::awaitable<void> measure(Driver& driver, Report& report, const BenchOptions& options,
                                                   Workload last);

}  // namespace linnet::app::bench
