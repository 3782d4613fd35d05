#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <fstream>
#include <system_error>
#include <utility>

#include "file_hash.hpp"
#include "file_transfer.hpp"
#include "progress.hpp"

namespace linnet::app {
namespace {

namespace fs = std::filesystem;
using boost::asio::awaitable;

constexpr std::size_t chunk_size = 65'536;
constexpr std::size_t buffer_high = std::size_t{4} << 20;
constexpr std::size_t buffer_low = std::size_t{1} << 20;

FileMessage offer_of(const OutgoingFile& file, std::size_t index, std::size_t count) {
  Offer offer{.name = file.name, .size = file.size, .index = index, .count = count};
  std::error_code error;
  const auto time = fs::last_write_time(file.path, error);
  if (!error) {
    const auto system = std::chrono::file_clock::to_sys(time);
    offer.modified = std::chrono::duration_cast<std::chrono::milliseconds>(system.time_since_epoch()).count();
  }
  return offer;
}

/// The conversation over one channel; ends with a result, never with an exception of a closed channel.
class Sender {
 public:
  Sender(DataChannel channel, const OutgoingFile& file, std::size_t max_message, Output& output)
      : channel_(std::move(channel)), file_(file), output_(output) {
    chunk_ = max_message == 0 ? chunk_size : std::min(chunk_size, max_message);
  }

  awaitable<TransferResult> run(const FileMessage& offer) {
    channel_.set_buffered_amount_low_threshold(buffer_low);
    co_await channel_.writable();
    channel_.send(to_text(offer));
    const auto answer = co_await reply();
    if (!answer) co_return lost();
    if (const auto* refused = std::get_if<Refuse>(&*answer))
      co_return TransferResult{ExitCode::Refused, refused->reason};
    if (const auto* failure = std::get_if<Failure>(&*answer))
      co_return TransferResult{ExitCode::Refused, failure->reason};
    const auto* accepted = std::get_if<Accept>(&*answer);
    if (!accepted || accepted->offset > file_.size) co_return broken();
    const auto result = co_await stream_unless_closed(accepted->offset);
    if (result) co_return *result;
    // The receiver closed the channel while content was under way: its last words say why.
    const auto words = co_await reply();
    const auto* failure = words ? std::get_if<Failure>(&*words) : nullptr;
    co_return failure ? TransferResult{ExitCode::Refused, failure->reason} : lost();
  }

 private:
  awaitable<std::optional<TransferResult>> stream_unless_closed(std::uint64_t offset) {
    try {
      co_return co_await stream(offset);
    } catch (const Exception&) {
      co_return std::nullopt;
    }
  }

  /// What the receiver says; nothing when the channel is closed, what nobody says when it cannot be read.
  awaitable<std::optional<FileMessage>> reply() {
    const auto message = co_await channel_.receive();
    if (!message) co_return std::nullopt;
    auto read = message->binary ? std::nullopt : parse_file_message(message->text());
    co_return read ? std::move(*read) : FileMessage{Offer{}};
  }

  awaitable<TransferResult> stream(std::uint64_t offset) {
    std::ifstream in{file_.path, std::ios::binary};
    FileHash hash;
    Progress progress{output_, file_.name, file_.size, offset};
    std::vector<std::byte> block(chunk_size * 4);
    for (std::uint64_t at = 0; at < file_.size;) {
      const auto want = std::min<std::uint64_t>(block.size(), file_.size - at);
      in.read(reinterpret_cast<char*>(block.data()), static_cast<std::streamsize>(want));
      if (static_cast<std::uint64_t>(in.gcount()) != want) {
        channel_.send(to_text(Failure{"the file became shorter while it was sent"}));
        co_return TransferResult{ExitCode::Disk, "cannot read " + file_.path.string() + ": it became shorter"};
      }
      const auto read = std::span<const std::byte>{block}.first(want);
      hash.update(read);
      const auto skip = offset > at ? std::min<std::uint64_t>(offset - at, want) : 0;
      co_await send_all(read.subspan(skip));
      // What the receiver has already is only hashed: others must get their turn.
      if (skip == want)
        co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
      at += want;
      progress.update(std::max(at, offset));
    }
    channel_.send(to_text(End{hash.hex()}));
    const auto verdict = co_await reply();
    if (!verdict) co_return lost();
    if (const auto* failure = std::get_if<Failure>(&*verdict))
      co_return TransferResult{ExitCode::Refused, failure->reason};
    if (!std::holds_alternative<Received>(*verdict)) co_return broken();
    channel_.close();
    const auto summary = progress.summary();
    output_.progress({});
    output_.status("sent " + Output::printable(file_.name) + ": " + summary);
    output_.event("sent", {{"name", file_.name}, {"size", file_.size}});
    co_return TransferResult{};
  }

  awaitable<void> send_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      while (channel_.buffered_amount() > buffer_high) co_await channel_.on_buffered_amount_low.next();
      co_await channel_.writable();
      const auto part = bytes.first(std::min(chunk_, bytes.size()));
      channel_.send(part);
      bytes = bytes.subspan(part.size());
    }
  }

  TransferResult broken() const {
    channel_.close();
    return {ExitCode::Refused, "the other side does not speak linnet.file.1 as it should"};
  }
  static TransferResult lost() { return {ExitCode::NoPath, "the connection closed before the file was through"}; }

  DataChannel channel_;
  const OutgoingFile& file_;
  Output& output_;
  std::size_t chunk_;
};

}  // namespace

std::expected<std::vector<OutgoingFile>, std::string> collect_files(const std::vector<std::string>& paths) {
  std::vector<OutgoingFile> files;
  const auto add = [&files](const fs::path& path, const std::string& name) -> std::string {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) return "cannot read " + path.string() + ": " + error.message();
    if (!std::ifstream{path, std::ios::binary}) return "cannot read " + path.string() + ": permission denied";
    files.push_back({.path = path, .name = Output::well_formed(name), .size = size});
    return {};
  };
  for (const auto& given : paths) {
    std::error_code error;
    const fs::path path = fs::canonical(given, error);
    if (error) return std::unexpected("cannot read " + given + ": " + error.message());
    if (!fs::is_directory(path)) {
      if (!fs::is_regular_file(path)) return std::unexpected(given + " is neither a file nor a folder");
      if (auto problem = add(path, path.filename().string()); !problem.empty()) return std::unexpected(problem);
      continue;
    }
    std::vector<fs::path> found;
    for (fs::recursive_directory_iterator it{path, error}, end; !error && it != end; it.increment(error))
      if (it->is_regular_file(error) && !it->is_symlink(error)) found.push_back(it->path());
    if (error) return std::unexpected("cannot read " + given + ": " + error.message());
    std::ranges::sort(found);
    for (const auto& file : found) {
      if (auto problem = add(file, file.lexically_relative(path.parent_path()).generic_string()); !problem.empty())
        return std::unexpected(problem);
    }
  }
  if (files.empty()) return std::unexpected("there is no file to send in what was named");
  return files;
}

awaitable<TransferResult> send_file(PeerConnection& connection, const OutgoingFile& file, std::size_t index,
                                    std::size_t count, Output& output) {
  try {
    const auto sctp = connection.sctp();
    auto channel = connection.create_data_channel("file", {.protocol = std::string{file_protocol}});
    Sender sender{channel, file, sctp ? sctp->max_message_size : 0, output};
    co_return co_await sender.run(offer_of(file, index, count));
  } catch (const Exception&) {
    co_return TransferResult{ExitCode::NoPath, "the connection closed before the file was through"};
  }
}

}  // namespace linnet::app
