#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "bench/process_cost.hpp"
#include "bench/workloads.hpp"
#include "file_limit.hpp"

namespace linnet::app::bench {
namespace {

constexpr std::size_t other_files = 50;
// What a connection needed only to come up is given back by then.
constexpr std::chrono::seconds rest{2};

double growth(std::size_t before, std::size_t after, std::size_t count) {
  return after <= before ? 0 : static_cast<double>(after - before) / static_cast<double>(count);
}

}  // namespace

boost::asio::awaitable<void> measure_idle_memory(Driver& driver, Report& report, const BenchOptions& options) {
  report.heading("W4  Memory of an idle connection with one open channel");
  const auto files = raise_file_limit();
  const auto possible = files > 2 * other_files ? files - other_files : other_files;
  const auto count = std::min(options.connections, possible);
  const auto before = co_await driver.cost(true);
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 10 == 0) report.now("W4 connection " + std::to_string(i + 1) + " of " + std::to_string(count));
    co_await driver.connect("idle");
  }
  boost::asio::steady_timer timer{driver.executor()};
  timer.expires_after(rest);
  co_await timer.async_wait(boost::asio::use_awaitable);
  const auto after = co_await driver.cost();
  co_await driver.close_all();
  const auto here = growth(before.private_kb, after.private_kb, count);
  const auto there = growth(before.other_private_kb, after.other_private_kb, count);
  report.value("kb_per_connection", here);
  report.value("kb_per_connection_answerer", there);
  report.value("idle_connections", static_cast<double>(count));
  report.row(in_words(static_cast<double>(count)) + " of them, one end each",
             in_words(here, 1) + " KB offering, " + in_words(there, 1) + " KB answering");
}

}  // namespace linnet::app::bench
