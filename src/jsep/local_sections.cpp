#include "jsep/local_sections.hpp"

#include <array>
#include <cstdint>
#include <optional>

#include "jsep/remote_transport.hpp"
#include "linnet/core/address.hpp"

namespace linnet::jsep {
namespace {

std::string random_ice_chars(Generator& generator, std::size_t size) {
  static constexpr std::string_view ice_chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static_assert(ice_chars.size() == 64);
  std::array<std::byte, 32> random{};
  generator.fill(std::span{random}.first(size));
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += ice_chars[std::to_integer<std::size_t>(random[i]) % 64];
  return out;
}

struct Default {
  int rank = 0;
  IpAddress address;
  std::uint16_t port = 0;
};

std::optional<Default> as_default(const std::string& candidate) {
  const auto line = sdp::parse_candidate(candidate);
  if (!line || line->component != 1 || (line->transport != "udp" && line->transport != "UDP")) return std::nullopt;
  const auto address = IpAddress::parse(line->address);
  if (!address) return std::nullopt;
  int rank = line->type == "relay" ? 6 : line->type == "srflx" ? 4 : line->type == "host" ? 2 : 0;
  if (rank == 0) return std::nullopt;
  // IPv4 before IPv6: whoever looks at the default address at all is old.
  if (address->is_v4()) ++rank;
  return Default{.rank = rank, .address = *address, .port = line->port};
}

}  // namespace

sdp::MediaSection make_data_section(const Options& options, const DataSection& data) {
  // RFC 8829 section 5.2.1: port 9 and 0.0.0.0 until there is a candidate.
  sdp::MediaSection out{.kind = "application", .port = 9, .protocol = data.protocol, .formats = {data.format}};
  out.connections.push_back({});
  sdp::Attributes& a = out.attributes;
  a.add("ice-ufrag", data.ice.ufrag);
  a.add("ice-pwd", data.ice.pwd);
  for (const sdp::Fingerprint& fingerprint : options.fingerprints) a.add("fingerprint", to_string(fingerprint));
  a.add("setup", std::string{to_string(data.setup)});
  if (!data.mid.empty()) a.add("mid", data.mid);
  const std::string port = std::to_string(options.sctp_port);
  if (is_draft_data_section(out)) {
    // The form before RFC 8841, as it was offered to us.
    out.formats = {port};
    a.add("sctpmap", port + " webrtc-datachannel 65535");
  } else {
    a.add("sctp-port", port);
  }
  a.add("max-message-size", std::to_string(options.max_message_size));
  // draft-hancke-tsvwg-snap has it for the form of RFC 8841 only.
  if (!data.sctp_init.empty() && !is_draft_data_section(out)) a.add("sctp-init", data.sctp_init);
  return out;
}

sdp::MediaSection make_rejected_section(const sdp::MediaSection& offered) {
  sdp::MediaSection out{
      .kind = offered.kind, .port = 0, .protocol = offered.protocol, .formats = {offered.formats.front()}};
  out.connections.push_back({});
  if (const std::string_view mid = mid_of(offered); !mid.empty()) out.attributes.add("mid", std::string{mid});
  if (offered.kind != "application") out.attributes.add("inactive");
  return out;
}

IceCredentials make_credentials(Generator& generator) {
  IceCredentials out;
  out.ufrag = random_ice_chars(generator, 8);
  out.pwd = random_ice_chars(generator, 24);
  return out;
}

void add_candidates(sdp::Description& description, const Generation& generation) {
  std::optional<Default> best;
  for (const std::string& candidate : generation.candidates)
    if (const auto found = as_default(candidate); found && (!best || found->rank > best->rank)) best = found;
  for (sdp::MediaSection& section : description.media) {
    if (section.attributes.value("ice-ufrag") != generation.ice.ufrag) continue;
    for (const std::string& candidate : generation.candidates)
      section.attributes.add("candidate", candidate.substr(std::string_view{"candidate:"}.size()));
    if (generation.ended) section.attributes.add("end-of-candidates");
    if (!best) continue;
    section.port = best->port;
    section.connections = {{.addr_type = best->address.is_v4() ? "IP4" : "IP6", .address = to_string(best->address)}};
  }
}

}  // namespace linnet::jsep
