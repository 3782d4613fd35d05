#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>
#include <utility>

#include "bench/answerer.hpp"
#include "bench/bench.hpp"
#include "bench/channel_link.hpp"
#include "bench/driver.hpp"
#include "bench/report.hpp"
#include "bench/workloads.hpp"
#include "meeting.hpp"

namespace linnet::app::bench {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

/// The other bench, once it is found, and the channel to it.
struct Opponent {
  RemotePtr remote{};
  std::unique_ptr<ChannelLink> link{};
};

void finish_report(const Report& report, Output& output) {
  output.progress({});
  output.event("bench", report.values());
}

awaitable<void> greet(Driver& driver) { co_await driver.ask("hello", boost::json::object()); }

awaitable<ExitCode> drive(Opponent& opponent, const BenchOptions& options, Tuning tuning, Output& output) {
  auto& connection = opponent.remote->connection;
  Driver driver{connection.get_executor(), *opponent.link, connection.get_configuration(), std::move(tuning)};
  Report report{output};
  co_await driver.run(greet(driver));
  report.heading("With " + opponent.remote->name + ", " + path_in_words(connection) +
                 "; new connections are set up over the first one");
  co_await driver.run(measure(driver, report, options, Workload::SetUp));
  co_await driver.finish();
  finish_report(report, output);
  if (const auto& failure = driver.trace_failure()) output.incomplete_trace(failure->message);
  co_return ExitCode::Done;
}

awaitable<ExitCode> answer(Opponent& opponent, Tuning tuning, Output& output) {
  auto& connection = opponent.remote->connection;
  Answerer answerer{connection.get_executor(), *opponent.link, connection.get_configuration(), std::move(tuning)};
  const bool greeted = co_await answerer.greeted();
  if (!greeted) {
    output.error(opponent.remote->name + " is no linnet bench");
    co_return ExitCode::Refused;
  }
  output.status("answering " + opponent.remote->name + ", who measures and prints the table");
  const bool done = co_await answerer.run();
  if (!done) output.error("the other side left before everything was measured");
  if (const auto& failure = answerer.trace_failure()) output.incomplete_trace(failure->message);
  co_return done ? ExitCode::Done : ExitCode::NoPath;
}

}  // namespace

awaitable<ExitCode> run_in_room(MeetingOptions meeting_options, BenchOptions options, Output& output) {
  const auto executor = co_await asio::this_coro::executor;
  const auto room = meeting_options.room;
  Opponent opponent;
  asio::experimental::channel<void(boost::system::error_code, ExitCode)> met{executor, 8};
  const Tuning tuning = meeting_options.tuning;
  Meeting meeting{executor, std::move(meeting_options), output};
  const auto meet = [&opponent, &met](const RemotePtr& remote, DataChannel channel) {
    opponent.remote = remote;
    opponent.link = std::make_unique<ChannelLink>(std::move(channel));
    met.try_send(boost::system::error_code{}, ExitCode::Done);
  };
  meeting.on_remote = [&](const RemotePtr& remote) {
    // Two are enough.
    if (opponent.remote) return meeting.drop(remote);
    // Who was here first measures; who comes makes the channel for that, and answers.
    if (remote->caller) return meet(remote, remote->connection.create_data_channel(ChannelLink::label));
    remote->connection.on_data_channel = [&, weak = std::weak_ptr{remote}](const DataChannelEvent& event) {
      const auto here = weak.lock();
      if (!here || opponent.remote) return;
      if (event.channel.label() == ChannelLink::label) return meet(here, event.channel);
      output.status(here->name + " is no linnet bench");
      meeting.drop(here);
    };
  };
  meeting.on_gone = [&](const RemotePtr& remote, Ending ending, const std::string& why) {
    if (remote != opponent.remote) return;
    if (ending != Ending::Closed) output.error(why);
    opponent.link->end();
  };
  co_await meeting.open();
  if (!opponent.remote) output.status("in room " + room + ", waiting for another linnet bench");
  co_await met.async_receive(asio::use_awaitable);
  if (!opponent.remote->caller) co_return co_await drive(opponent, options, tuning, output);
  co_return co_await answer(opponent, tuning, output);
}

}  // namespace linnet::app::bench
