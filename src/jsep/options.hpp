#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "linnet/states.hpp"
#include "sdp/parser.hpp"
#include "sdp/typed_attributes.hpp"

namespace linnet::jsep {

struct Options {
  std::vector<sdp::Fingerprint> fingerprints{};  ///< Of our certificate; at least one.
  std::uint16_t sctp_port = 5000;
  std::uint64_t max_message_size = 262'144;  ///< What we accept, a=max-message-size.
  bool ice_lite = false;
  BundlePolicy bundle_policy = BundlePolicy::Balanced;
  sdp::Limits limits{};
  std::size_t max_candidates = 256;  ///< Per m-line and side; more are not kept in the SDP (remote: refused).
};

/// W3C RTCOfferOptions.
struct OfferOptions {
  bool ice_restart = false;
};

}  // namespace linnet::jsep
