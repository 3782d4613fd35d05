#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "linnet/states.hpp"

namespace linnet {

// W3C "Identifiers for WebRTC's Statistics API": the dictionaries that linnet fills, with the W3C member names in
// snake_case. Times and rates are in the W3C's units: seconds, bytes, bits per second; a timestamp is milliseconds.

/// W3C RTCStats.
struct Stats {
  double timestamp = 0;  ///< Milliseconds of Unix time; from Session::get_stats: of the clock that drives it.
  std::string id{};
};

/// W3C RTCPeerConnectionStats, type "peer-connection".
struct PeerConnectionStats : Stats {
  std::uint32_t data_channels_opened = 0;
  std::uint32_t data_channels_closed = 0;
};

/// W3C RTCTransportStats, type "transport".
struct TransportStats : Stats {
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;      ///< UDP payload bytes, without connectivity checks.
  std::uint64_t bytes_received = 0;  ///< UDP payload bytes, without connectivity checks.
  IceRole ice_role = IceRole::Unknown;
  std::string ice_local_username_fragment{};
  DtlsTransportState dtls_state = DtlsTransportState::New;
  IceConnectionState ice_state = IceConnectionState::New;
  std::optional<std::string> selected_candidate_pair_id{};
  std::optional<std::string> local_certificate_id{};
  std::optional<std::string> remote_certificate_id{};
  std::optional<std::string> tls_version{};  ///< Four upper-case hexadecimal digits: "FEFD" is DTLS 1.2.
  std::optional<std::string> dtls_cipher{};  ///< IANA name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256".
  std::optional<std::string> dtls_role{};    ///< "client", "server" or "unknown".
  std::optional<std::string> srtp_cipher{};
  std::uint32_t selected_candidate_pair_changes = 0;
};

/// W3C RTCStatsIceCandidatePairState.
enum class CandidatePairState : std::uint8_t { Frozen, Waiting, InProgress, Failed, Succeeded };
[[nodiscard]] std::string_view to_string(CandidatePairState state) noexcept;

/// W3C RTCIceCandidatePairStats, type "candidate-pair".
struct CandidatePairStats : Stats {
  std::string transport_id{};
  std::string local_candidate_id{};
  std::string remote_candidate_id{};
  CandidatePairState state = CandidatePairState::Frozen;
  bool nominated = false;
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  /// Milliseconds, as `Stats::timestamp`; without connectivity checks. Empty: there was none.
  std::optional<double> last_packet_sent_timestamp{};
  std::optional<double> last_packet_received_timestamp{};
  /// What no socket took, connectivity checks included; otherwise lost as any packet may be. Over a relay with the
  /// bytes around them.
  std::uint64_t packets_discarded_on_send = 0;
  std::uint64_t bytes_discarded_on_send = 0;
  double total_round_trip_time = 0;                 ///< Seconds, over all responses.
  std::optional<double> current_round_trip_time{};  ///< Seconds.
  std::uint64_t requests_sent = 0;
  std::uint64_t requests_received = 0;
  std::uint64_t responses_sent = 0;
  std::uint64_t responses_received = 0;
  std::uint64_t consent_requests_sent = 0;
};

/// W3C RTCIceCandidateStats, types "local-candidate" and "remote-candidate".
struct IceCandidateStats : Stats {
  bool remote = false;  ///< Which of the two types.
  std::string transport_id{};
  std::string address{};
  std::uint16_t port = 0;
  std::string protocol{};
  IceCandidateType candidate_type = IceCandidateType::Host;
  std::uint32_t priority = 0;
  std::optional<std::string> url{};
  std::optional<std::string> relay_protocol{};
  std::string foundation{};
  std::optional<std::string> related_address{};
  std::optional<std::uint16_t> related_port{};
  std::string username_fragment{};
  std::optional<IceTcpCandidateType> tcp_type{};
};

/// W3C RTCCertificateStats, type "certificate".
struct CertificateStats : Stats {
  std::string fingerprint{};
  std::string fingerprint_algorithm{};
  std::string base64_certificate{};  ///< DER.
};

/// W3C RTCDataChannelStats, type "data-channel".
struct DataChannelStats : Stats {
  std::string label{};
  std::string protocol{};
  std::optional<std::uint16_t> data_channel_identifier{};
  DataChannelState state = DataChannelState::Connecting;
  std::uint32_t messages_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint32_t messages_received = 0;
  std::uint64_t bytes_received = 0;
};

/// What webrtc-stats leaves to "RTCSctpTransportStats" (obsolete there) and we still want to see; type
/// "linnet-sctp-transport".
struct SctpTransportStats : Stats {
  std::string transport_id{};
  SctpTransportState state = SctpTransportState::Connecting;
  double smoothed_round_trip_time = 0;                  ///< Seconds.
  std::uint64_t congestion_window = 0;                  ///< Bytes.
  std::optional<std::uint64_t> slow_start_threshold{};  ///< Bytes; nothing before the first congestion.
  double pacing_rate = 0;                               ///< Bits per second; 0 while nothing is paced.
  std::uint64_t receiver_window = 0;                    ///< The peer's, bytes.
  std::uint64_t mtu = 0;                                ///< The largest SCTP packet, bytes.
  std::uint64_t unack_data = 0;                         ///< DATA chunks sent and not yet acknowledged.
  std::uint64_t bytes_in_flight = 0;
  std::uint64_t buffered_data = 0;  ///< Bytes waiting over all channels.
  std::uint64_t retransmitted_chunks = 0;
};

/// What ICE has dropped: nobody knows these where all goes well. Type "linnet-ice".
struct IceStats : Stats {
  std::string transport_id{};
  std::uint64_t malformed = 0;           ///< Not STUN, or STUN that is no message.
  std::uint64_t unauthenticated = 0;     ///< Wrong or missing user name or integrity.
  std::uint64_t unexpected = 0;          ///< Answers to nothing, or from elsewhere; methods that ICE does not serve.
  std::uint64_t unknown_attributes = 0;  ///< Messages with one that must be understood.
  std::uint64_t candidates_dropped = 0;  ///< Of the peer's: too many, see `Tuning::ice_max_remote_candidates`.
  std::uint64_t limits_hit = 0;          ///< Those, and pairs, checks and packets for which there was no room.
  std::uint64_t turn_malformed = 0;      ///< From TURN servers: neither STUN nor ChannelData.
  std::uint64_t turn_unexpected = 0;     ///< Answers to nothing, unknown channels, peers that were not permitted.
  std::uint64_t turn_forged = 0;         ///< Answers without the right integrity.
  std::uint64_t turn_limits_hit = 0;
};

/// The socket that connections share with `Tuning::udp_mux_port`, and what all of them have seen; type
/// "linnet-udp-mux".
struct UdpMuxStats : Stats {
  std::uint16_t port = 0;
  std::uint64_t unknown = 0;    ///< Datagrams received that were no connection's.
  std::uint64_t contested = 0;  ///< Checks not sent, because the path is another connection's.
};

/// The port that connections share with `Tuning::tcp_mux_port`, and what all of them have seen; type "linnet-tcp-mux".
struct TcpMuxStats : Stats {
  std::uint16_t port = 0;
  std::uint64_t strangers = 0;  ///< Streams that have not said yet whom they want.
  std::uint64_t accepted = 0;   ///< Streams that came in, of which these became a connection's,
  std::uint64_t handed_over = 0;
  std::uint64_t crowded_out = 0;  ///< these went because there were too many strangers,
  std::uint64_t timed_out = 0;    ///< these said nothing in time,
  std::uint64_t malformed = 0;    ///< these said something else than a check,
  std::uint64_t unknown = 0;      ///< these named no connection,
  std::uint64_t ended = 0;        ///< and these ended before they had said whom they wanted.
};

using AnyStats =
    std::variant<PeerConnectionStats, TransportStats, CandidatePairStats, IceCandidateStats, CertificateStats,
                 DataChannelStats, SctpTransportStats, IceStats, UdpMuxStats, TcpMuxStats>;

/// W3C RTCStatsReport: each object under its id.
using StatsReport = std::map<std::string, AnyStats, std::less<>>;

/// The W3C RTCStatsType string of an object: "transport", "local-candidate" ...
[[nodiscard]] std::string_view type_of(const AnyStats& stats) noexcept;

}  // namespace linnet
