#include <chrono>
#include <string>

#include "bench/samples.hpp"
#include "bench/workloads.hpp"

namespace linnet::app::bench {

boost::asio::awaitable<void> measure_set_up(Driver& driver, Report& report, const BenchOptions& options) {
  using Clock = std::chrono::steady_clock;
  report.heading("W3  Set-up, from a new connection to an open channel");
  Samples found;
  const auto before = co_await driver.cost();
  for (std::size_t i = 0; i < options.setups; ++i) {
    if (i % 10 == 0) report.now("W3 connection " + std::to_string(i + 1) + " of " + std::to_string(options.setups));
    const auto start = Clock::now();
    auto& connection = driver.start("idle");
    co_await connection.channels.front().on_open.next();
    found.add(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    co_await driver.close(connection.id);
  }
  const auto after = co_await driver.cost();
  const auto there = co_await driver.ask("set_up", boost::json::object());
  const auto count = static_cast<double>(options.setups);
  report.value("setup_ms_p50", found.percentile(50));
  report.value("setup_ms_p90", found.percentile(90));
  report.value("setup_ms_p99", found.percentile(99));
  report.value("setup_ms_max", found.percentile(100));
  report.value("setup_ms_p50_answerer", there.at("p50").to_number<double>());
  report.value("setup_ms_p99_answerer", there.at("p99").to_number<double>());
  report.value("setup_cpu_ms", (after.both_cpu() - before.both_cpu()) * 1e3 / count);
  report.value("setup_cpu_ms_offerer", (after.cpu - before.cpu) * 1e3 / count);
  report.value("setup_cpu_ms_answerer", (after.other_cpu - before.other_cpu) * 1e3 / count);
  report.row(std::to_string(options.setups) + ", one after the other",
             "p50 " + in_words(found.percentile(50), 2) + " ms, p90 " + in_words(found.percentile(90), 2) +
                 " ms, p99 " + in_words(found.percentile(99), 2) + " ms, max " + in_words(found.percentile(100), 2) +
                 " ms");
  report.row("CPU of both sides, each", in_words((after.both_cpu() - before.both_cpu()) * 1e3 / count, 2) + " ms");
}

}  // namespace linnet::app::bench
