#include <algorithm>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bench/bench.hpp"
#include "bench/echo_traffic.hpp"
#include "bench/gate.hpp"
#include "bench/pings.hpp"
#include "bench/process_cost.hpp"
#include "bench/report.hpp"
#include "meeting.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using Clock = std::chrono::steady_clock;

/// What the one connection tells while it comes up.
struct SetUp {
  RemotePtr remote{};
  DataChannel channel{};
  std::optional<Clock::time_point> described{};  // The other side's description is here.
  std::optional<Clock::time_point> open{};
};

/// The peer's limit may be below the 64 KiB that is asked for.
std::size_t possible(const PeerConnection& connection, std::size_t size) {
  const auto sctp = connection.sctp();
  return !sctp || sctp->max_message_size == 0 ? size : std::min(size, sctp->max_message_size);
}

awaitable<void> measure_echoed(const SetUp& set_up, std::size_t asked, Report& report, std::string key,
                               double seconds) {
  const auto size = possible(set_up.remote->connection, asked);
  const auto what = size >= 1'024 ? in_words(static_cast<double>(size) / 1'024) + " KiB messages"
                                  : std::to_string(size) + "-byte messages";
  report.now("W1 " + what);
  EchoTraffic traffic{set_up.remote->connection.get_executor(), set_up.channel};
  const double before = cpu_seconds();
  const auto arrived = co_await traffic.run(size, std::chrono::duration<double>(seconds));
  const double cpu = cpu_seconds() - before;
  const double mbps = static_cast<double>(arrived.bytes) * 8 / 1e6 / arrived.seconds;
  const double messages = static_cast<double>(arrived.messages) / arrived.seconds;
  const double cpu_each = arrived.bytes == 0 ? 0 : cpu / (static_cast<double>(arrived.bytes) / 1e9);
  report.value("echoed_throughput_mbps_" + key, mbps);
  report.value("echoed_messages_per_s_" + key, messages);
  report.value("echoed_cpu_s_per_gb_" + key, cpu_each);
  report.row(what + ", each there and back", in_words(mbps) + " Mbit/s each way, " + in_words(messages) +
                                                 " messages/s, " + in_words(cpu_each, 2) + " CPU s/GB of this side");
}

awaitable<void> measure_all(const SetUp& set_up, Report& report, const BenchOptions& options) {
  const double took = std::chrono::duration<double, std::milli>(*set_up.open - *set_up.described).count();
  report.heading("With an echo, " + path_in_words(set_up.remote->connection));
  if (options.wants(Workload::SetUp)) {
    report.heading("W3  Set-up, from the other side's description to an open channel");
    report.value("setup_ms", took);
    report.row("this connection", in_words(took, 2) + " ms");
  }
  if (options.wants(Workload::Throughput)) {
    report.heading("W1  Throughput of echoed messages: the payload goes there and comes back at once");
    co_await measure_echoed(set_up, 65'536, report, "64k", options.seconds);
    co_await measure_echoed(set_up, 16'384, report, "16k", options.seconds);
    co_await measure_echoed(set_up, 1'024, report, "1k", options.seconds);
  }
  if (!options.wants(Workload::RoundTrip)) co_return;
  report.heading("W2  Round trip of 64 bytes");
  report.now("W2 64 bytes");
  const auto found = co_await ping(set_up.channel, std::chrono::duration<double>(options.seconds));
  report_round_trip(report, found);
}

}  // namespace

awaitable<ExitCode> run_with_echo(MeetingOptions meeting_options, BenchOptions options, Output& output) {
  const auto executor = co_await asio::this_coro::executor;
  asio::experimental::channel<void(boost::system::error_code, ExitCode)> news{executor, 8};
  SetUp set_up;
  std::string problem;
  Gate gone{executor};
  Meeting meeting{executor, std::move(meeting_options), output};
  meeting.on_remote = [&](const RemotePtr& remote) {
    set_up.remote = remote;
    set_up.channel = remote->connection.create_data_channel("bench");
    remote->connection.on_signaling_state_change = [&set_up, weak = std::weak_ptr{remote}] {
      const auto here = weak.lock();
      if (here && !set_up.described && here->connection.remote_description()) set_up.described = Clock::now();
    };
    set_up.channel.on_open = [&set_up, &news] {
      set_up.open = Clock::now();
      if (!set_up.described) set_up.described = set_up.open;
      news.try_send(boost::system::error_code{}, ExitCode::Done);
    };
  };
  meeting.on_gone = [&](const RemotePtr&, Ending, const std::string& why) {
    problem = why;
    gone.open();
    news.try_send(boost::system::error_code{}, ExitCode::NoPath);
  };
  co_await meeting.open();
  const auto met = co_await news.async_receive(asio::use_awaitable);
  if (met != ExitCode::Done) {
    output.error(problem);
    co_return met;
  }
  Report report{output, true};
  const bool measured = co_await ends_before(measure_all(set_up, report, options), gone);
  output.progress({});
  if (!measured) {
    output.error(problem);
    co_return ExitCode::NoPath;
  }
  output.event("bench", report.values());
  co_return ExitCode::Done;
}

}  // namespace linnet::app::bench
