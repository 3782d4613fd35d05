#include <cstdint>

#include "sctp/association/core.hpp"

namespace linnet::sctp {

std::string_view Core::state_name() const noexcept {
  switch (state_) {
    case State::Closed:
    case State::Gone: return "closed";
    case State::CookieWait: return "cookie_wait";
    case State::CookieEchoed: return "cookie_echoed";
    case State::Established: return "established";
    case State::ShutdownPending: return "shutdown_pending";
    case State::ShutdownSent: return "shutdown_sent";
    case State::ShutdownReceived: return "shutdown_received";
    case State::ShutdownAckSent: return "shutdown_ack_sent";
  }
  return {};
}

/// What an input has changed.
void Core::trace_changes() {
  trace_->state(state_name());
  trace_->mtu(path_mtu_.current());
  if (!tcb_ || state_ == State::Gone) return;
  const CongestionControl& congestion = tcb_->congestion;
  trace_->congestion(congestion.in_fast_recovery() ? "recovery"
                     : congestion.slow_start()     ? "slow_start"
                                                   : "congestion_avoidance");
  const std::size_t threshold = congestion.threshold();
  trace_->metrics({.congestion_window = congestion.window(),
                   .slow_start_threshold = threshold == SIZE_MAX ? 0 : threshold,
                   .bytes_in_flight = tcb_->outstanding.in_flight(),
                   .peer_window = tcb_->peer_window,
                   .smoothed_rtt = rto_.smoothed(),
                   .retransmission_timeout = rto_.value()});
}

}  // namespace linnet::sctp
