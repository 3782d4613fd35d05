#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "linnet/core/datagram.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "linnet/states.hpp"
#include "sctp/association/event.hpp"
#include "sctp/association/message.hpp"
#include "sctp/association/options.hpp"
#include "sctp/association/statistics.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

class Core;

/// One SCTP association (RFC 9260 over DTLS as RFC 8261 and RFC 8831 profile it): a PipeMachine.
/// Owned by transport::Transport, which carries its packets in DTLS records. It never opens anything,
/// never asks for the time and never calls back. Everything it answers is written by `poll_packet`,
/// so that a whole batch of received packets is acknowledged by one SACK.
class Association {
 public:
  using Event = sctp::Event;

  Association(Options options, Generator& generator);
  ~Association();
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;

  // Input.
  void handle_packet(TimePoint now, std::span<const std::byte> packet, Ecn ecn = Ecn::NotEct);
  void handle_timeout(TimePoint now);

  // Output. `out` should hold `packet_room()` bytes; a smaller one limits the packet's size.
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  /// What the next packet may need of `out`; a probe of the path's MTU that does not fit waits.
  [[nodiscard]] std::size_t packet_room() const noexcept;
  /// Of the packet that was polled last.
  [[nodiscard]] Sizing sizing() const noexcept;
  /// What the datagrams are to be marked with. Deviation: RFC 3168 would leave pure acknowledgements unmarked, but what
  /// a packet will hold is known only when it is written.
  [[nodiscard]] Ecn ecn() const noexcept;
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  [[nodiscard]] std::optional<Event> poll_event();

  // Verbs.
  /// Sends an INIT. Both ends may call it; an INIT from the peer is answered even if this one did not.
  void connect(TimePoint now);
  /// draft-hancke-tsvwg-snap: no handshake, `Connected` follows at once. The peer must begin from the same two.
  /// `TypeError`: not INITs that can be answered; `InvalidStateError`: begun already. Nothing has happened then.
  [[nodiscard]] Result<> connect(TimePoint now, const ExchangedInits& inits);
  /// Queues a copy of the message; allowed from the start, it travels once connected. `TypeError`: empty or longer
  /// than the whole send queue; `OperationError`: the queue is full now (`Writable` follows), the stream is being reset
  /// (`OutgoingStreamsReset` follows) or out of range; `InvalidStateError`: shut down or gone. RFC 9260 section 3.3.1
  /// has no empty messages.
  [[nodiscard]] Result<> send(TimePoint now, StreamId stream, Ppid ppid, std::span<const std::byte> payload,
                              SendOptions options = {});
  /// The next whole message of the stream. What is not pulled keeps the advertised window small.
  [[nodiscard]] std::optional<Message> receive(StreamId stream);
  /// RFC 6525 outgoing reset, after everything queued on the streams was sent and acknowledged.
  [[nodiscard]] Result<> reset_streams(TimePoint now, std::span<const StreamId> streams);
  /// Delivers everything queued, then closes.
  void shutdown(TimePoint now);
  /// Tells the peer and forgets everything at once; only the ABORT packet is left to poll. No event follows.
  void abort(TimePoint now, std::string_view reason);
  /// What carries the association was closed by the peer: ends at once, without a packet. Closed when the peer's
  /// SHUTDOWN had come and it had everything of us; else Failed, for then nobody knows what was lost.
  void carrier_closed(TimePoint now);
  /// What carries the association takes another path: its MTU is searched anew from `Options::mtu` on, the congestion
  /// window begins anew (RFC 9260 section 7.2 keeps one for each path), and the last one's round trips are forgotten.
  void path_changed(TimePoint now);
  void set_buffered_amount_low_threshold(StreamId stream, std::size_t threshold);
  /// RFC 8831 section 6.4, RFC 8260 section 3.6: streams with something to send share the path by their weights, 256 if
  /// never set (W3C "low"); for each fragment where the peer interleaves, else for each message. At least 1. Forgotten
  /// when the stream is reset.
  void set_weight(StreamId stream, std::uint16_t weight);

  // State.
  [[nodiscard]] SctpTransportState state() const noexcept;
  /// Payload bytes of the stream's counted messages (SendOptions) not yet put on the wire the first time.
  [[nodiscard]] std::size_t buffered_amount(StreamId stream) const noexcept;
  /// Of all messages.
  [[nodiscard]] std::size_t total_buffered() const noexcept;
  /// Size of the largest message that `send` would accept now.
  [[nodiscard]] std::size_t send_room() const noexcept;
  /// Whether `send` refuses the stream until its reset is answered.
  [[nodiscard]] bool resetting(StreamId stream) const noexcept;
  /// Streams negotiated; 0 before `PeerAnswered` and `Connected`.
  [[nodiscard]] std::uint16_t outgoing_streams() const noexcept;
  [[nodiscard]] std::uint16_t incoming_streams() const noexcept;
  /// RFC 8260: messages of different streams do not wait for one another; false before `Connected`.
  [[nodiscard]] bool interleaving() const noexcept;
  [[nodiscard]] Statistics statistics() const;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace linnet::sctp
