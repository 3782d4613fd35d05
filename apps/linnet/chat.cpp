#include <algorithm>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "chat_line.hpp"
#include "commands.hpp"
#include "file_transfer.hpp"
#include "meeting.hpp"
#include "stdin_reader.hpp"

namespace linnet::app {
namespace {

using boost::asio::awaitable;

constexpr std::size_t max_text = 16'384;

class Chat {
 public:
  Chat(Executor executor, MeetingOptions options, Output& output)
      : output_(output),
        executor_(executor),
        stdio_(options.stdio()),
        room_(options.room),
        done_(executor, 8),
        meeting_(executor, std::move(options), output) {
    meeting_.on_remote = [this](const RemotePtr& remote) { attach(remote); };
    meeting_.on_gone = [this](const RemotePtr& remote, Ending ending, const std::string& why) {
      gone(remote, ending, why);
    };
    meeting_.on_line = [this](const std::string& line) { line_over_stdio(line); };
  }

  awaitable<ExitCode> run() {
    co_await meeting_.open();
    if (!stdio_) {
      output_.status("in room " + room_ + "; type a line to say it, Ctrl-D to leave");
      if (const auto link = meeting_.link(); !link.empty()) output_.status("browsers join at " + link);
      output_.event("joined", {{"room", room_}, {"link", meeting_.link()}});
      input_ = std::make_unique<StdinReader>(executor_, [this](std::optional<std::string> line) {
        if (line) {
          say(*line);
        } else {
          leaving_ = true;
          leave_when_said();
        }
      });
    }
    co_return co_await done_.async_receive(boost::asio::use_awaitable);
  }

 private:
  /// One peer's channel, and what was said before it was open.
  struct Line {
    DataChannel channel;
    std::vector<std::string> unsent;
  };

  void attach(const RemotePtr& remote) {
    // The first to come hears what was said to an empty room.
    lines_[remote->id].unsent = std::exchange(unsent_, {});
    remote->connection.on_data_channel = [this, remote = std::weak_ptr{remote}](const DataChannelEvent& event) {
      const auto alive = remote.lock();
      if (alive && event.channel.label() == "chat") {
        take(alive, event.channel);
      } else {
        // Words for who sends a file (docs/guide/peer-protocol.md), instead of a closed channel.
        if (event.channel.protocol() == file_protocol && event.channel.ready_state() == DataChannelState::Open)
          event.channel.send(R"({"type":"refuse","reason":"linnet chat takes no files"})");
        event.channel.close();
      }
    };
    if (remote->caller) take(remote, remote->connection.create_data_channel("chat"));
  }

  void take(const RemotePtr& remote, const DataChannel& channel) {
    lines_[remote->id].channel = channel;
    channel.on_open = [this, id = remote->id] {
      const auto found = lines_.find(id);
      if (found == lines_.end()) return;
      for (const auto& text : std::exchange(found->second.unsent, {})) send(found->second, text);
      leave_when_said();
    };
    channel.on_message = [this, remote = std::weak_ptr{remote}](const MessageEvent& message) {
      const auto alive = remote.lock();
      if (alive && !message.binary) show(*alive, message.text().substr(0, max_text));
    };
  }

  void show(const Remote& remote, std::string_view bytes) {
    const auto text = Output::well_formed(bytes);
    output_.event("message", {{"from", remote.id}, {"name", remote.name}, {"text", text}});
    if (stdio_) {
      output_.data(boost::json::serialize(boost::json::object{{"text", text}}));
    } else {
      output_.data(remote.name + ": " + Output::printable(text));
    }
  }

  void say(const std::string& text) {
    if (text.empty()) return;
    if (text.size() > max_text) {
      output_.error("this line is too long and was not sent: 16,384 bytes are the most");
      return;
    }
    for (auto& [id, line] : lines_) send(line, text);
    if (!lines_.empty() || !keep(unsent_, text)) return;
    output_.status("(nobody is here yet; the first one to come will get it)");
  }

  /// Until somebody is there to hear it.
  bool keep(std::vector<std::string>& waiting, const std::string& text) {
    const bool room = waiting.size() < max_unsent;
    if (room) {
      waiting.push_back(text);
    } else {
      output_.error("not said: too much is waiting for a connection already");
    }
    return room;
  }

  void send(Line& line, const std::string& text) {
    if (line.channel.ready_state() == DataChannelState::Open) {
      try {
        line.channel.send(text);
      } catch (const Exception& error) {
        output_.error(std::string{"not sent: "} + error.what());
      }
    } else {
      keep(line.unsent, text);
    }
  }

  void line_over_stdio(const std::string& line) {
    if (const auto text = text_in_line(line)) {
      say(*text);
    } else {
      output_.error("a line of standard input is neither signaling nor {\"text\":\"...\"}; ignored");
    }
  }

  void gone(const RemotePtr& remote, Ending ending, const std::string& why) {
    lines_.erase(remote->id);
    leave_when_said();
    if (!stdio_) return;
    if (ending != Ending::Closed) output_.error(why);
    finish(ending == Ending::Closed ? ExitCode::Done : ExitCode::NoPath);
  }

  /// Standard input has ended: go, but not before those who are just connecting have heard what was said.
  void leave_when_said() {
    const auto waits = [](const auto& entry) { return !entry.second.unsent.empty(); };
    if (!leaving_ || std::ranges::any_of(lines_, waits)) return;
    if (!unsent_.empty()) output_.error("nobody came to hear what was said");
    finish(unsent_.empty() ? ExitCode::Done : ExitCode::NoPath);
  }

  void finish(ExitCode code) { done_.try_send(boost::system::error_code{}, code); }

  static constexpr std::size_t max_unsent = 1'000;

  Output& output_;
  Executor executor_;
  bool stdio_;
  bool leaving_ = false;
  std::string room_;
  boost::asio::experimental::channel<void(boost::system::error_code, ExitCode)> done_;
  std::map<std::string, Line> lines_;
  std::vector<std::string> unsent_;
  std::unique_ptr<StdinReader> input_;
  Meeting meeting_;
};

}  // namespace

awaitable<ExitCode> run_chat(MeetingOptions options, Output& output) {
  Chat chat{co_await boost::asio::this_coro::executor, std::move(options), output};
  co_return co_await chat.run();
}

}  // namespace linnet::app
