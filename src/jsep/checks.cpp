#include "jsep/checks.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string>

#include "jsep/remote_transport.hpp"
#include "sdp/typed_attributes.hpp"

namespace linnet::jsep {
namespace {

std::unexpected<Error> syntax(const sdp::Attribute& attribute, const char* what) {
  Error error{.name = ErrorName::OperationError,
              .message = "a=" + attribute.name + ": " + what,
              .detail = ErrorDetail::SdpSyntaxError};
  error.sdp_line_number = attribute.line;
  return std::unexpected(std::move(error));
}

std::unexpected<Error> invalid(std::string message) { return fail(ErrorName::InvalidAccessError, std::move(message)); }

constexpr std::array single{"mid", "ice-ufrag", "ice-pwd", "setup", "sctp-port", "max-message-size", "tls-id"};

const char* what_is_wrong(std::string_view name, std::string_view value) {
  if (name == "mid") return sdp::is_token(value) && value.size() <= 256 ? nullptr : "not a token";
  if (name == "ice-ufrag") return sdp::is_ice_ufrag(value) ? nullptr : "not 4 to 256 ice-chars";
  if (name == "ice-pwd") return sdp::is_ice_password(value) ? nullptr : "not 22 to 256 ice-chars";
  if (name == "setup") return sdp::parse_setup(value) ? nullptr : "neither actpass nor active nor passive";
  if (name == "fingerprint") return sdp::parse_fingerprint(value) ? nullptr : "not of the form hash AB:CD:...";
  if (name == "candidate") return sdp::parse_candidate(value) ? nullptr : "not a candidate";
  if (name == "group") return sdp::parse_group(value) ? nullptr : "not of the form semantics mid...";
  if (name == "max-message-size") return sdp::parse_number(value) ? nullptr : "not a number";
  if (name == "sctp-port") {
    const auto port = sdp::parse_number(value);
    return port && *port <= std::numeric_limits<std::uint16_t>::max() ? nullptr : "not a port";
  }
  return nullptr;
}

Result<> check(const sdp::Attributes& attributes) {
  for (std::size_t i = 0; i < attributes.list.size(); ++i) {
    const sdp::Attribute& attribute = attributes.list[i];
    if (const char* wrong = what_is_wrong(attribute.name, attribute.value.value_or("")))
      return syntax(attribute, wrong);
  }
  for (const char* name : single) {
    if (attributes.count(name) < 2) continue;
    const auto last = std::ranges::find(attributes.list.rbegin(), attributes.list.rend(), name, &sdp::Attribute::name);
    return syntax(*last, "stands twice");
  }
  return {};
}

}  // namespace

Result<> check_attributes(const sdp::Description& description) {
  if (auto ok = check(description.attributes); !ok) return ok;
  for (const sdp::MediaSection& section : description.media)
    if (auto ok = check(section.attributes); !ok) return ok;
  return {};
}

Result<> check_groups(const sdp::Description& description) {
  std::set<std::string_view> mids;
  for (const sdp::MediaSection& section : description.media) {
    const std::string_view mid = mid_of(section);
    if (!mid.empty() && !mids.insert(mid).second) return invalid("two m-lines have the mid " + std::string{mid});
  }
  std::set<std::string, std::less<>> bundled;
  for (const std::string_view value : description.attributes.values("group")) {
    const auto group = sdp::parse_group(value);
    if (!group || group->semantics != "BUNDLE") continue;
    for (const std::string& mid : group->mids) {
      if (!mids.contains(mid)) return invalid("a BUNDLE group names the unknown mid " + mid);
      if (!bundled.insert(mid).second) return invalid("BUNDLE groups name the mid " + mid + " twice");
    }
  }
  return {};
}

// RFC 8829 section 5.8: m-lines never go away and never move.
Result<> check_offer_follows(const sdp::Description& local, const sdp::Description& remote,
                             const sdp::Description& offer) {
  if (offer.media.size() < remote.media.size()) return invalid("the offer has fewer m-lines than there were");
  for (std::size_t i = 0; i < remote.media.size(); ++i) {
    const sdp::MediaSection& was = remote.media[i];
    const sdp::MediaSection& is = offer.media[i];
    const bool rejected = is_rejected(was) || (i < local.media.size() && is_rejected(local.media[i]));
    const bool same_mid = mid_of(was) == mid_of(is);
    if (same_mid && was.kind != is.kind) return invalid("the offer changes the kind of an m-line");
    if (!same_mid && !rejected) return invalid("the offer changes the mid or the order of the m-lines");
  }
  return {};
}

Result<> check_answer_matches(const sdp::Description& offer, const sdp::Description& answer) {
  if (answer.media.size() != offer.media.size()) return invalid("the answer has not as many m-lines as the offer");
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const sdp::MediaSection& offered = offer.media[i];
    const sdp::MediaSection& answered = answer.media[i];
    if (offered.kind != answered.kind) return invalid("the answer's m-lines are not in the offer's order");
    const std::string_view mid = mid_of(answered);
    if (!mid.empty() && mid != mid_of(offered)) return invalid("the answer's mids are not the offer's");
    if (answered.port == 0) continue;
    if (is_rejected(offered)) return invalid("the answer accepts an m-line that the offer rejects");
    if (is_data_section(offered) && !is_data_section(answered))
      return invalid("the answer changes the protocol of the data m-line");
  }
  // RFC 9143 section 7.3: the answer's group is within one of the offer's.
  for (const std::string_view value : answer.attributes.values("group")) {
    const auto group = sdp::parse_group(value);
    if (!group || group->semantics != "BUNDLE" || group->mids.empty()) continue;
    const auto offered = bundle_of(offer, group->mids.front());
    for (const std::string& mid : group->mids)
      if (!offered || std::ranges::find(offered->mids, mid) == offered->mids.end())
        return invalid("the answer bundles " + mid + ", which was not offered");
  }
  return {};
}

}  // namespace linnet::jsep
