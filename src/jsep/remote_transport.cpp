#include "jsep/remote_transport.hpp"

#include <algorithm>
#include <limits>

namespace linnet::jsep {
namespace {

/// RFC 8859: an attribute of a bundled section is its own, else the session's, else that of the BUNDLE tag.
template <class Read>
auto inherited(const sdp::Description& description, std::size_t index, Read read) {
  auto out = read(description.media[index].attributes);
  if (!out) out = read(description.attributes);
  if (!out) out = read(description.media[transport_section(description, index)].attributes);
  return out;
}

auto attribute(std::string_view name) {
  return [name](const sdp::Attributes& attributes) { return attributes.value(name); };
}

/// Words are separated by spaces (RFC 8839 section 5.6), in libdatachannel's descriptions by commas.
bool has_word(std::string_view text, std::string_view word) {
  while (true) {
    const std::size_t space = std::min(text.find_first_of(" ,"), text.size());
    if (text.substr(0, space) == word) return true;
    if (space == text.size()) return false;
    text.remove_prefix(space + 1);
  }
}

std::optional<std::vector<sdp::Fingerprint>> fingerprints(const sdp::Attributes& attributes) {
  std::vector<sdp::Fingerprint> out;
  for (const std::string_view value : attributes.values("fingerprint"))
    if (auto fingerprint = sdp::parse_fingerprint(value)) out.push_back(std::move(*fingerprint));
  if (out.empty()) return std::nullopt;
  return out;
}

std::unexpected<Error> invalid(const char* message) { return fail(ErrorName::InvalidAccessError, message); }

}  // namespace

std::string_view mid_of(const sdp::MediaSection& section) noexcept {
  return section.attributes.value("mid").value_or(std::string_view{});
}

bool is_rejected(const sdp::MediaSection& section) noexcept {
  return section.port == 0 && !section.attributes.has("bundle-only");
}

bool is_draft_data_section(const sdp::MediaSection& section) noexcept {
  return section.kind == "application" && section.protocol == "DTLS/SCTP";
}

bool is_data_section(const sdp::MediaSection& section) noexcept {
  if (is_draft_data_section(section)) return sdp::parse_number(section.formats.front()).has_value();
  return section.kind == "application" &&
         (section.protocol == "UDP/DTLS/SCTP" || section.protocol == "TCP/DTLS/SCTP") &&
         std::ranges::find(section.formats, "webrtc-datachannel") != section.formats.end();
}

std::optional<std::size_t> find_data_section(const sdp::Description& description, std::string_view preferred) {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < description.media.size(); ++i) {
    const sdp::MediaSection& section = description.media[i];
    if (is_rejected(section) || !is_data_section(section)) continue;
    if (!preferred.empty() && mid_of(section) == preferred) return i;
    if (!first) first = i;
  }
  return first;
}

std::optional<std::size_t> find_mid(const sdp::Description& description, std::string_view mid) noexcept {
  const auto found = std::ranges::find_if(description.media, [mid](const sdp::MediaSection& section) {
    const auto value = section.attributes.value("mid");
    return value && *value == mid;
  });
  if (found == description.media.end()) return std::nullopt;
  return static_cast<std::size_t>(found - description.media.begin());
}

std::optional<sdp::Group> bundle_of(const sdp::Description& description, std::string_view mid) {
  if (mid.empty()) return std::nullopt;
  for (const std::string_view value : description.attributes.values("group")) {
    auto group = sdp::parse_group(value);
    if (group && group->semantics == "BUNDLE" && std::ranges::find(group->mids, mid) != group->mids.end()) return group;
  }
  return std::nullopt;
}

std::size_t transport_section(const sdp::Description& description, std::size_t index) {
  const sdp::MediaSection& section = description.media[index];
  if (section.port != 0 && section.attributes.has("ice-ufrag")) return index;
  const auto group = bundle_of(description, mid_of(section));
  if (!group) return index;
  for (const std::string& mid : group->mids) {
    const auto tagged = find_mid(description, mid);
    if (tagged && description.media[*tagged].port != 0 && description.media[*tagged].attributes.has("ice-ufrag"))
      return *tagged;
  }
  return index;
}

std::string_view ufrag_of(const sdp::Description& description, std::size_t index) {
  return inherited(description, index, attribute("ice-ufrag")).value_or(std::string_view{});
}

std::optional<sdp::Setup> setup_of(const sdp::Description& description, std::size_t index) {
  const auto value = inherited(description, index, attribute("setup"));
  return value ? sdp::parse_setup(*value) : std::nullopt;
}

bool has_ice_option(const sdp::Description& description, std::string_view option) {
  const auto in = [option](const sdp::Attributes& attributes) {
    return std::ranges::any_of(attributes.values("ice-options"),
                               [option](std::string_view value) { return has_word(value, option); });
  };
  return in(description.attributes) ||
         std::ranges::any_of(description.media, [&in](const sdp::MediaSection& s) { return in(s.attributes); });
}

Result<RemoteTransport> read_remote_transport(const sdp::Description& description, std::size_t index) {
  const sdp::MediaSection& section = description.media[index];
  RemoteTransport out;
  const auto ufrag = inherited(description, index, attribute("ice-ufrag"));
  const auto pwd = inherited(description, index, attribute("ice-pwd"));
  if (!ufrag || !pwd) return invalid("a=ice-ufrag or a=ice-pwd is missing for the data m-line");
  out.ice = {.ufrag = std::string{*ufrag}, .pwd = std::string{*pwd}};
  out.ice_lite = description.attributes.has("ice-lite");
  out.trickle = has_ice_option(description, "trickle");
  out.renomination = has_ice_option(description, "renomination");

  auto found = inherited(description, index, fingerprints);
  if (!found) return invalid("a=fingerprint is missing for the data m-line");
  out.fingerprints = std::move(*found);

  // RFC 8839 section 5.1: candidates of the m-line; a bundle-only one has those of its BUNDLE tag too.
  const auto add_candidates = [&out](const sdp::Attributes& attributes) {
    for (const std::string_view value : attributes.values("candidate"))
      out.candidates.push_back("candidate:" + std::string{value});
    out.end_of_candidates = out.end_of_candidates || attributes.has("end-of-candidates");
  };
  add_candidates(section.attributes);
  const std::size_t tagged = transport_section(description, index);
  if (tagged != index) add_candidates(description.media[tagged].attributes);
  out.end_of_candidates = out.end_of_candidates || description.attributes.has("end-of-candidates");

  // RFC 8841 section 5: a=sctp-port; its drafts had the port as the format.
  std::optional<std::uint64_t> port;
  if (const auto value = section.attributes.value("sctp-port"))
    port = sdp::parse_number(*value);
  else if (is_draft_data_section(section))
    port = sdp::parse_number(section.formats.front());
  else
    port = 5000;
  if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max())
    return invalid("the SCTP port of the data m-line is not a port");
  out.sctp_port = static_cast<std::uint16_t>(*port);
  // RFC 8841 section 6.1: absent means 64 KiB, 0 means any size.
  if (const auto value = section.attributes.value("max-message-size"))
    out.max_message_size = sdp::parse_number(*value).value_or(65'536);
  return out;
}

}  // namespace linnet::jsep
