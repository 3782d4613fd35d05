// Negotiation: how offers and answers are made, RFC 8829 sections 5.2 and 5.3.
#include <algorithm>
#include <cassert>
#include <set>

#include "base/base64.hpp"
#include "jsep/local_sections.hpp"
#include "jsep/negotiation.hpp"
#include "jsep/remote_transport.hpp"
#include "sdp/writer.hpp"

namespace linnet::jsep {

sdp::Description Negotiation::blank() {
  sdp::Description out;
  out.origin.session_id = std::to_string(session_id_);
  // RFC 8829 section 5.2.2: the version rises with each description, so that no two share one.
  out.origin.session_version = std::to_string(++session_version_);
  return out;
}

std::string Negotiation::render(const sdp::Description& description) const {
  sdp::Description out = description;
  for (const Generation& generation : generations_) add_candidates(out, generation);
  return sdp::write(out);
}

std::string Negotiation::fresh_mid() const {
  std::set<std::string_view> taken;
  for (const auto* applied : {&current_local_, &current_remote_, &pending_remote_})
    if (*applied)
      for (const sdp::MediaSection& section : (*applied)->description.media) taken.insert(mid_of(section));
  for (std::size_t i = 0;; ++i)
    if (std::string mid = std::to_string(i); !taken.contains(mid)) return mid;
}

const IceCredentials& Negotiation::first_credentials() {
  if (!first_) first_ = Generation{.ice = make_credentials(generator_)};
  return first_->ice;
}

IceCredentials Negotiation::pool_credentials() {
  assert(!used_ice_);
  first_ = Generation{.ice = first_credentials()};
  return first_->ice;
}

IceCredentials Negotiation::offer_credentials(bool ice_restart) {
  if (!used_ice_) return first_credentials();
  if (ice_restart) return make_credentials(generator_);
  if (ice_to_replace_.empty()) return stable_ice_ ? *stable_ice_ : *used_ice_;
  if (std::ranges::find(ice_to_replace_, *used_ice_) == ice_to_replace_.end()) return *used_ice_;
  return make_credentials(generator_);
}

/// a=sctp-init stays as long as its association: one that began without gets none.
std::string Negotiation::sctp_init(bool new_association) {
  if (!options_.sctp_inits) return {};
  if (!new_association) return sctp_init_;
  if (remote_transport_) return base64(options_.sctp_inits->make(generator_));
  if (!first_sctp_init_) first_sctp_init_ = base64(options_.sctp_inits->make(generator_));
  return *first_sctp_init_;
}

namespace {

void add_session_attributes(sdp::Description& offer, const Options& options, const std::vector<std::string>& bundled) {
  if (!bundled.empty()) offer.attributes.add("group", to_string(sdp::Group{.semantics = "BUNDLE", .mids = bundled}));
  offer.attributes.add("ice-options", "trickle renomination");
  if (options.ice_lite) offer.attributes.add("ice-lite");
}

}  // namespace

Result<> Negotiation::generate_offer(bool ice_restart) {
  if (state_ != SignalingState::Stable && state_ != SignalingState::HaveLocalOffer)
    return fail(ErrorName::InvalidStateError, "no offer can be made in this signaling state");
  Created created{.text = {}, .description = {}, .ice = offer_credentials(ice_restart), .epoch = epoch_};
  DataSection data{.ice = created.ice, .sctp_init = sctp_init(!remote_transport_)};
  std::vector<sdp::MediaSection> sections;
  bool has_data = false;
  // RFC 8829 section 5.2.2: the m-lines of the last exchange come again, in their order.
  if (current_local_ && current_remote_) {
    const auto& ours = current_local_->description.media;
    const auto& theirs = current_remote_->description.media;
    for (std::size_t i = 0; i < ours.size() && i < theirs.size(); ++i) {
      const bool rejected = is_rejected(ours[i]) || is_rejected(theirs[i]);
      if (!rejected && !has_data && is_data_section(ours[i])) {
        has_data = true;
        data.mid = mid_of(ours[i]);
        data.protocol = ours[i].protocol;
        sections.push_back(make_data_section(options_, data));
      } else {
        sections.push_back(make_rejected_section(ours[i]));
      }
    }
  }
  if (data_wanted_ && !has_data) {
    has_data = true;
    data.mid = fresh_mid();
    auto section = make_data_section(options_, data);
    // A rejected m-line is recycled before a new one is added.
    const auto free = std::ranges::find_if(sections, is_rejected);
    if (free != sections.end())
      *free = std::move(section);
    else
      sections.push_back(std::move(section));
  }
  created.description = blank();
  created.description.media = std::move(sections);
  // An m-line without a mid (an old peer offered it) cannot be bundled.
  std::vector<std::string> bundled;
  if (has_data && !data.mid.empty()) bundled.push_back(data.mid);
  add_session_attributes(created.description, options_, bundled);
  created.text = render(created.description);
  last_offer_ = std::move(created);
  return {};
}

// RFC 8829 section 5.3.1: an offer whose credentials changed restarts ICE, and so does its answer.
IceCredentials Negotiation::answer_credentials(std::string_view remote_ufrag, std::string_view remote_pwd) {
  const bool restarts =
      remote_transport_ && (remote_transport_->ice.ufrag != remote_ufrag || remote_transport_->ice.pwd != remote_pwd);
  if (!used_ice_) return first_credentials();
  return restarts ? make_credentials(generator_) : *used_ice_;
}

// RFC 8842 section 5.3: the answerer chooses; active, so that DTLS starts without waiting for the answer to
// arrive. A running association keeps its roles.
sdp::Setup Negotiation::answer_setup(std::optional<sdp::Setup> offered, bool new_association) const {
  if (offered == sdp::Setup::Active) return sdp::Setup::Passive;
  if (offered == sdp::Setup::Passive) return sdp::Setup::Active;
  if (!new_association && dtls_role_ == DtlsRole::Server) return sdp::Setup::Passive;
  return sdp::Setup::Active;
}

Result<> Negotiation::generate_answer() {
  if (state_ != SignalingState::HaveRemoteOffer && state_ != SignalingState::HaveLocalPranswer)
    return fail(ErrorName::InvalidStateError, "no answer can be made in this signaling state");
  const sdp::Description& offer = pending_remote_->description;
  const auto index = find_data_section(offer, current_data_mid().value_or(""));
  Created created{.text = {}, .description = blank(), .ice = {}, .epoch = epoch_};
  std::vector<std::string> bundled;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const sdp::MediaSection& offered = offer.media[i];
    if (i != index) {
      created.description.media.push_back(make_rejected_section(offered));
      continue;
    }
    const auto remote = read_peer(offer, i);
    if (!remote) return std::unexpected(remote.error());
    created.ice = answer_credentials(remote->transport.ice.ufrag, remote->transport.ice.pwd);
    const bool new_association = begins_association(*remote);
    const bool has_init = !remote->transport.sctp_init.empty();
    const DataSection data{.mid = std::string{mid_of(offered)},
                           .protocol = offered.protocol,
                           .setup = answer_setup(setup_of(offer, i), new_association),
                           .ice = created.ice,
                           .sctp_init = has_init ? sctp_init(new_association) : std::string{}};
    created.description.media.push_back(make_data_section(options_, data));
    if (bundle_of(offer, data.mid)) bundled.push_back(data.mid);
  }
  add_session_attributes(created.description, options_, bundled);
  created.text = render(created.description);
  last_answer_ = std::move(created);
  return {};
}

}  // namespace linnet::jsep
