#include "jsep/negotiation.hpp"

#include <cassert>

#include "jsep/checks.hpp"
#include "jsep/remote_transport.hpp"
#include "sdp/parser.hpp"
#include "sdp/writer.hpp"

namespace linnet::jsep {

// RFC 8829 section 5.2.1: the session id is a random 63-bit number; zero is for no one.
Negotiation::Negotiation(Options options, Generator& generator)
    : options_(std::move(options)), generator_(generator), session_id_((generator.next_u64() >> 1) | 1) {
  assert(!options_.fingerprints.empty());
}

Result<SessionDescription> Negotiation::create_offer(const OfferOptions& options) {
  if (auto ok = generate_offer(options.ice_restart); !ok) return std::unexpected(std::move(ok.error()));
  return SessionDescription{.type = SdpType::Offer, .sdp = last_offer_.text};
}

Result<SessionDescription> Negotiation::create_answer() {
  if (auto ok = generate_answer(); !ok) return std::unexpected(std::move(ok.error()));
  return SessionDescription{.type = SdpType::Answer, .sdp = last_answer_.text};
}

// W3C 4.4.2 setLocalDescription.
Result<Changes> Negotiation::set_local_description(std::optional<SdpType> type, std::string_view sdp) {
  if (state_ == SignalingState::Closed) return fail(ErrorName::InvalidStateError, "the connection is closed");
  if (!type) {
    const bool offers = state_ == SignalingState::Stable || state_ == SignalingState::HaveLocalOffer ||
                        state_ == SignalingState::HaveRemotePranswer;
    type = offers ? SdpType::Offer : SdpType::Answer;
  }
  if (*type == SdpType::Rollback) return roll_back();

  const bool is_offer = *type == SdpType::Offer;
  const Created& last = is_offer ? last_offer_ : last_answer_;
  if (!sdp.empty() && sdp != last.text)
    return fail(ErrorName::InvalidModificationError, is_offer ? "the description is not what create_offer gave"
                                                              : "the description is not what create_answer gave");
  if (auto ok = check_type(*type, false); !ok) return std::unexpected(std::move(ok.error()));
  // "No longer accurately represents the system state": then it is made anew.
  if (sdp.empty() && (last.text.empty() || last.epoch != epoch_)) {
    auto ok = is_offer ? generate_offer(false) : generate_answer();
    if (!ok) return std::unexpected(std::move(ok.error()));
  }
  return apply_local(*type, last);
}

// W3C 4.4.2 setRemoteDescription.
Result<Changes> Negotiation::set_remote_description(const SessionDescription& description) {
  if (state_ == SignalingState::Closed) return fail(ErrorName::InvalidStateError, "the connection is closed");
  if (description.type == SdpType::Rollback) return roll_back();
  const bool roll_back_first = description.type == SdpType::Offer && state_ == SignalingState::HaveLocalOffer;
  if (!roll_back_first)
    if (auto ok = check_type(description.type, true); !ok) return std::unexpected(std::move(ok.error()));

  auto parsed = sdp::parse(description.sdp, options_.limits);
  if (!parsed) {
    Error error{.name = ErrorName::OperationError,
                .message = "line " + std::to_string(parsed.error().line) + ": " + parsed.error().text,
                .detail = ErrorDetail::SdpSyntaxError};
    error.sdp_line_number = parsed.error().line;
    return std::unexpected(std::move(error));
  }
  return apply_remote(description.type, std::move(*parsed), roll_back_first);
}

void Negotiation::want_data() {
  if (!data_wanted_) ++epoch_;
  data_wanted_ = true;
}

// W3C 4.4.2 restartIce: all credentials of the current and pending local descriptions are to be replaced.
void Negotiation::restart_ice() {
  ++epoch_;
  ice_to_replace_.clear();
  if (stable_ice_) ice_to_replace_.push_back(*stable_ice_);
  if (pending_local_ && used_ice_ && used_ice_ != stable_ice_) ice_to_replace_.push_back(*used_ice_);
}

void Negotiation::close() { state_ = SignalingState::Closed; }

std::optional<SessionDescription> Negotiation::present(const std::optional<Applied>& applied, bool local) const {
  if (!applied) return std::nullopt;
  return SessionDescription{.type = applied->type,
                            .sdp = local ? render(applied->description) : sdp::write(applied->description)};
}

std::optional<SessionDescription> Negotiation::local_description() const {
  return present(pending_local_ ? pending_local_ : current_local_, true);
}
std::optional<SessionDescription> Negotiation::remote_description() const {
  return present(pending_remote_ ? pending_remote_ : current_remote_, false);
}
std::optional<SessionDescription> Negotiation::current_local_description() const {
  return present(current_local_, true);
}
std::optional<SessionDescription> Negotiation::pending_local_description() const {
  return present(pending_local_, true);
}
std::optional<SessionDescription> Negotiation::current_remote_description() const {
  return present(current_remote_, false);
}
std::optional<SessionDescription> Negotiation::pending_remote_description() const {
  return present(pending_remote_, false);
}

std::optional<bool> Negotiation::can_trickle() const {
  const Applied* remote = newest_remote();
  if (remote == nullptr) return std::nullopt;
  return has_ice_option(remote->description, "trickle");
}

/// Both descriptions of the last exchange must have the m-line: an answer may have rejected it.
std::optional<std::string> Negotiation::current_data_mid() const {
  if (!current_local_ || !current_remote_) return std::nullopt;
  const auto& ours = current_local_->description;
  const auto& theirs = current_remote_->description;
  for (std::size_t i = 0; i < ours.media.size() && i < theirs.media.size(); ++i)
    if (is_data_section(ours.media[i]) && !is_rejected(ours.media[i]) && !is_rejected(theirs.media[i]))
      return std::string{mid_of(ours.media[i])};
  return std::nullopt;
}

// W3C 4.7.3, check if negotiation is needed.
bool Negotiation::negotiation_needed() const {
  if (state_ == SignalingState::Closed) return false;
  return !ice_to_replace_.empty() || (data_wanted_ && !current_data_mid());
}

std::optional<std::string> Negotiation::data_mid() const {
  for (const auto* pending : {&pending_local_, &pending_remote_}) {
    if (!*pending) continue;
    const sdp::Description& description = (*pending)->description;
    const auto index = find_data_section(description, current_data_mid().value_or(""));
    return index ? std::optional{std::string{mid_of(description.media[*index])}} : std::nullopt;
  }
  return current_data_mid();
}

}  // namespace linnet::jsep
