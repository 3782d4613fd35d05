// W3C getStats().
#include <chrono>
#include <string>
#include <utility>

#include "base/base64.hpp"
#include "session/impl.hpp"

namespace linnet {
namespace {

constexpr auto transport_id = "T0";

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
double milliseconds(TimePoint t) { return std::chrono::duration<double, std::milli>(t.time_since_epoch()).count(); }
std::string candidate_id(bool remote, ice::CandidateId id) {
  return (remote ? "IR" : "IL") + std::to_string(id.value());
}
std::string pair_id(ice::PairId id) { return "CP" + std::to_string(id.value()); }

template <class S>
void put(StatsReport& report, S stats) {
  std::string id = stats.id;
  report.insert_or_assign(std::move(id), std::move(stats));
}

CandidatePairState pair_state(ice::PairState state) {
  switch (state) {
    case ice::PairState::Frozen: return CandidatePairState::Frozen;
    case ice::PairState::Waiting: return CandidatePairState::Waiting;
    case ice::PairState::InProgress: return CandidatePairState::InProgress;
    case ice::PairState::Succeeded: return CandidatePairState::Succeeded;
    case ice::PairState::Failed: return CandidatePairState::Failed;
  }
  std::unreachable();
}

void add_candidate(StatsReport& report, double at, bool remote, const ice::KnownCandidate& known,
                   const std::string& ufrag) {
  const ice::Candidate& c = known.candidate;
  IceCandidateStats stats{{.timestamp = at, .id = candidate_id(remote, known.id)}};
  stats.remote = remote;
  stats.transport_id = transport_id;
  stats.address = ice::address_text(c);
  stats.port = c.port;
  stats.protocol = to_string(c.protocol);
  stats.candidate_type = c.type;
  stats.priority = c.priority;
  if (!c.url.empty()) stats.url = c.url;
  if (c.relay_protocol) stats.relay_protocol = to_string(*c.relay_protocol);
  stats.foundation = c.foundation;
  if (c.related) {
    stats.related_address = to_string(c.related->address);
    stats.related_port = c.related->port;
  }
  stats.username_fragment = c.ufrag.value_or(ufrag);
  stats.tcp_type = c.tcp_type;
  put(report, std::move(stats));
}

void add_pair(StatsReport& report, double at, const ice::CandidatePair& pair) {
  CandidatePairStats stats{{.timestamp = at, .id = pair_id(pair.id)}};
  stats.transport_id = transport_id;
  stats.local_candidate_id = candidate_id(false, pair.local);
  stats.remote_candidate_id = candidate_id(true, pair.remote);
  stats.state = pair_state(pair.state);
  stats.nominated = pair.nominated;
  const ice::PairStatistics& s = pair.statistics;
  stats.packets_sent = s.packets_sent;
  stats.packets_received = s.packets_received;
  stats.bytes_sent = s.bytes_sent;
  stats.bytes_received = s.bytes_received;
  if (s.packets_sent != 0) stats.last_packet_sent_timestamp = milliseconds(s.last_packet_sent);
  if (s.packets_received != 0) stats.last_packet_received_timestamp = milliseconds(s.last_packet_received);
  stats.packets_discarded_on_send = s.packets_discarded;
  stats.bytes_discarded_on_send = s.bytes_discarded;
  stats.total_round_trip_time = seconds(s.total_round_trip_time);
  if (s.current_round_trip_time) stats.current_round_trip_time = seconds(*s.current_round_trip_time);
  stats.requests_sent = s.requests_sent;
  stats.requests_received = s.requests_received;
  stats.responses_sent = s.responses_sent;
  stats.responses_received = s.responses_received;
  stats.consent_requests_sent = s.consent_requests_sent;
  put(report, std::move(stats));
}

void add_ice(StatsReport& report, double at, const ice::Agent& agent) {
  const ice::AgentStatistics& s = agent.statistics();
  const ice::turn::Statistics turn = agent.relay_statistics();
  IceStats stats{{.timestamp = at, .id = "ICE"}};
  stats.transport_id = transport_id;
  stats.malformed = s.malformed;
  stats.unauthenticated = s.unauthenticated;
  stats.unexpected = s.unexpected;
  stats.unknown_attributes = s.unknown_attributes;
  stats.candidates_dropped = s.candidates_dropped;
  stats.limits_hit = s.limits_hit;
  stats.turn_malformed = turn.malformed;
  stats.turn_unexpected = turn.unexpected;
  stats.turn_forged = turn.forged;
  stats.turn_limits_hit = turn.limits_hit;
  put(report, std::move(stats));
}

std::string add_certificate(StatsReport& report, double at, const crypto::Fingerprint& fingerprint,
                            std::span<const std::byte> der) {
  CertificateStats stats{{.timestamp = at, .id = "CF" + fingerprint.value_text()}};
  stats.fingerprint = fingerprint.value_text();
  stats.fingerprint_algorithm = fingerprint.algorithm;
  stats.base64_certificate = base64(der);
  std::string id = stats.id;
  put(report, std::move(stats));
  return id;
}

void add_channel(StatsReport& report, double at, ChannelId id, const session::DataChannel& channel) {
  DataChannelStats stats{{.timestamp = at, .id = "D" + std::to_string(std::to_underlying(id))}};
  stats.label = channel.parameters.label;
  stats.protocol = channel.parameters.protocol;
  if (channel.stream) stats.data_channel_identifier = channel.stream->value();
  stats.state = channel.state;
  stats.messages_sent = channel.messages_sent;
  stats.bytes_sent = channel.bytes_sent;
  stats.messages_received = channel.messages_received;
  stats.bytes_received = channel.bytes_received;
  put(report, std::move(stats));
}

void add_sctp(StatsReport& report, double at, const sctp::Association& sctp) {
  const sctp::Statistics s = sctp.statistics();
  SctpTransportStats stats{{.timestamp = at, .id = "SCTP"}};
  stats.transport_id = transport_id;
  stats.state = sctp.state();
  stats.smoothed_round_trip_time = seconds(s.smoothed_round_trip_time);
  stats.congestion_window = s.congestion_window;
  stats.receiver_window = s.peer_receive_window;
  if (s.slow_start_threshold != static_cast<std::size_t>(-1)) stats.slow_start_threshold = s.slow_start_threshold;
  stats.pacing_rate = s.pacing_rate * 8;
  stats.mtu = s.mtu;
  stats.unack_data = s.unacked_chunks;
  stats.bytes_in_flight = s.bytes_in_flight;
  stats.buffered_data = sctp.total_buffered();
  stats.retransmitted_chunks = s.chunks_retransmitted;
  put(report, std::move(stats));
}

}  // namespace

StatsReport Session::Impl::get_stats(TimePoint now) const {
  StatsReport report;
  const double at = milliseconds(std::max(now, now_));

  PeerConnectionStats peer{{.timestamp = at, .id = "P"}};
  peer.data_channels_opened = channels_.opened();
  peer.data_channels_closed = channels_.closed();
  put(report, std::move(peer));
  for (const ChannelId id : channels_.all()) add_channel(report, at, id, *channels_.find(id));
  if (!negotiation_.local_description() && !negotiation_.remote_description()) return report;

  const ice::Agent& ice = transport_->ice();
  const dtls::Connection& dtls = transport_->dtls();
  TransportStats transport{{.timestamp = at, .id = transport_id}};
  const transport::Statistics& s = transport_->statistics();
  transport.packets_sent = s.packets_sent;
  transport.packets_received = s.packets_received;
  transport.bytes_sent = s.bytes_sent;
  transport.bytes_received = s.bytes_received;
  transport.ice_role = ice.role();
  transport.ice_local_username_fragment = ice.local_credentials().ufrag;
  transport.dtls_state = dtls_state_;
  transport.ice_state = ice_state_;
  const auto selected = ice.selected_pair();
  if (selected) transport.selected_candidate_pair_id = pair_id(selected->pair.id);
  if (!dtls.version().empty()) transport.tls_version = dtls.version();
  if (!dtls.cipher().empty()) transport.dtls_cipher = dtls.cipher();
  if (!dtls.srtp_profile().empty()) transport.srtp_cipher = dtls.srtp_profile();
  transport.dtls_role = dtls.role() ? dtls::to_string(*dtls.role()) : "unknown";
  transport.selected_candidate_pair_changes = ice.selected_pair_changes();

  const crypto::Certificate& local = transport_options_.dtls.certificate;
  transport.local_certificate_id = add_certificate(report, at, local.fingerprint(), local.der());
  if (const auto remote = dtls.remote_certificate(); !remote.empty()) {
    const crypto::Digest digest = crypto::hash(crypto::Hash::Sha256, remote);
    const crypto::Fingerprint fingerprint{.algorithm = std::string{crypto::textual_name(crypto::Hash::Sha256)},
                                          .value = {digest.bytes().begin(), digest.bytes().end()}};
    transport.remote_certificate_id = add_certificate(report, at, fingerprint, remote);
  }
  put(report, std::move(transport));

  if (!pooling_) {
    for (const auto& known : ice.local_candidates()) {
      add_candidate(report, at, false, known, ice.local_credentials().ufrag);
    }
  }
  add_ice(report, at, ice);
  const std::string remote_ufrag = ice.remote() ? ice.remote()->credentials.ufrag : std::string{};
  for (const auto& known : ice.remote_candidates()) add_candidate(report, at, true, known, remote_ufrag);
  for (const ice::CandidatePair& pair : ice.pairs()) add_pair(report, at, pair);
  // While a restart is under way, data goes over a pair that is none of the agent's present ones.
  if (selected && !report.contains(pair_id(selected->pair.id))) {
    add_candidate(report, at, false, {selected->pair.local, selected->local}, {});
    add_candidate(report, at, true, {selected->pair.remote, selected->remote}, {});
    add_pair(report, at, selected->pair);
  }
  if (const sctp::Association* sctp = transport_->sctp()) add_sctp(report, at, *sctp);
  return report;
}

}  // namespace linnet
