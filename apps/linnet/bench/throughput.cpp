#include <chrono>
#include <memory>
#include <string>

#include "bench/traffic.hpp"
#include "bench/workloads.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;

/// One throughput run.
struct Run {
  std::string what;
  std::size_t size = 65'536;
  std::size_t channels = 1;
  bool both = false;  // Both sides send at once.
};

struct Measured {
  double mbps = 0;  // payload, read by the receiver; both directions together
  double messages = 0;
  double cpu_s_per_gb = 0;  // both processes
  double sender_s_per_gb = 0;
  double receiver_s_per_gb = 0;
};

Measured measured(const Arrived& there, const Arrived& here, const Cost& before, const Cost& after) {
  Measured out;
  for (const auto& arrived : {there, here}) {
    if (arrived.messages == 0 || arrived.seconds <= 0) continue;
    out.mbps += static_cast<double>(arrived.bytes) * 8 / 1e6 / arrived.seconds;
    out.messages += static_cast<double>(arrived.messages) / arrived.seconds;
  }
  const double gigabytes = static_cast<double>(there.bytes + here.bytes) / 1e9;
  if (gigabytes <= 0) return out;
  out.cpu_s_per_gb = (after.both_cpu() - before.both_cpu()) / gigabytes;
  out.sender_s_per_gb = (after.cpu - before.cpu) / gigabytes;
  out.receiver_s_per_gb = (after.other_cpu - before.other_cpu) / gigabytes;
  return out;
}

asio::awaitable<Measured> transfer(Driver& driver, Run run, double seconds) {
  const auto* connection = co_await driver.connect("traffic", run.channels);
  const auto traffic = std::make_shared<Traffic>(driver.executor());
  for (const auto& channel : connection->channels) traffic->attach(channel);
  const auto before = co_await driver.cost();
  boost::json::object about;
  about["connection"] = connection->id;
  if (run.both) {
    auto request = about;
    request["size"] = run.size;
    request["seconds"] = seconds;
    co_await driver.ask("traffic", std::move(request));
  }
  co_await traffic->send(run.size, std::chrono::duration<double>(seconds));
  if (run.both) co_await traffic->ended();
  const auto after = co_await driver.cost();
  const auto reply = co_await driver.ask("arrived", about);
  co_await driver.close(connection->id);
  Arrived there;
  there.bytes = reply.at("bytes").to_number<std::uint64_t>();
  there.messages = reply.at("messages").to_number<std::uint64_t>();
  there.seconds = reply.at("seconds").to_number<double>();
  co_return measured(there, traffic->arrived(), before, after);
}

std::string in_row(const Measured& m) {
  return in_words(m.mbps) + " Mbit/s, " + in_words(m.messages) + " messages/s, " + in_words(m.cpu_s_per_gb, 2) +
         " CPU s/GB";
}

}  // namespace

asio::awaitable<void> measure_throughput(Driver& driver, Report& report, const BenchOptions& options) {
  report.heading("W1  Throughput, payload as it is read");
  const auto measure_run = [&](Run run) -> asio::awaitable<Measured> {
    report.now("W1 " + run.what);
    const auto what = run.what;
    auto found = co_await transfer(driver, std::move(run), options.seconds);
    report.row(what, in_row(found));
    co_return found;
  };
  Run large;
  large.what = "64 KiB messages";
  const auto first = co_await measure_run(large);
  report.value("throughput_mbps_64k", first.mbps);
  report.value("cpu_s_per_gb", first.cpu_s_per_gb);
  report.value("cpu_s_per_gb_sender", first.sender_s_per_gb);
  report.value("cpu_s_per_gb_receiver", first.receiver_s_per_gb);

  Run middle;
  middle.what = "16 KiB messages";
  middle.size = 16'384;
  const auto second = co_await measure_run(middle);
  report.value("throughput_mbps_16k", second.mbps);

  Run small;
  small.what = "1 KiB messages";
  small.size = 1'024;
  const auto third = co_await measure_run(small);
  report.value("messages_per_s_1k", third.messages);
  report.value("cpu_s_per_gb_1k", third.cpu_s_per_gb);

  Run both;
  both.what = "64 KiB, both directions at once";
  both.both = true;
  const auto fourth = co_await measure_run(both);
  report.value("throughput_mbps_64k_both_directions", fourth.mbps);

  Run many;
  many.what = "16 KiB over 100 channels";
  many.size = 16'384;
  many.channels = 100;
  const auto fifth = co_await measure_run(many);
  report.value("throughput_mbps_16k_100_channels", fifth.mbps);
}

}  // namespace linnet::app::bench
