#include <utility>

#include "file_transfer.hpp"
#include "format.hpp"
#include "old_part.hpp"
#include "progress.hpp"
#include "safe_path.hpp"

namespace linnet::app {
namespace {

using boost::asio::awaitable;

std::optional<FileMessage> control_in(const MessageEvent& message) {
  return message.binary ? std::nullopt : parse_file_message(message.text());
}

/// The conversation over one channel.
class Receiver {
 public:
  Receiver(DataChannel channel, const ReceiveOptions& options, Output& output)
      : channel_(std::move(channel)), options_(options), output_(output) {}

  awaitable<ReceiveResult> run() {
    const auto first = co_await channel_.receive();
    if (!first) co_return lost({});
    const auto control = control_in(*first);
    const auto* offered = control ? std::get_if<Offer>(&*control) : nullptr;
    const auto offer = offered ? std::optional{*offered} : std::nullopt;
    if (!offer) co_return give_up(ExitCode::Refused, "the other side made an offer that cannot be read", {});
    // What a person is asked about is the name that is saved.
    shown_ = safe_name(offer->name);
    if (shown_.empty()) co_return co_await cannot_save(*offer, "the offered name is not a file name");
    bool wanted = true;
    if (options_.decide) wanted = co_await options_.decide(*offer);
    if (!wanted) {
      say(Refuse{"declined"});
      co_await closed();
      co_return ReceiveResult{{ExitCode::Refused, "declined " + shown_}, offer};
    }
    auto sink = FileSink::open(options_.folder, offer->name, offer->size, options_.existing, offer->modified);
    if (!sink) co_return co_await cannot_save(*offer, sink.error());
    if (sink->offset() > 0) {
      output_.status("reading what is there of " + shown_ + " already, " + format_bytes(sink->offset()));
      output_.event("resuming", {{"name", shown_}, {"offset", sink->offset()}, {"size", offer->size}});
      const auto open = [this] { return channel_.ready_state() == DataChannelState::Open; };
      const auto whole = co_await read_old_part(*sink, open);
      if (!whole) co_return co_await cannot_save(*offer, whole.error());
      if (!*whole) co_return lost(offer);
    }
    say(Accept{sink->offset()});
    co_return co_await content(*offer, *sink);
  }

 private:
  awaitable<ReceiveResult> cannot_save(const Offer& offer, const std::string& why) {
    say(Refuse{"the file cannot be saved there"});
    co_await closed();
    co_return ReceiveResult{{ExitCode::Disk, Output::printable(why)}, offer};
  }

  awaitable<ReceiveResult> content(const Offer& offer, FileSink& sink) {
    Progress progress{output_, shown_, offer.size, sink.offset()};
    for (;;) {
      const auto message = co_await channel_.receive();
      if (!message) co_return lost(offer);
      if (message->binary) {
        if (message->data.size() > offer.size - sink.bytes())
          co_return give_up(ExitCode::Verification, "more came than was offered of " + shown_, offer);
        if (auto written = sink.write(message->data); !written)
          co_return give_up(ExitCode::Disk, Output::printable(written.error()), offer,
                            "the receiver cannot write the file");
        progress.update(sink.bytes());
        continue;
      }
      const auto control = control_in(*message);
      if (const auto* failure = control ? std::get_if<Failure>(&*control) : nullptr)
        co_return ReceiveResult{{ExitCode::Refused, failure->reason}, offer};
      const auto* end = control ? std::get_if<End>(&*control) : nullptr;
      if (!end) co_return give_up(ExitCode::Refused, "the other side does not speak linnet.file.1 as it should", offer);
      if (sink.bytes() != offer.size)
        co_return give_up(ExitCode::Verification, "less came than was offered of " + shown_, offer);
      const auto verified = sink.finish(end->sha256);
      if (!verified)
        co_return give_up(ExitCode::Disk, Output::printable(verified.error()), offer,
                          "the receiver cannot write the file");
      if (!*verified)
        co_return give_up(ExitCode::Verification, "the hash of " + shown_ + " is wrong; " + what_is_left(sink), offer,
                          "the hash is wrong");
      say(Received{});
      const auto summary = progress.summary();
      output_.progress({});
      output_.status("received " + Output::printable(sink.path().string()) + ": " + summary);
      output_.event("received", {{"name", shown_}, {"path", sink.path().string()}, {"size", offer.size}});
      co_await closed();
      co_return ReceiveResult{{}, offer};
    }
  }

  static std::string what_is_left(const FileSink& sink) {
    if (!sink.continues()) return "nothing was kept";
    return Output::printable(sink.part_path().string()) +
           " is left as it was, and without --resume the transfer begins anew";
  }
  void say(const FileMessage& message) const {
    if (channel_.ready_state() == DataChannelState::Open) channel_.send(to_text(message));
  }
  /// The sender closes the channel, so that our last word gets through.
  awaitable<void> closed() {
    for (;;) {
      const auto message = co_await channel_.receive();
      if (!message) co_return;
    }
  }
  ReceiveResult give_up(ExitCode code, std::string reason, std::optional<Offer> offer,
                        std::string_view told = {}) const {
    say(Failure{told.empty() ? reason : std::string{told}});
    channel_.close();
    return {{code, std::move(reason)}, std::move(offer)};
  }
  static ReceiveResult lost(std::optional<Offer> offer) {
    return {{ExitCode::NoPath, "the connection closed before the file was through"}, std::move(offer)};
  }

  DataChannel channel_;
  const ReceiveOptions& options_;
  Output& output_;
  std::string shown_{};
};

}  // namespace

awaitable<ReceiveResult> receive_file(DataChannel channel, const ReceiveOptions& options, Output& output) {
  try {
    Receiver receiver{std::move(channel), options, output};
    co_return co_await receiver.run();
  } catch (const Exception&) {
    co_return ReceiveResult{{ExitCode::NoPath, "the connection closed before the file was through"}, std::nullopt};
  }
}

}  // namespace linnet::app
