#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "commands.hpp"
#include "file_transfer.hpp"
#include "format.hpp"
#include "meeting.hpp"
#include "safe_path.hpp"
#include "stdin_reader.hpp"

namespace linnet::app {
namespace {

using boost::asio::awaitable;

/// What happens while receiving, one after the other.
struct Gone {
  Ending ending;
  std::string why;
};
using Happening = std::variant<ReceiveResult, Gone>;
using Happenings = boost::asio::experimental::channel<void(boost::system::error_code, Happening)>;

/// Asks the person at the terminal, one question at a time.
class Asker {
 public:
  Asker(Executor executor, Output& output) : executor_(executor), output_(output), answers_(executor, 16) {}

  awaitable<bool> ask(const Offer& offer) {
    if (!input_) {
      input_ = std::make_unique<StdinReader>(executor_, [this](std::optional<std::string> line) {
        answers_.try_send(boost::system::error_code{}, line.value_or("n"));
      });
    }
    output_.status("receive " + safe_name(offer.name) + ", " + format_bytes(offer.size) + "? [Y/n]");
    const auto answer = co_await answers_.async_receive(boost::asio::use_awaitable);
    co_return answer.empty() || answer.starts_with('y') || answer.starts_with('Y');
  }

 private:
  Executor executor_;
  Output& output_;
  boost::asio::experimental::channel<void(boost::system::error_code, std::string)> answers_;
  std::unique_ptr<StdinReader> input_;
};

awaitable<void> receive_one(DataChannel channel, std::shared_ptr<ReceiveOptions> options, Output& output,
                            std::shared_ptr<Happenings> happenings) {
  auto result = co_await receive_file(std::move(channel), *options, output);
  happenings->try_send(boost::system::error_code{}, std::move(result));
}

}  // namespace

awaitable<ExitCode> run_recv(MeetingOptions meeting_options, RecvOptions options, Output& output) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const bool stdio = meeting_options.stdio();
  const bool own_room = meeting_options.room.empty();
  if (own_room) meeting_options.room = random_room();
  const auto room = meeting_options.room;
  const auto server = meeting_options.server;

  Asker asker{executor, output};
  auto receive = std::make_shared<ReceiveOptions>();
  receive->folder = options.out;
  receive->existing = options.existing;
  // Without a person to ask, having started `recv` is the consent.
  if (!options.yes && !stdio && output.interactive() && ::isatty(STDIN_FILENO) == 1)
    receive->decide = [&asker](const Offer& offer) { return asker.ask(offer); };

  auto happenings = std::make_shared<Happenings>(executor, 1'024);
  const auto under_way = std::make_shared<std::size_t>(0);
  Meeting meeting{executor, std::move(meeting_options), output};
  meeting.on_remote = [&](const RemotePtr& remote) {
    remote->connection.on_data_channel = [&, happenings, receive](const DataChannelEvent& event) {
      if (event.channel.protocol() == file_protocol) {
        ++*under_way;
        boost::asio::co_spawn(executor, receive_one(event.channel, receive, output, happenings), boost::asio::detached);
      } else if (event.channel.label() != "chat") {
        event.channel.close();
      }
    };
    if (remote->caller) (void)remote->connection.create_data_channel("chat");
  };
  meeting.on_gone = [happenings](const RemotePtr&, Ending ending, const std::string& why) {
    happenings->try_send(boost::system::error_code{}, Gone{ending, why});
  };
  co_await meeting.open();
  if (own_room && !stdio) {
    output.status("on the other side: linnet send FILE --code " + room + " --server " + server);
    output.status("or in a browser:   " + meeting.link());
    output.event("waiting", {{"code", room}, {"link", meeting.link()}});
  } else if (!stdio && meeting.size() == 0) {
    output.status("nobody is in room " + room + " yet; waiting");
  }

  // Done when the last of the files that the sender counted is through, or the sender closes after whole files. What is
  // under way when it closes ends by itself first.
  std::uint64_t received = 0;
  std::optional<Gone> gone;
  for (;;) {
    auto happening = co_await happenings->async_receive(boost::asio::use_awaitable);
    if (auto* left = std::get_if<Gone>(&happening)) gone = std::move(*left);
    if (const auto* result = std::get_if<ReceiveResult>(&happening)) {
      --*under_way;
      if (result->code != ExitCode::Done) {
        output.error(result->reason);
        co_return result->code;
      }
      ++received;
      if (result->offer && received >= result->offer->count && *under_way == 0) co_return ExitCode::Done;
    }
    if (!gone || *under_way > 0) continue;
    const bool closed = gone->ending == Ending::Closed;
    if (closed && received > 0) co_return ExitCode::Done;
    if (closed && !stdio) {  // somebody else may come
      gone.reset();
      continue;
    }
    output.error(closed ? "the other side left without sending anything" : gone->why);
    co_return ExitCode::NoPath;
  }
}

}  // namespace linnet::app
