#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "jsep/changes.hpp"
#include "jsep/options.hpp"
#include "linnet/core/generator.hpp"
#include "sdp/description.hpp"

// Building our own descriptions, RFC 8829 sections 5.2 and 5.3. Pure functions.
namespace linnet::jsep {

/// What differs between one data m-line of ours and another.
struct DataSection {
  std::string mid;
  std::string protocol = "UDP/DTLS/SCTP";
  std::string format = "webrtc-datachannel";
  sdp::Setup setup = sdp::Setup::Actpass;
  IceCredentials ice{};
  std::string sctp_init{};  ///< a=sctp-init; empty: none.
};
[[nodiscard]] sdp::MediaSection make_data_section(const Options& options, const DataSection& data);

/// Port 0, with the kind, protocol, first format and mid of `offered`.
[[nodiscard]] sdp::MediaSection make_rejected_section(const sdp::MediaSection& offered);

/// RFC 8445 section 5.3 asks for 24 and 128 random bits; these have 48 and 144.
[[nodiscard]] IceCredentials make_credentials(Generator& generator);

/// The candidates of one generation of local ICE credentials.
struct Generation {
  IceCredentials ice;
  std::vector<std::string> candidates{};  ///< "candidate:..."
  std::size_t shown = 0;                  ///< How many of them were shown by an icecandidate event.
  bool ended = false;
};

/// Adds the generation's candidates to each section that has its credentials, and makes the best one the
/// default in m= and c= (RFC 8839 section 4.1.4: relay, then server-reflexive, then host; a name is none).
void add_candidates(sdp::Description& description, const Generation& generation);

}  // namespace linnet::jsep
