#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "linnet/core/generator.hpp"
#include "linnet/states.hpp"
#include "sdp/parser.hpp"
#include "sdp/typed_attributes.hpp"

namespace linnet::jsep {

/// What SCTP says of the INIT chunks that travel as a=sctp-init (draft-hancke-tsvwg-snap); here they are opaque. Both
/// are pure functions.
struct SctpInits {
  std::function<std::vector<std::byte>(Generator&)> make;  ///< One of ours, with new numbers.
  bool (*acceptable)(std::span<const std::byte>) = nullptr;
};

struct Options {
  std::vector<sdp::Fingerprint> fingerprints{};  ///< Of our certificate; at least one.
  std::uint16_t sctp_port = 5000;
  std::uint64_t max_message_size = 262'144;  ///< What we accept, a=max-message-size.
  bool ice_lite = false;
  std::optional<SctpInits> sctp_inits{};  ///< Without it a=sctp-init is neither written nor read.
  sdp::Limits limits{};
  std::size_t max_candidates = 256;  ///< Per m-line and side; more are not kept in the SDP (remote: refused).
};

/// W3C RTCOfferOptions.
struct OfferOptions {
  bool ice_restart = false;
};

}  // namespace linnet::jsep
