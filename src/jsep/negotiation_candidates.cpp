// Negotiation: candidates that trickle in on either side, W3C 4.4.1.4 and 4.4.2 addIceCandidate.
#include <algorithm>

#include "jsep/local_sections.hpp"
#include "jsep/negotiation.hpp"
#include "jsep/remote_transport.hpp"

namespace linnet::jsep {

const Negotiation::Applied* Negotiation::newest_local() const noexcept {
  return pending_local_ ? &*pending_local_ : current_local_ ? &*current_local_ : nullptr;
}

const Negotiation::Applied* Negotiation::newest_remote() const noexcept {
  return pending_remote_ ? &*pending_remote_ : current_remote_ ? &*current_remote_ : nullptr;
}

Generation* Negotiation::generation_of(std::string_view ufrag) noexcept {
  if (first_ && first_->ice.ufrag == ufrag) return &*first_;
  const auto it = std::ranges::find_if(generations_, [ufrag](const Generation& g) { return g.ice.ufrag == ufrag; });
  return it == generations_.end() ? nullptr : &*it;
}

std::optional<IceCandidateInit> Negotiation::local_place(std::string_view ufrag) const {
  for (const auto* applied : {&pending_local_, &current_local_}) {
    if (!*applied) continue;
    const auto& media = (*applied)->description.media;
    for (std::size_t i = 0; i < media.size(); ++i) {
      if (media[i].attributes.value("ice-ufrag") != ufrag) continue;
      IceCandidateInit out{.candidate = {}};
      if (const std::string_view mid = mid_of(media[i]); !mid.empty()) out.sdp_mid = std::string{mid};
      out.sdp_m_line_index = static_cast<std::uint16_t>(i);
      out.username_fragment = std::string{ufrag};
      return out;
    }
  }
  return std::nullopt;
}

std::optional<IceCandidateInit> Negotiation::add_local_candidate(std::string_view candidate, std::string_view ufrag) {
  if (state_ == SignalingState::Closed || !sdp::parse_candidate(candidate)) return std::nullopt;
  Generation* const generation = generation_of(ufrag);
  if (generation == nullptr || generation->candidates.size() >= options_.max_candidates) return std::nullopt;
  const std::string_view prefix = "candidate:";
  if (candidate.starts_with(prefix)) candidate.remove_prefix(prefix.size());
  generation->candidates.push_back(std::string{prefix} + std::string{candidate});
  auto out = local_place(ufrag);
  if (!out) return std::nullopt;
  out->candidate = generation->candidates.back();
  generation->shown = generation->candidates.size();
  return out;
}

std::optional<IceCandidateInit> Negotiation::end_local_candidates(std::string_view ufrag) {
  Generation* const generation = generation_of(ufrag);
  if (state_ == SignalingState::Closed || generation == nullptr) return std::nullopt;
  generation->ended = true;
  return local_place(ufrag);
}

// W3C [[EarlyCandidates]]: they wait for a local description that has their m-line.
void Negotiation::show_early_candidates(Changes& changes) {
  for (Generation& generation : generations_) {
    const auto place = local_place(generation.ice.ufrag);
    if (!place) continue;
    for (; generation.shown < generation.candidates.size(); ++generation.shown) {
      changes.early_candidates.push_back(*place);
      changes.early_candidates.back().candidate = generation.candidates[generation.shown];
    }
  }
}

Result<std::optional<RemoteCandidate>> Negotiation::add_remote_candidate(const IceCandidateInit& candidate) {
  const bool ends = candidate.candidate.empty();
  if (!ends && !candidate.sdp_mid && !candidate.sdp_m_line_index)
    return fail(ErrorName::TypeError, "a candidate needs sdpMid or sdpMLineIndex");
  if (state_ == SignalingState::Closed) return fail(ErrorName::InvalidStateError, "the connection is closed");
  const Applied* newest = newest_remote();
  if (newest == nullptr) return fail(ErrorName::InvalidStateError, "there is no remote description yet");

  const sdp::Description& description = newest->description;
  std::optional<std::size_t> index;
  if (candidate.sdp_mid) {
    index = find_mid(description, *candidate.sdp_mid);

    if (!index) return fail(ErrorName::OperationError, "no m-line has the mid " + *candidate.sdp_mid);
  } else if (candidate.sdp_m_line_index) {
    index = *candidate.sdp_m_line_index;
    if (*index >= description.media.size())
      return fail(ErrorName::OperationError, "there is no m-line with this index");
  } else {
    // End of candidates for all m-lines: what it means for the data m-line is what counts.
    index = find_data_section(description, current_data_mid().value_or(""));
    if (!index) return std::optional<RemoteCandidate>{};
  }
  if (!ends && !sdp::parse_candidate(candidate.candidate))
    return fail(ErrorName::OperationError, "the candidate cannot be read");

  // The generation: both remote descriptions may have it, the newest counts when none is named.
  std::optional<RemoteCandidate> out;
  bool known = false;
  for (auto* applied : {&pending_remote_, &current_remote_}) {
    if (!*applied || *index >= (*applied)->description.media.size()) continue;
    const sdp::Description& in = (*applied)->description;
    const std::string ufrag{ufrag_of(in, *index)};
    if (candidate.username_fragment && *candidate.username_fragment != ufrag) continue;
    if (!candidate.username_fragment && &**applied != newest) continue;
    known = true;
    const auto placed = place_candidate(**applied, *index, candidate);
    if (!placed) return std::unexpected(placed.error());
    if (!*placed || out) continue;
    out = RemoteCandidate{.deliver = remote_transport_ && remote_transport_->ice.ufrag == ufrag,
                          .end_of_candidates = ends,
                          .candidate = candidate.candidate,
                          .ufrag = ufrag};
  }
  if (!known) return fail(ErrorName::OperationError, "no m-line has the candidate's user name fragment");
  return out;
}

/// Whether the candidate is one of the data m-line's transport; appends it to the section.
Result<bool> Negotiation::place_candidate(Applied& applied, std::size_t index, const IceCandidateInit& candidate) {
  sdp::Description& description = applied.description;
  sdp::Attributes& attributes = description.media[index].attributes;
  if (candidate.candidate.empty()) {
    if (!attributes.has("end-of-candidates")) attributes.add("end-of-candidates");
  } else {
    std::string_view text = candidate.candidate;
    if (text.starts_with("a=")) text.remove_prefix(2);
    if (text.starts_with("candidate:")) text.remove_prefix(10);
    const auto known = attributes.values("candidate");
    if (std::ranges::find(known, text) == known.end()) {
      if (known.size() >= options_.max_candidates)
        return fail(ErrorName::OperationError, "the m-line has more candidates than allowed");
      attributes.add("candidate", std::string{text});
    }
  }
  const auto data = find_data_section(description, current_data_mid().value_or(""));
  return data && (index == *data || index == transport_section(description, *data));
}

}  // namespace linnet::jsep
