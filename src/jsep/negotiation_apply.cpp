// Negotiation: how descriptions are applied and rolled back, RFC 8829 sections 5.5 to 5.7 and 5.9 to 5.11.
#include <algorithm>

#include "base/base64.hpp"
#include "jsep/checks.hpp"
#include "jsep/negotiation.hpp"
#include "jsep/remote_transport.hpp"
#include "jsep/sctp_init.hpp"

namespace linnet::jsep {

// RFC 8829 sections 5.5 and 5.6, the state machine of W3C figure 2.
Result<> Negotiation::check_type(SdpType type, bool remote) const {
  const SignalingState offered = remote ? SignalingState::HaveRemoteOffer : SignalingState::HaveLocalOffer;
  const SignalingState to_answer = remote ? SignalingState::HaveLocalOffer : SignalingState::HaveRemoteOffer;
  const SignalingState pranswer = remote ? SignalingState::HaveRemotePranswer : SignalingState::HaveLocalPranswer;
  const bool ok = type == SdpType::Offer ? state_ == SignalingState::Stable || state_ == offered
                                         : state_ == to_answer || state_ == pranswer;
  if (ok) return {};
  return fail(ErrorName::InvalidStateError, "a " + std::string{remote ? "remote " : "local "} +
                                                std::string{to_string(type)} + " is not allowed in the state " +
                                                std::string{to_string(state_)});
}

void Negotiation::enter(SignalingState state, Changes& changes) {
  if (state_ == state) return;
  state_ = state;
  changes.states.push_back(state);
  if (state == SignalingState::Stable) changes.update_negotiation_needed = true;
}

Result<Changes> Negotiation::apply_local(SdpType type, const Created& created) {
  Changes changes;
  if (type == SdpType::Offer) {
    pending_local_ = Applied{.type = type, .description = created.description};
    if (find_data_section(created.description)) {
      use_credentials(created.ice, changes);
      tell_former_transport(changes);
      if (!remote_transport_) changes.ice_role = options_.ice_lite ? IceRole::Controlled : IceRole::Controlling;
    }
    name_data_section(created.description, changes);
    show_early_candidates(changes);
    enter(SignalingState::HaveLocalOffer, changes);
    return changes;
  }
  // An answer made for an earlier offer may not fit the one that has replaced it.
  const sdp::Description& offer = pending_remote_->description;
  if (!check_answer_matches(offer, created.description))
    return fail(ErrorName::InvalidModificationError, "the answer was made for another offer");
  auto connection = plan(offer, created.description, true);
  if (!connection) return std::unexpected(std::move(connection.error()));
  if (connection->accepted) use_credentials(created.ice, changes);
  pending_local_ = Applied{.type = type, .description = created.description};
  name_data_section(created.description, changes);
  connect(std::move(*connection), type, true, changes);
  show_early_candidates(changes);
  if (type == SdpType::Pranswer) {
    enter(SignalingState::HaveLocalPranswer, changes);
    return changes;
  }
  current_local_ = std::move(pending_local_);
  current_remote_ = std::move(pending_remote_);
  complete(changes);
  return changes;
}

Result<Changes> Negotiation::apply_remote(SdpType type, sdp::Description description, bool roll_back_first) {
  if (auto ok = check_attributes(description); !ok) return std::unexpected(std::move(ok.error()));
  if (auto ok = check_groups(description); !ok) return std::unexpected(std::move(ok.error()));
  Changes changes;
  if (type == SdpType::Offer) {
    // Only the last completed exchange binds a new offer: one that was not answered may have been rolled
    // back by its maker.
    if (current_local_ && current_remote_)
      if (auto ok = check_offer_follows(current_local_->description, current_remote_->description, description); !ok)
        return std::unexpected(std::move(ok.error()));
    if (const auto index = find_data_section(description, current_data_mid().value_or("")))
      if (auto read = read_peer(description, *index); !read) return std::unexpected(std::move(read.error()));
    if (roll_back_first) undo_offer(changes);
    ++epoch_;
    name_data_section(description, changes);
    pending_remote_ = Applied{.type = type, .description = std::move(description)};
    enter(SignalingState::HaveRemoteOffer, changes);
    return changes;
  }
  const sdp::Description& offer = pending_local_->description;
  if (auto ok = check_answer_matches(offer, description); !ok) return std::unexpected(std::move(ok.error()));
  auto connection = plan(offer, description, false);
  if (!connection) return std::unexpected(std::move(connection.error()));
  name_data_section(description, changes);
  connect(std::move(*connection), type, false, changes);
  pending_remote_ = Applied{.type = type, .description = std::move(description)};
  if (type == SdpType::Pranswer) {
    enter(SignalingState::HaveRemotePranswer, changes);
    return changes;
  }
  current_local_ = std::move(pending_local_);
  current_remote_ = std::move(pending_remote_);
  complete(changes);
  return changes;
}

// RFC 8829 section 4.1.10.2 and 5.7.
Result<Changes> Negotiation::roll_back() {
  Changes changes;
  if (state_ == SignalingState::HaveLocalOffer) {
    undo_offer(changes);
  } else if (state_ == SignalingState::HaveRemoteOffer) {
    pending_remote_.reset();
    ++epoch_;
    enter(SignalingState::Stable, changes);
  } else {
    return fail(ErrorName::InvalidStateError, "there is no offer to roll back");
  }
  return changes;
}

void Negotiation::undo_offer(Changes& changes) {
  pending_local_.reset();
  ++epoch_;
  // A first offer's credentials stay for the description that follows (mostly the answer to the peer's
  // offer that won), so that nothing is gathered twice; those of a restart give way to the former ones.
  if (stable_ice_ && used_ice_ != stable_ice_) {
    use_credentials(*stable_ice_, changes);
    tell_former_transport(changes);
  }
  enter(SignalingState::Stable, changes);
}

/// The restart had made ICE forget the peer: it is told again what the last exchange said.
void Negotiation::tell_former_transport(Changes& changes) const {
  if (!changes.local_ice_rollback) return;
  const auto mid = current_data_mid();
  const auto index = mid ? find_data_section(current_remote_->description, *mid) : std::nullopt;
  if (!index || !remote_transport_) return;
  auto former = read_remote_transport(current_remote_->description, *index);
  if (!former || former->ice != remote_transport_->ice) return;
  changes.remote = std::move(*former);
  changes.dtls_role = dtls_role_;
  const bool controlling =
      remote_transport_->ice_lite != options_.ice_lite ? remote_transport_->ice_lite : *first_offer_was_ours_;
  changes.ice_role = controlling ? IceRole::Controlling : IceRole::Controlled;
}

void Negotiation::use_credentials(const IceCredentials& ice, Changes& changes) {
  if (used_ice_ == ice) return;
  changes.local_ice = ice;
  changes.local_ice_rollback = used_ice_ && stable_ice_ == ice;
  changes.local_ice_restart = used_ice_ && !changes.local_ice_rollback;
  changes.gather = !changes.local_ice_rollback;
  used_ice_ = ice;
  std::erase_if(generations_, [this](const Generation& g) { return g.ice != stable_ice_ && g.ice != used_ice_; });
  const bool known = std::ranges::find(generations_, ice, &Generation::ice) != generations_.end();
  const bool pooled = first_ && first_->ice == ice;
  if (!known) generations_.push_back(pooled ? std::move(*first_) : Generation{.ice = ice});
  first_.reset();
}

void Negotiation::name_data_section(const sdp::Description& description, Changes& changes) const {
  const auto index = find_data_section(description, current_data_mid().value_or(""));
  if (!index) return;
  changes.data_mid = std::string{mid_of(description.media[*index])};
  changes.data_m_line_index = static_cast<std::uint16_t>(*index);
}

namespace {

bool is_accepted_data(const sdp::MediaSection& offered, const sdp::MediaSection& answered) {
  return !is_rejected(offered) && is_data_section(offered) && answered.port != 0 && is_data_section(answered);
}

/// RFC 8842 section 5.3: which side of DTLS the answerer is. RFC 4145 section 4: who says nothing is active.
Result<DtlsRole> answerer_role(std::optional<sdp::Setup> offered, std::optional<sdp::Setup> answered) {
  if (!answered) answered = offered == sdp::Setup::Active ? sdp::Setup::Passive : sdp::Setup::Active;
  if (answered == sdp::Setup::Actpass) return fail(ErrorName::InvalidAccessError, "a=setup:actpass is not for answers");
  if (offered && offered == answered)
    return fail(ErrorName::InvalidAccessError, "offer and answer claim the same a=setup role");
  return answered == sdp::Setup::Active ? DtlsRole::Client : DtlsRole::Server;
}

std::optional<std::string> tls_id_of(const sdp::Description& description, std::size_t index) {
  auto value = description.media[index].attributes.value("tls-id");
  if (!value) value = description.attributes.value("tls-id");
  return value ? std::optional{std::string{*value}} : std::nullopt;
}

}  // namespace

/// RFC 8842 section 5.5: other fingerprints or another a=tls-id are a new DTLS association, and so a new SCTP one.
bool Negotiation::begins_association(const Connection& with) const {
  return !remote_transport_ || remote_transport_->fingerprints != with.transport.fingerprints ||
         (with.remote_tls_id && remote_tls_id_ && with.remote_tls_id != remote_tls_id_);
}

/// What the peer's description says of its own end.
Result<Negotiation::Connection> Negotiation::read_peer(const sdp::Description& theirs, std::size_t index) const {
  Connection out;
  auto transport = read_remote_transport(theirs, index);
  if (!transport) return std::unexpected(std::move(transport.error()));
  out.transport = std::move(*transport);
  out.remote_tls_id = tls_id_of(theirs, index);
  if (!options_.sctp_inits) return out;
  auto init = read_sctp_init(theirs.media[index], *options_.sctp_inits);
  if (!init) return std::unexpected(std::move(init.error()));
  out.transport.sctp_init = std::move(*init);
  // draft-hancke-tsvwg-snap, "Modifying the Session". One that is left out changes nothing.
  const auto& now = out.transport.sctp_init;
  if (!now.empty() && !begins_association(out) && now != remote_transport_->sctp_init)
    return fail(ErrorName::InvalidAccessError, "a=sctp-init cannot change while the association lives");
  return out;
}

Result<Negotiation::Connection> Negotiation::plan(const sdp::Description& offer, const sdp::Description& answer,
                                                  bool answer_is_ours) const {
  Connection out{.offered = find_data_section(offer).has_value()};
  std::size_t index = 0;
  while (index < offer.media.size() && !is_accepted_data(offer.media[index], answer.media[index])) ++index;
  if (index == offer.media.size()) return out;

  auto peer = read_peer(answer_is_ours ? offer : answer, index);
  if (!peer) return std::unexpected(std::move(peer.error()));
  out = std::move(*peer);
  out.offered = out.accepted = true;
  if (remote_transport_) {
    out.transport.ice_restart = remote_transport_->ice != out.transport.ice;
    out.transport.dtls_restart = begins_association(out);
  }
  if (options_.sctp_inits) {
    const auto offered = offer.media[index].attributes.value("sctp-init");
    const auto answered = answer.media[index].attributes.value("sctp-init");
    if (answered && !offered) return fail(ErrorName::InvalidAccessError, "the answer's a=sctp-init was not offered");
    if (answered)
      out.local_sctp_init = answer_is_ours ? *answered : *offered;
    else
      out.transport.sctp_init.clear();
  }
  const auto answerer = answerer_role(setup_of(offer, index), setup_of(answer, index));
  if (!answerer) return std::unexpected(answerer.error());
  const DtlsRole other = *answerer == DtlsRole::Client ? DtlsRole::Server : DtlsRole::Client;
  out.dtls_role = answer_is_ours ? *answerer : other;
  if (dtls_role_ && *dtls_role_ != out.dtls_role && !out.transport.dtls_restart)
    return fail(ErrorName::InvalidAccessError, "the DTLS role cannot change while the association lives");
  return out;
}

void Negotiation::connect(Connection connection, SdpType type, bool answer_is_ours, Changes& changes) {
  if (!connection.accepted) {
    if (type == SdpType::Answer && (connection.offered || remote_transport_)) drop_transport(changes);
    return;
  }
  // RFC 8445 section 6.1.1: the first offerer controls, but never an ICE-lite agent a full one.
  if (!first_offer_was_ours_) first_offer_was_ours_ = !answer_is_ours;
  const bool controlling =
      connection.transport.ice_lite != options_.ice_lite ? connection.transport.ice_lite : *first_offer_was_ours_;
  changes.ice_role = controlling ? IceRole::Controlling : IceRole::Controlled;
  if (begins_association(connection)) {
    sctp_init_ = std::move(connection.local_sctp_init);
    first_sctp_init_.reset();
    if (!sctp_init_.empty()) changes.local_sctp_init = decode_base64(sctp_init_).value_or(std::vector<std::byte>{});
  } else {
    connection.transport.sctp_init = remote_transport_->sctp_init;
  }
  dtls_role_ = connection.dtls_role;
  remote_tls_id_ = std::move(connection.remote_tls_id);
  changes.dtls_role = dtls_role_;
  remote_transport_ = connection.transport;
  remote_transport_->candidates.clear();
  changes.remote = std::move(connection.transport);
}

void Negotiation::drop_transport(Changes& changes) {
  changes.transport_dropped = true;
  changes.local_ice.reset();
  changes.gather = false;
  generations_.clear();
  first_.reset();
  used_ice_.reset();
  stable_ice_.reset();
  ice_to_replace_.clear();
  remote_transport_.reset();
  remote_tls_id_.reset();
  dtls_role_.reset();
  first_sctp_init_.reset();
  sctp_init_.clear();
  first_offer_was_ours_.reset();
  // Its channels are closed; only a new one asks for an m-line again.
  data_wanted_ = false;
}

// W3C 4.4.1.5: an answer of either side completes the exchange.
void Negotiation::complete(Changes& changes) {
  pending_local_.reset();
  pending_remote_.reset();
  last_offer_ = {};
  last_answer_ = {};
  ++epoch_;
  if (remote_transport_) stable_ice_ = used_ice_;
  std::erase_if(generations_, [this](const Generation& g) { return g.ice != used_ice_; });
  if (!stable_ice_ || std::ranges::find(ice_to_replace_, *stable_ice_) == ice_to_replace_.end())
    ice_to_replace_.clear();
  changes.negotiated = true;
  enter(SignalingState::Stable, changes);
}

}  // namespace linnet::jsep
