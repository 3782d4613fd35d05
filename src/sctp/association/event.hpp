#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "linnet/core/error.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// Our INIT was answered: the first messages that are sent now travel with the COOKIE-ECHO, half a round trip before
/// anything that waits for `Connected` (RFC 9260 section 5.1). Comes only where the peer did not complete its own
/// handshake first.
struct PeerAnswered {};
/// The handshake ended. Streams: ids below the number may be used.
struct Connected {
  std::uint16_t outgoing_streams = 0;
  std::uint16_t incoming_streams = 0;
};
/// The stream's queue went from empty to non-empty: call `receive` until it is empty.
struct MessageReady {
  StreamId stream;
};
/// The stream's buffered amount fell to its threshold or below it.
struct BufferedAmountLow {
  StreamId stream;
};
/// The send queue has room again after `send` refused a message.
struct Writable {};
/// The peer reset its outgoing streams (ours incoming). Messages that came before can still be received.
/// Empty: all streams.
struct IncomingStreamsReset {
  std::vector<StreamId> streams;
};
/// The peer performed our `reset_streams`; the ids may be used again, with sequence numbers from 0.
struct OutgoingStreamsReset {
  std::vector<StreamId> streams;
};
struct StreamResetFailed {
  std::vector<StreamId> streams;
  std::string text;
};
/// Orderly shutdown is complete, whichever side began it.
struct Closed {};
/// The association is gone: abort, or too many retransmissions.
struct Failed {
  Error error;
};

using Event = std::variant<PeerAnswered, Connected, MessageReady, BufferedAmountLow, Writable, IncomingStreamsReset,
                           OutgoingStreamsReset, StreamResetFailed, Closed, Failed>;

}  // namespace linnet::sctp
