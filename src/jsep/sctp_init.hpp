#pragma once

#include <cstddef>
#include <vector>

#include "jsep/options.hpp"
#include "linnet/core/error.hpp"
#include "sdp/description.hpp"

// a=sctp-init of draft-hancke-tsvwg-snap. Pure functions.
namespace linnet::jsep {

/// The INIT chunk of a data section; empty when there is none. Errors: OperationError with SdpSyntaxError and the line
/// (not base64, stands twice), InvalidAccessError (not an INIT that SCTP could answer).
[[nodiscard]] Result<std::vector<std::byte>> read_sctp_init(const sdp::MediaSection& section, const SctpInits& inits);

}  // namespace linnet::jsep
