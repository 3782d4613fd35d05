#pragma once

#include "linnet/peer_connection.hpp"
#include "linnet/signaling/basic_negotiator.hpp"

namespace linnet::signaling {

/// Perfect negotiation for linnet's own PeerConnection; see BasicNegotiator. Link both linnet::linnet and
/// linnet::signaling.
using Negotiator = BasicNegotiator<PeerConnection>;

}  // namespace linnet::signaling
