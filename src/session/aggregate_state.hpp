#pragma once

#include "linnet/states.hpp"

namespace linnet::session {

/// W3C RTCPeerConnectionState for one ICE and one DTLS transport (a connection that is not closed).
[[nodiscard]] PeerConnectionState aggregate_state(IceConnectionState ice, DtlsTransportState dtls) noexcept;

}  // namespace linnet::session
