#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "linnet/linnet.hpp"
#include "options.hpp"
#include "output.hpp"

namespace linnet::app {

/// Another peer and the connection to it. Shared by Meeting and the command that talks to it.
class Remote {
 public:
  Remote(Executor executor, Configuration configuration, Tuning tuning)
      : connection{std::move(executor), std::move(configuration), std::move(tuning)} {}

  std::string id{};
  std::string name{};   ///< What it calls itself, made printable.
  bool caller = false;  ///< This side makes the connection, and the first channel.
  bool was_connected = false;
  std::string path{};  ///< In words, as last told.
  PeerConnection connection;
};
using RemotePtr = std::shared_ptr<Remote>;

/// Why a connection ended.
enum class Ending {
  Closed,   ///< The peer closed it, or left.
  Failed,   ///< No path was found, or it was lost.
  Refused,  ///< The peer is not who signaling said (its certificate's fingerprint is wrong).
};

/// Where peers find each other: a room of a signaling server, or one peer over standard input and output. It makes the
/// connections, negotiates them, and tells the command. Owned by a command; lives on one executor.
class Meeting {
 public:
  Meeting(Executor executor, MeetingOptions options, Output& output);
  ~Meeting();  ///< Closes every connection; what was sent is still delivered while the executor runs.
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  /// A peer is there: attach handlers, and make channels if `caller`. Nothing was negotiated yet.
  std::function<void(const RemotePtr&)> on_remote;
  std::function<void(const RemotePtr&)> on_connected;
  /// The connection is over; `remote` is not in the meeting any more.
  std::function<void(const RemotePtr&, Ending, const std::string& why)> on_gone;
  /// Over stdio: a line of standard input that is no signaling.
  std::function<void(const std::string&)> on_line;

  /// Connects to the server and joins the room, or starts to read standard input. Throws linnet::Exception with one
  /// line for the user.
  [[nodiscard]] boost::asio::awaitable<void> open();

  [[nodiscard]] std::size_t size() const;
  /// http://host:port/r/ROOM for a browser; empty over stdio.
  [[nodiscard]] std::string link() const;
  /// Ends the connection to one peer.
  void drop(const RemotePtr& remote);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// "direct" or "direct over IPv6".
[[nodiscard]] std::string path_in_words(const PeerConnection& connection);

}  // namespace linnet::app
