#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "commands.hpp"
#include "file_transfer.hpp"
#include "format.hpp"
#include "meeting.hpp"

namespace linnet::app {
namespace {

using boost::asio::awaitable;

struct Arrival {
  RemotePtr remote;
  ExitCode code = ExitCode::Done;  ///< When there is no remote: why not.
};

awaitable<ExitCode> send_all(Remote& remote, const std::vector<OutgoingFile>& files, Output& output) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto result = co_await send_file(remote.connection, files[i], i, files.size(), output);
    if (result.code != ExitCode::Done) {
      output.error(Output::printable(files[i].name) + " was not sent: " + result.reason);
      co_return result.code;
    }
  }
  co_return ExitCode::Done;
}

}  // namespace

awaitable<ExitCode> run_send(MeetingOptions meeting_options, SendOptions options, Output& output) {
  const auto files = collect_files(options.paths);
  if (!files) {
    output.error(files.error());
    co_return ExitCode::Disk;
  }
  std::uint64_t total = 0;
  for (const auto& file : *files) total += file.size;

  const auto executor = co_await boost::asio::this_coro::executor;
  const bool stdio = meeting_options.stdio();
  if (meeting_options.room.empty()) meeting_options.room = random_room();
  const auto room = meeting_options.room;
  const auto server = meeting_options.server;
  Meeting meeting{executor, std::move(meeting_options), output};
  boost::asio::experimental::channel<void(boost::system::error_code, Arrival)> arrivals{executor, 64};

  meeting.on_remote = [](const RemotePtr& remote) {
    // Chat is not for this command; the channel makes the connection negotiable.
    if (remote->caller) (void)remote->connection.create_data_channel("chat");
  };
  meeting.on_connected = [&arrivals](const RemotePtr& remote) {
    arrivals.try_send(boost::system::error_code{}, Arrival{remote});
  };
  meeting.on_gone = [&](const RemotePtr& remote, Ending ending, const std::string& why) {
    if (remote->was_connected) return;
    output.error(why);
    if (stdio)
      arrivals.try_send(boost::system::error_code{},
                        Arrival{nullptr, ending == Ending::Closed ? ExitCode::Refused : ExitCode::NoPath});
  };
  co_await meeting.open();
  output.status(std::to_string(files->size()) + (files->size() == 1 ? " file, " : " files, ") + format_bytes(total));
  if (!stdio) {
    output.status("on the other side: linnet recv " + shell_word(room) + " --server " + server);
    output.status("or in a browser:   " + meeting.link());
    output.event("waiting", {{"code", room}, {"link", meeting.link()}, {"files", files->size()}, {"size", total}});
  }
  const auto arrival = co_await arrivals.async_receive(boost::asio::use_awaitable);
  if (!arrival.remote) co_return arrival.code;
  co_return co_await send_all(*arrival.remote, *files, output);
}

}  // namespace linnet::app
