#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <utility>

#include "commands.hpp"
#include "meeting.hpp"

namespace linnet::app {
namespace {

using boost::asio::awaitable;

/// Sends everything back as it came. Pulling holds the peer back when its own window is full.
awaitable<void> echo(DataChannel channel) {
  try {
    for (;;) {
      const auto message = co_await channel.receive();
      if (!message) co_return;
      co_await channel.writable();
      if (message->binary) {
        channel.send(message->data);
      } else {
        channel.send(message->text());
      }
    }
  } catch (const Exception&) {
    // The channel closed while something was on its way back.
  }
}

}  // namespace

awaitable<ExitCode> run_echo(MeetingOptions options, Output& output) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const bool stdio = options.stdio();
  const auto room = options.room;
  Meeting meeting{executor, std::move(options), output};
  boost::asio::experimental::channel<void(boost::system::error_code, ExitCode)> done{executor, 8};
  const auto serve = [executor](const DataChannel& channel) {
    boost::asio::co_spawn(executor, echo(channel), boost::asio::detached);
  };

  meeting.on_remote = [&](const RemotePtr& remote) {
    remote->connection.on_data_channel = [serve](const DataChannelEvent& event) { serve(event.channel); };
    // In a room, where pages and `linnet chat` are, the first channel is the chat.
    if (remote->caller) serve(remote->connection.create_data_channel(stdio ? "echo" : "chat"));
  };
  meeting.on_gone = [&](const RemotePtr&, Ending ending, const std::string& why) {
    // In a room the next peer may come; over stdio there is only one.
    if (!stdio) return;
    if (ending != Ending::Closed) output.error(why);
    done.try_send(boost::system::error_code{}, ending == Ending::Closed ? ExitCode::Done : ExitCode::NoPath);
  };
  co_await meeting.open();
  if (!stdio) {
    output.status("echoing in room " + room + "; browsers join at " + meeting.link());
    output.event("joined", {{"room", room}, {"link", meeting.link()}});
  }
  co_return co_await done.async_receive(boost::asio::use_awaitable);
}

}  // namespace linnet::app
