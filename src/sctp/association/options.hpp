#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/trace_buffer.hpp"
#include "linnet/core/time.hpp"
#include "linnet/tuning.hpp"

namespace linnet::sctp {

/// What an association is made with; every queue has its limit here.
struct Options {
  std::uint16_t local_port = 5000;
  std::uint16_t remote_port = 5000;
  /// Outgoing and incoming streams announced; RFC 8831 section 6.2 asks for 65535.
  std::uint16_t streams = 65'535;
  /// RFC 8260: cut messages of several streams into the same stretch of time, where the peer can put them together.
  bool interleaving = true;
  /// RFC 9653: below DTLS nothing can be damaged, so packets need no checksum where both ends say so.
  bool zero_checksum = true;
  /// Largest SCTP packet in bytes, without DTLS, UDP and IP (RFC 8261 section 5), until the path is known to carry
  /// more. At least 512.
  std::size_t mtu = 1'191;
  /// The largest packet that path MTU discovery tries (RFC 8899); not above `mtu`: none.
  std::size_t max_mtu = 0;
  /// What DTLS adds to each packet: path MTUs are tried as the UDP payloads that are usual.
  std::size_t carrier_overhead = 37;
  /// Largest message accepted from the peer; a larger one aborts the association.
  std::size_t max_message_size = 262'144;
  /// Bytes waiting to be sent the first time, with about 130 more for each message; `send` refuses what does not fit,
  /// except for SendOptions::beyond_limit.
  std::size_t max_send_queue = std::size_t{16} * 1024 * 1024;
  /// Payload sent and kept until the cumulative TSN has passed it. The peer's window is no limit, for the peer chooses
  /// it, and neither is the congestion window: who acknowledges what has not arrived yet inflates it. More than a
  /// gigabit over 300 ms has in flight while slow start overshoots.
  std::size_t max_unacknowledged = std::size_t{128} * 1024 * 1024;
  /// The a_rwnd in the beginning and after a rest: bytes held for reassembly or for the reader. It grows with what the
  /// reader takes in a round trip, up to `receive_window`. Both are raised to hold two of our largest messages.
  std::size_t initial_receive_window = std::size_t{1} * 1024 * 1024;
  std::size_t receive_window = std::size_t{96} * 1024 * 1024;

  /// Deviation: RFC 9260 section 16 proposes 1 s for RTO.Initial and RTO.Min. The path was measured
  /// by ICE and DTLS already and a data channel is interactive: a whole second for one lost tail packet
  /// would be felt. A lost tail is probed for much earlier, and a timeout that proves needless is undone; the 200 ms
  /// for which a peer may delay its SACK are added where it may.
  Duration rto_initial = std::chrono::milliseconds(500);
  Duration rto_min = std::chrono::milliseconds(200);
  Duration rto_max = std::chrono::seconds(10);
  /// RFC 9260 section 6.2: at most 500 ms.
  Duration delayed_ack = std::chrono::milliseconds(200);
  /// Idle time before a HEARTBEAT.
  Duration heartbeat_interval = std::chrono::seconds(30);
  Duration cookie_lifetime = std::chrono::seconds(60);
  /// RFC 9260 section 9.2: T5-shutdown-guard.
  Duration shutdown_guard = std::chrono::seconds(50);

  /// Max.Init.Retransmits: INITs or COOKIE-ECHOs sent again before `connect` fails. With backoff from
  /// `rto_initial` to `rto_max` this is about a minute.
  unsigned max_init_retransmits = 8;
  /// Association.Max.Retrans: consecutive timeouts before the path counts as dead.
  unsigned max_retransmits = 10;
  CongestionAlgorithm congestion_algorithm = CongestionAlgorithm::Cubic;
  bool pacing = true;
  bool tolerate_random_loss = true;
  bool ecn = false;  ///< Offer ECN and use it where the peer does, too.
  /// Initial congestion window in packets.
  unsigned initial_window = 10;
  /// Where to record what happens; null: nowhere. Lives longer than the association.
  TraceBuffer* trace = nullptr;
};

/// How one message is sent (RFC 3758, RFC 8831 section 6.4-6.6). At most one of the two limits is set.
struct SendOptions {
  bool unordered = false;
  std::optional<std::uint16_t> max_retransmits{};
  std::optional<Duration> lifetime{};
  /// Its bytes are in the stream's buffered amount. Not: what is no word of the application's.
  bool counted = true;
  /// It goes in though the queue is full, whatever its size: for what the caller bounds by itself. It takes its room.
  bool beyond_limit = false;
};

/// Both ends' INIT chunks, exchanged outside of SCTP; borrowed.
struct ExchangedInits {
  std::span<const std::byte> local;  ///< Of `make_init`, with this association's options.
  std::span<const std::byte> peer;
  std::optional<Duration> round_trip_time{};  ///< Of the path, where it is known: the handshake would have measured it.
};

}  // namespace linnet::sctp
