// The session's half of offer/answer: what jsep decides is done here.
#include <utility>

#include "session/impl.hpp"
#include "session/setup.hpp"

namespace linnet {

Result<SessionDescription> Session::Impl::create_offer(const OfferOptions& options) {
  if (auto open = check_open(); !open) return std::unexpected(std::move(open.error()));
  return negotiation_.create_offer({.ice_restart = options.ice_restart});
}

Result<SessionDescription> Session::Impl::create_answer() {
  if (auto open = check_open(); !open) return std::unexpected(std::move(open.error()));
  return negotiation_.create_answer();
}

Result<> Session::Impl::set_local_description(TimePoint now, std::optional<SessionDescription> description) {
  advance(now);
  if (auto open = check_open(); !open) return open;
  auto changes = description ? negotiation_.set_local_description(description->type, description->sdp)
                             : negotiation_.set_local_description();
  if (!changes) return std::unexpected(std::move(changes.error()));
  local_described_ = true;
  apply(*changes);
  return {};
}

Result<> Session::Impl::set_remote_description(TimePoint now, const SessionDescription& description) {
  advance(now);
  if (auto open = check_open(); !open) return open;
  auto changes = negotiation_.set_remote_description(description);
  if (!changes) return std::unexpected(std::move(changes.error()));
  apply(*changes);
  return {};
}

void Session::Impl::apply(const jsep::Changes& changes) {
  for (const SignalingState state : changes.states) {
    trace_state("connection:signaling_state_updated", {}, to_string(state));
    tell(SignalingStateChange{state});
  }
  if (changes.transport_dropped) drop_transport();
  if (changes.data_mid) data_mid_ = changes.data_mid;
  if (changes.data_m_line_index) data_m_line_index_ = changes.data_m_line_index;
  const bool takes_pool = pooling_ && changes.local_ice;
  apply_local(changes);
  apply_remote(changes);
  for (const IceCandidateInit& early : changes.early_candidates) {
    const auto parsed = ice::parse_candidate(early.candidate);
    IceCandidate shown = parsed ? ice::to_w3c(*parsed, early.sdp_mid, early.sdp_m_line_index) : IceCandidate{};
    static_cast<IceCandidateInit&>(shown) = early;
    tell(IceCandidateFound{std::move(shown)});
  }
  if (takes_pool) show_end_of_pool();
  if (changes.update_negotiation_needed) {
    negotiation_needed_ = false;
    update_negotiation_needed();
  }
  settle();
}

void Session::Impl::apply_local(const jsep::Changes& changes) {
  ice::Agent& ice = transport_->ice();
  if (changes.local_ice && pooling_) {
    open_pool();
  } else if (changes.local_ice) {
    // A restart that was rolled back goes back to the credentials that the peer knows, with fresh checks on them.
    const bool again = changes.local_ice_restart || changes.local_ice_rollback;
    if (again) ice.restart(now_);
    ice.set_local_credentials({.ufrag = changes.local_ice->ufrag, .pwd = changes.local_ice->pwd});
    if (changes.local_ice_rollback) ice.gather(now_);
  }
  if (changes.ice_role) ice.set_role(now_, *changes.ice_role);
  if (changes.gather) ice.gather(now_);
}

void Session::Impl::apply_remote(const jsep::Changes& changes) {
  if (!changes.remote) return;
  const jsep::RemoteTransport& remote = *changes.remote;
  ice::Agent& ice = transport_->ice();
  // jsep has checked their form.
  (void)ice.set_remote(now_, {.credentials = {.ufrag = remote.ice.ufrag, .pwd = remote.ice.pwd},
                              .lite = remote.ice_lite,
                              .trickle = remote.trickle,
                              .renomination = remote.renomination});
  for (const std::string& candidate : remote.candidates) add_remote_candidate(candidate, remote.ice.ufrag);
  if (remote.end_of_candidates) ice.remote_end_of_candidates(now_);

  channels_.set_max_message_size(static_cast<std::size_t>(remote.max_message_size));
  std::vector<crypto::Fingerprint> fingerprints;
  for (const sdp::Fingerprint& f : remote.fingerprints) {
    if (auto parsed = crypto::Fingerprint::parse(f.algorithm, f.value)) fingerprints.push_back(std::move(*parsed));
  }
  const bool restart = transport_->started() && remote.dtls_restart;
  if (transport_->started() && !restart) return;
  const dtls::Role role = changes.dtls_role == jsep::DtlsRole::Server ? dtls::Role::Server : dtls::Role::Client;
  transport::Transport::Start start{.role = role,
                                    .fingerprints = std::move(fingerprints),
                                    .sctp_port = remote.sctp_port,
                                    .local_sctp_init = changes.local_sctp_init,
                                    .peer_sctp_init = remote.sctp_init};
  if (restart) {
    settle();
    channels_.transport_closed(std::nullopt);
    channels_.detach();
    sctp_state_.reset();
    transport_->restart_dtls(now_, std::move(start));
  } else {
    transport_->start(now_, std::move(start));
  }
  channels_.set_parity(role == dtls::Role::Client ? dcep::Parity::Even : dcep::Parity::Odd);
  channels_.attach(*transport_->sctp());
  set_sctp_state(SctpTransportState::Connecting);
  set_dtls_state(DtlsTransportState::Connecting);
}

Result<> Session::Impl::add_ice_candidate(TimePoint now, const std::optional<IceCandidateInit>& candidate) {
  advance(now);
  if (auto open = check_open(); !open) return open;
  if (!candidate) {
    // W3C: no candidate at all ends those of every m-line; there is one that has any.
    const auto mid = negotiation_.data_mid() ? negotiation_.data_mid() : data_mid_;
    if (!negotiation_.remote_description()) {
      return fail(ErrorName::InvalidStateError, "There is no remote description.");
    }
    if (!mid) return {};
    return add_ice_candidate(now, IceCandidateInit{.candidate = "", .sdp_mid = mid});
  }
  auto placed = negotiation_.add_remote_candidate(*candidate);
  if (!placed) return std::unexpected(std::move(placed.error()));
  if (!*placed || !(*placed)->deliver) return {};
  if ((*placed)->end_of_candidates)
    transport_->ice().remote_end_of_candidates(now_);
  else
    add_remote_candidate((*placed)->candidate, (*placed)->ufrag);
  settle();
  return {};
}

/// A candidate that ICE has no use for (of another generation, one too many, an unknown protocol) is no error: the
/// description keeps it, as the W3C has it.
void Session::Impl::add_remote_candidate(const std::string& candidate, const std::string& ufrag) {
  auto parsed = ice::parse_candidate(candidate);
  if (!parsed) return;
  if (!parsed->ufrag && !ufrag.empty()) parsed->ufrag = ufrag;
  (void)transport_->ice().add_remote_candidate(now_, *parsed);
}

void Session::Impl::restart_ice(TimePoint now) {
  advance(now);
  if (closed_) return;
  negotiation_.restart_ice();
  update_negotiation_needed();
}

Result<> Session::Impl::set_configuration(TimePoint now, Configuration configuration) {
  advance(now);
  if (auto open = check_open(); !open) return open;
  // W3C "set the configuration".
  if (!configuration.certificates.empty() && configuration.certificates != configuration_.certificates) {
    return fail(ErrorName::InvalidModificationError, "The certificates cannot be changed.");
  }
  if (configuration.bundle_policy != configuration_.bundle_policy) {
    return fail(ErrorName::InvalidModificationError, "bundlePolicy cannot be changed.");
  }
  if (configuration.rtcp_mux_policy != configuration_.rtcp_mux_policy) {
    return fail(ErrorName::InvalidModificationError, "rtcpMuxPolicy cannot be changed.");
  }
  if (configuration.ice_candidate_pool_size != configuration_.ice_candidate_pool_size && local_described_) {
    return fail(ErrorName::InvalidModificationError, "iceCandidatePoolSize cannot be changed any more.");
  }
  auto servers = session::ice_servers(configuration);
  if (!servers) return std::unexpected(std::move(servers.error()));
  if (configuration.certificates.empty()) configuration.certificates = configuration_.certificates;
  const bool sources_changed = configuration.ice_servers != configuration_.ice_servers ||
                               configuration.ice_transport_policy != configuration_.ice_transport_policy;
  configuration_ = std::move(configuration);
  transport_options_.ice.servers = *servers;
  transport_options_.ice.policy = configuration_.ice_transport_policy;
  transport_->ice().set_servers(std::move(*servers));
  transport_->ice().set_policy(configuration_.ice_transport_policy);
  // RFC 8829 section 4.1.18: pooled candidates are gathered anew, for all else a change waits for the next gathering.
  update_pool(sources_changed);
  return {};
}

std::vector<std::string> Session::Impl::local_username_fragments() const {
  return {transport_->ice().local_credentials().ufrag};
}

SignalingState Session::Impl::signaling_state() const noexcept {
  return closed_ ? SignalingState::Closed : negotiation_.signaling_state();
}

/// W3C "update the negotiation-needed flag": the check itself runs when the event comes to be taken, so that what is
/// done in one go is one negotiation.
void Session::Impl::update_negotiation_needed() {
  if (closed_ || std::exchange(negotiation_check_queued_, true)) return;
  tell(NegotiationNeeded{});
}

bool Session::Impl::take_negotiation_needed() {
  negotiation_check_queued_ = false;
  // Not stable: it is looked at again when stable.
  if (closed_ || negotiation_.signaling_state() != SignalingState::Stable) return false;
  if (!negotiation_.negotiation_needed()) {
    negotiation_needed_ = false;
    return false;
  }
  return !std::exchange(negotiation_needed_, true);
}

}  // namespace linnet
