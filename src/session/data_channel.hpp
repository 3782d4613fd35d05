#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dcep/channel.hpp"
#include "linnet/core/session.hpp"

namespace linnet::session {

/// One data channel as DataChannels keeps it: plain data.
struct DataChannel {
  dcep::ChannelParameters parameters{};
  std::optional<dcep::ChannelStream> stream{};
  DataChannelState state = DataChannelState::Connecting;

  /// RFC 8832 section 6: what goes out is ordered until the ACK or any other message came.
  bool confirmed = false;
  /// W3C "open" was announced.
  bool announced = false;
  /// The OPEN left before the association stood.
  bool opened_early = false;
  /// close() was called here: what still comes is thrown away.
  bool closed_here = false;
  /// The how many-th of the session's channels to close this was.
  std::uint64_t closed_as = 0;
  /// RFC 8831 section 6.7: a channel is closed when both directions of its stream are reset.
  bool incoming_reset = false;
  bool outgoing_reset = false;
  bool outgoing_reset_asked = false;
  /// Both sides have said that they are done, and all was read: what comes on the stream is for its next channel. The
  /// peer may have the answer to its reset while the answer to ours is still under way.
  [[nodiscard]] bool is_given_up() const noexcept { return incoming_reset && outgoing_reset_asked; }
  /// ChannelMessageReady was told and `receive` has not come to the end since.
  bool ready_told = false;
  /// A send was refused; ChannelWritable is owed.
  bool blocked = false;
  std::size_t low_threshold = 0;
  /// W3C bufferedAmount once it is closed: what had not been sent then.
  std::size_t unsent = 0;

  /// Messages taken from the association before the reader asked: those that came before the OPEN, and one that had to
  /// be looked at to find an ACK. Mostly none: a deque would cost every channel half a kilobyte.
  std::vector<DataChannelMessage> inbox{};

  std::uint32_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint32_t messages_received = 0;
  std::uint64_t bytes_received = 0;
};

}  // namespace linnet::session
