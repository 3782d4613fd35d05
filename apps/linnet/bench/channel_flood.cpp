#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/many_channels.hpp"
#include "bench/workloads.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr double limit_s = 120;

struct Opened {
  std::size_t opened = 0;
  std::size_t delivered = 0;
  double milliseconds = 0;
  double kb = 0;  // a channel, one end
};

/// Each side opens its half of `count` channels on one connection, at once.
asio::awaitable<Opened> open_channels(Driver& driver, std::size_t count) {
  auto& connection = driver.start("many");
  const auto channels = std::make_shared<ManyChannels>(driver.executor());
  // It outlives the connection's handlers: they end with the connection, below or with this process.
  connection.pc.on_data_channel = [channels](const DataChannelEvent& event) { channels->take(event.channel); };
  const auto first = std::move(connection.channels.front());
  connection.channels.clear();
  co_await first.writable();
  channels->own(first);
  const auto before = co_await driver.cost(true);

  const auto theirs = count / 2;
  const auto start = Clock::now();
  boost::json::object request;
  request["connection"] = connection.id;
  request["mine"] = theirs;
  request["theirs"] = count - theirs;
  request["seconds"] = limit_s;
  driver.tell("many", std::move(request));
  channels->open(connection.pc, count - theirs, theirs);
  co_await channels->complete(std::chrono::duration<double>(limit_s));
  const auto reply = co_await driver.answer(std::chrono::duration<double>(2 * limit_s));

  Opened out;
  out.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  out.opened = channels->opened() + reply.at("opened").to_number<std::size_t>();
  out.delivered = channels->delivered() + reply.at("delivered").to_number<std::size_t>();
  const auto after = co_await driver.cost();
  if (after.private_kb > before.private_kb)
    out.kb = static_cast<double>(after.private_kb - before.private_kb) / static_cast<double>(count);
  co_await driver.close(connection.id);
  co_return out;
}

}  // namespace

asio::awaitable<void> measure_many_channels(Driver& driver, Report& report, const BenchOptions& options) {
  report.heading("W5  Channels on one connection, one message on each");
  std::vector<std::size_t> counts;
  for (const auto count : {std::size_t{100}, std::size_t{1'000}, std::size_t{16'384}})
    if (count < options.channels) counts.push_back(count);
  counts.push_back(options.channels);
  for (const auto count : counts) {
    report.now("W5 " + in_words(static_cast<double>(count)) + " channels");
    const auto found = co_await open_channels(driver, count);
    report.row(in_words(static_cast<double>(count)) + " channels",
               in_words(static_cast<double>(found.opened)) + " open, " +
                   in_words(static_cast<double>(found.delivered)) + " delivered in " + in_words(found.milliseconds) +
                   " ms, " + in_words(found.kb, 2) + " KB each");
    if (count != options.channels) {
      report.value("channels_ms_of_" + std::to_string(count), found.milliseconds);
      continue;
    }
    report.value("channels_opened", static_cast<double>(found.opened));
    report.value("channels_delivered", static_cast<double>(found.delivered));
    report.value("channels_ms", found.milliseconds);
    report.value("kb_per_channel", found.kb);
  }
}

}  // namespace linnet::app::bench
