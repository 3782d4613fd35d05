// W3C RTCConfiguration.iceCandidatePoolSize, RFC 8829 sections 3.5.4 and 4.1.1. One BUNDLE has one transport, so a pool
// of any size is the gathering of that transport, begun before there is a description. Its candidates wait in jsep,
// under the credentials that the first description will have.
#include <cassert>
#include <utility>

#include "session/impl.hpp"

namespace linnet {

/// After the configuration was set: `sources_changed` says that candidates would now be others.
void Session::Impl::update_pool(bool sources_changed) {
  const bool wanted = configuration_.ice_candidate_pool_size > 0;
  if (pooling_ ? wanted && sources_changed : wanted && !local_described_)
    fill_pool();
  else if (pooling_ && !wanted)
    empty_pool();
}

/// Begins to gather, or begins anew: then the sockets stay and the candidates go.
void Session::Impl::fill_pool() {
  ice::Agent& agent = transport_->ice();
  if (std::exchange(pooling_, true)) agent.restart(now_);
  pooled_errors_.clear();
  const jsep::IceCredentials ice = negotiation_.pool_credentials();
  agent.set_local_credentials({.ufrag = ice.ufrag, .pwd = ice.pwd});
  agent.gather(now_);
  settle();
}

void Session::Impl::empty_pool() {
  pooling_ = false;
  pooled_errors_.clear();
  (void)negotiation_.pool_credentials();
  close_sockets();
  make_transport();
}

/// A local description has taken the pool's credentials: what was gathered is told as if it had been gathered now.
void Session::Impl::open_pool() {
  pooling_ = false;
  gathering_changed(IceGatheringState::Gathering);
  for (IceCandidateError& error : std::exchange(pooled_errors_, {})) tell(std::move(error));
}

void Session::Impl::show_end_of_pool() {
  if (transport_->ice().gathering_state() == IceGatheringState::Complete)
    gathering_changed(IceGatheringState::Complete);
}

}  // namespace linnet
