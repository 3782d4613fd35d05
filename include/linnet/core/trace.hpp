#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "linnet/core/address.hpp"
#include "linnet/core/time.hpp"

/// What a traced session records, and its text in the style of qlog: the header and the fields `time`, `group_id`,
/// `name` and `data` of draft-ietf-quic-qlog-main-schema-01, version 0.3, as NDJSON (one JSON object a line). The names
/// of the events and what is in `data` are linnet's own: there is no schema for WebRTC. They may change between
/// versions.
namespace linnet::trace {

/// "connection:state_updated", "ice:state_updated", "dtls:state_updated", "sctp:state_updated" and other names of this
/// kind. The states are the W3C's words, of SCTP RFC 9260's. All texts live for ever; `before` may be empty.
struct StateUpdated {
  std::string_view name;
  std::string_view before;
  std::string_view after;
};

/// "ice:candidate_gathered" of ours, "ice:candidate_received" of the peer's: the text of RFC 8839.
struct IceCandidate {
  bool local = false;
  std::string text;
};
struct IceCandidateError {  ///< "ice:candidate_error"
  std::string url;
  std::uint16_t code = 0;
  std::string text;
};
/// "ice:candidate_pair_state_updated". `before` is empty when the pair is new; `after` is empty when it is gone.
struct IcePairUpdated {
  std::uint32_t pair = 0;
  Path path;
  std::string_view before;
  std::string_view after;
  bool nominated = false;
};
struct IceSelectedPair {  ///< "ice:selected_pair_updated"
  Path path;
};

/// "dtls:flight_sent", "dtls:flight_resent": a flight of handshake messages (RFC 6347 section 4.2.4) was made ready.
struct DtlsFlight {
  bool again = false;
  std::uint16_t messages = 0;
  std::size_t bytes = 0;
};
/// "dtls:alert_sent", "dtls:alert_received". What is not `sealed` anybody may have sent.
struct DtlsAlert {
  bool sent = false;
  std::uint8_t level = 0;
  std::uint8_t description = 0;
  bool sealed = false;
};
struct DtlsKeysInstalled {  ///< "dtls:keys_installed"; IANA's name of the cipher suite.
  std::string_view role;
  std::string_view cipher;
};

/// One chunk of an SCTP packet; what is set depends on its type.
struct SctpChunk {
  std::string_view type;                  ///< "data", "sack", "init_ack" and so on.
  std::uint16_t size = 0;                 ///< With its header, without padding.
  std::optional<std::uint32_t> tsn{};     ///< DATA, I-DATA: its own; SACK, FORWARD-TSN, SHUTDOWN: the cumulative one.
  std::optional<std::uint16_t> stream{};  ///< DATA, I-DATA
  std::optional<std::uint16_t> gaps{};    ///< SACK: how many gap ack blocks.
  std::optional<std::uint32_t> window{};  ///< SACK, INIT: the advertised receiver window.
};
/// "sctp:packet_sent", "sctp:packet_received", "sctp:packet_dropped" (malformed, or not of this association).
struct SctpPacket {
  enum class What : std::uint8_t { Sent, Received, Dropped };
  static constexpr std::size_t max_chunks = 6;
  What what = What::Sent;
  std::uint32_t size = 0;         ///< Without DTLS.
  std::uint32_t chunk_count = 0;  ///< All of them, of which the first `max_chunks` are here.
  std::array<SctpChunk, max_chunks> chunks{};
};
/// "sctp:data_lost": fragments count as lost; by "sack", "reordering_timer" (RFC 8985) or "t3_rtx".
struct SctpDataLost {
  std::size_t bytes = 0;
  std::string_view trigger;
};
struct SctpDataRetransmitted {  ///< "sctp:data_retransmitted"
  std::uint32_t tsn = 0;
  std::uint16_t stream = 0;
  std::size_t bytes = 0;
};
struct SctpTimerExpired {  ///< "sctp:timer_expired"
  std::string_view timer;
  Duration timeout{};
  unsigned errors = 0;  ///< In a row, this one included.
};
struct SctpMetrics {  ///< "sctp:metrics_updated", after a packet or a timer has changed one.
  std::size_t congestion_window = 0;
  std::size_t slow_start_threshold = 0;  ///< 0: none.
  std::size_t bytes_in_flight = 0;
  std::size_t peer_window = 0;
  Duration smoothed_rtt{};
  Duration retransmission_timeout{};
  friend bool operator==(const SctpMetrics&, const SctpMetrics&) = default;
};
struct SctpMtuUpdated {  ///< "sctp:mtu_updated": sizes of SCTP packets.
  std::size_t before = 0;
  std::size_t after = 0;
};

/// "datachannel:open", "datachannel:closing", "datachannel:closed"; `stream` as soon as it is known.
struct ChannelState {
  std::string_view name;
  std::uint32_t channel = 0;
  std::optional<std::uint16_t> stream{};
  std::string label{};  ///< Of "datachannel:open" only.
};
struct ChannelMessage {  ///< "datachannel:message_sent" (queued), "datachannel:message_received" (read). No content.
  bool sent = false;
  bool binary = false;
  std::uint32_t channel = 0;
  std::uint16_t stream = 0;
  std::size_t bytes = 0;
};

struct RecordsDropped {  ///< "linnet:records_dropped": the owner did not take records fast enough.
  std::uint64_t count = 0;
};

using Event = std::variant<StateUpdated, IceCandidate, IceCandidateError, IcePairUpdated, IceSelectedPair, DtlsFlight,
                           DtlsAlert, DtlsKeysInstalled, SctpPacket, SctpDataLost, SctpDataRetransmitted,
                           SctpTimerExpired, SctpMetrics, SctpMtuUpdated, ChannelState, ChannelMessage, RecordsDropped>;

struct Record {
  TimePoint at{};
  Event event;
};

/// The first line of a file: JSON without a line end.
[[nodiscard]] std::string qlog_header(std::string_view title);
/// Appends the record as one line of JSON with its line end. `wall_clock` is the time of day at the machine clock's
/// epoch: the times in the file are milliseconds of Unix time. `group` tells connections in one file apart.
void append_qlog(std::string& out, const Record& record, std::chrono::nanoseconds wall_clock, std::string_view group);

}  // namespace linnet::trace
