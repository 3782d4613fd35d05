#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exit_code.hpp"
#include "file_message.hpp"
#include "file_sink.hpp"
#include "linnet/linnet.hpp"
#include "output.hpp"

namespace linnet::app {

// Files over one data channel each: docs/guide/peer-protocol.md.

inline constexpr std::string_view file_protocol = "linnet.file.1";

/// How a transfer ended; `reason` is one line for the user when it did not end well.
struct TransferResult {
  ExitCode code = ExitCode::Done;
  std::string reason{};
};

/// A file to send and the name that it is offered under.
struct OutgoingFile {
  std::filesystem::path path;
  std::string name;  ///< UTF-8, whatever the file system has.
  std::uint64_t size = 0;
};

/// The files that `paths` name, folders with all that is in them (no symbolic link inside is followed). The error is
/// one line for the user.
[[nodiscard]] std::expected<std::vector<OutgoingFile>, std::string> collect_files(
    const std::vector<std::string>& paths);

/// Sends one file over a channel of its own on `connection`.
[[nodiscard]] boost::asio::awaitable<TransferResult> send_file(PeerConnection& connection, const OutgoingFile& file,
                                                               std::size_t index, std::size_t count, Output& output);

struct ReceiveOptions {
  std::filesystem::path folder;
  Existing existing = Existing::Refuse;
  /// Asked for each offer; declines when it gives false. Empty: everything is taken.
  std::function<boost::asio::awaitable<bool>(const Offer&)> decide{};
};

struct ReceiveResult : TransferResult {
  std::optional<Offer> offer{};
};

/// Receives the file that the peer offers on `channel`.
[[nodiscard]] boost::asio::awaitable<ReceiveResult> receive_file(DataChannel channel, const ReceiveOptions& options,
                                                                 Output& output);

}  // namespace linnet::app
