#include "sctp/association/core.hpp"

namespace linnet::sctp {

void Core::handle_timeout(TimePoint now) {
  clamp(now);
  if (event_owed_at_ <= now_) event_owed_at_ = never;
  while (const auto timer = timers_.expire(now_)) {
    switch (*timer) {
      case Timer::Handshake: handshake_timed_out(); break;
      case Timer::Shutdown: shutdown_timed_out(); break;
      case Timer::ShutdownGuard: abort_with(CauseCode::UserInitiatedAbort, "the shutdown took too long"); break;
      case Timer::Probe: probe_timed_out(); break;
      case Timer::Reordering: reordering_timed_out(); break;
      case Timer::Retransmission: retransmission_timed_out(); break;
      case Timer::Ack: tcb_->tracker.request_ack(); break;
      case Timer::Heartbeat: heartbeat_timed_out(); break;
      case Timer::Reconfig:
        if (!tcb_->reset.under_way()) break;
        if (!tcb_->reset.held_up()) {
          if (!count_error()) break;
          rto_.back_off();
        }
        tcb_->reset.send_again();
        break;
      case Timer::PathMtu:
        path_mtu_.handle_timeout(now_);
        path_mtu_found();
        break;
      case Timer::Pacing:  // what may leave now is polled
      case Timer::Count: break;
    }
    if (state_ == State::Gone) break;
  }
  if (state_ != State::Gone) progress();
  if (trace_) trace_changes();
}

}  // namespace linnet::sctp
