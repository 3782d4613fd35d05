#include "session/aggregate_state.hpp"

namespace linnet::session {

// W3C section 4.4.3: the first line that holds.
PeerConnectionState aggregate_state(IceConnectionState ice, DtlsTransportState dtls) noexcept {
  using Ice = IceConnectionState;
  using Dtls = DtlsTransportState;
  if (ice == Ice::Failed || dtls == Dtls::Failed) return PeerConnectionState::Failed;
  if (ice == Ice::Disconnected) return PeerConnectionState::Disconnected;
  const bool ice_idle = ice == Ice::New || ice == Ice::Closed;
  const bool dtls_idle = dtls == Dtls::New || dtls == Dtls::Closed;
  if (ice_idle && dtls_idle) return PeerConnectionState::New;
  if (ice == Ice::New || ice == Ice::Checking || dtls == Dtls::New || dtls == Dtls::Connecting) {
    return PeerConnectionState::Connecting;
  }
  return PeerConnectionState::Connected;
}

}  // namespace linnet::session
