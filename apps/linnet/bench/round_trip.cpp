#include "bench/pings.hpp"
#include "bench/workloads.hpp"

namespace linnet::app::bench {

boost::asio::awaitable<void> measure_round_trip(Driver& driver, Report& report, const BenchOptions& options) {
  report.heading("W2  Round trip of 64 bytes");
  report.now("W2 64 bytes");
  auto* connection = co_await driver.connect("echo");
  const auto found = co_await ping(connection->channels.front(), std::chrono::duration<double>(options.seconds));
  co_await driver.close(connection->id);
  report_round_trip(report, found);
}

}  // namespace linnet::app::bench
