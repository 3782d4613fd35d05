#include <algorithm>
#include <utility>

#include "sctp/association/core.hpp"

namespace linnet::sctp {

void Core::shutdown(TimePoint now) {
  clamp(now);
  if (state_ == State::Gone) return;
  if (state_ == State::Closed) return close(Final::None, Closed{});
  shutdown_wanted_ = true;  // while connecting: first connect, then deliver
  progress();
  if (trace_) trace_changes();
}

void Core::abort(TimePoint now, std::string_view reason) {
  clamp(now);
  if (state_ != State::Gone) {
    final_cause_ = CauseCode::UserInitiatedAbort;
    final_text_ = reason.substr(0, 128);
    close(tcb_ ? Final::Abort : Final::None, std::nullopt);
  }
  silent_ = true;
}

void Core::carrier_closed(TimePoint now) {
  clamp(now);
  if (state_ == State::Gone) return;
  if (state_ == State::ShutdownAckSent) return close(Final::None, Closed{});
  fail_with("the peer closed the connection before the association was shut down", std::nullopt);
}

bool Core::drained() const noexcept { return queue_.empty() && tcb_->outstanding.empty(); }

// RFC 9260 section 9.2.
void Core::send_shutdown() {
  state_ = State::ShutdownSent;
  send_shutdown_ = true;
  errors_ = 0;
  timers_.stop(Timer::Heartbeat);
  timers_.set(Timer::Shutdown, now_ + rto_.value());
  timers_.set(Timer::ShutdownGuard, now_ + options_.shutdown_guard);
}

void Core::send_shutdown_ack() {
  state_ = State::ShutdownAckSent;
  send_shutdown_ = false;
  send_shutdown_ack_ = true;
  errors_ = 0;
  timers_.stop(Timer::Heartbeat);
  timers_.stop(Timer::ShutdownGuard);  // both sides have everything: from here on it ends well
  timers_.set(Timer::Shutdown, now_ + rto_.value());
}

void Core::handle_shutdown(const ChunkView& chunk) {
  ByteReader reader(chunk.value);
  const Tsn cumulative{reader.u32()};
  if (!reader.ok()) return;
  const std::size_t flight_before = tcb_->outstanding.in_flight();
  const auto result = tcb_->outstanding.handle_cumulative(now_, cumulative, rto_.smoothed());
  if (result.valid) acknowledged(result, flight_before);
  switch (state_) {
    case State::Established:
    case State::ShutdownPending: state_ = State::ShutdownReceived; break;
    case State::ShutdownSent: send_shutdown_ack(); break;  // both began
    case State::ShutdownAckSent: send_shutdown_ack_ = true; break;
    default: break;
  }
}

void Core::handle_shutdown_ack() {
  if (state_ != State::ShutdownSent && state_ != State::ShutdownAckSent) return;
  close(Final::ShutdownComplete, Closed{});
}

void Core::handle_shutdown_complete() {
  if (state_ == State::ShutdownAckSent) close(Final::None, Closed{});
}

void Core::shutdown_timed_out() {
  // In SHUTDOWN-ACK-SENT both sides have everything; only the peer's last word is missing, and a lost one is not
  // sent again: the peer forgot the association with it.
  constexpr unsigned max_shutdown_acks = 6;
  ++errors_;
  if (state_ == State::ShutdownAckSent && errors_ >= std::min(max_shutdown_acks, options_.max_retransmits + 1))
    return close(Final::None, Closed{});
  if (errors_ > options_.max_retransmits) return fail_with("the peer does not answer the shutdown", std::nullopt);
  rto_.back_off();
  timers_.set(Timer::Shutdown, now_ + rto_.value());
  (state_ == State::ShutdownSent ? send_shutdown_ : send_shutdown_ack_) = true;
}

void Core::abort_with(CauseCode cause, std::string_view text) {
  final_cause_ = cause;
  final_text_ = text;
  close(tcb_ ? Final::Abort : Final::None, Failed{Error{.name = ErrorName::OperationError,
                                                        .message = std::string(text),
                                                        .detail = ErrorDetail::SctpFailure,
                                                        .sctp_cause_code = std::to_underlying(cause)}});
}

void Core::fail_with(std::string text, std::optional<std::uint32_t> cause) {
  close(Final::None, Failed{Error{.name = ErrorName::OperationError,
                                  .message = std::move(text),
                                  .detail = ErrorDetail::SctpFailure,
                                  .sctp_cause_code = cause}});
}

/// The association is gone: all that stays is what the owner has not read yet.
void Core::close(Final last, std::optional<Event> event) {
  state_ = State::Gone;
  if (trace_) trace_->state(state_name());
  final_ = last;
  if (tcb_) {
    final_tag_ = tcb_->handshake.peer_tag;
    statistics_.chunks_retransmitted += tcb_->outstanding.retransmitted();
    statistics_.messages_abandoned += tcb_->outstanding.messages_abandoned();
    statistics_.spurious_recoveries += tcb_->outstanding.spurious();
  }
  timers_.stop_all();
  reply_.reset();
  tcb_.reset();
  queue_.clear();
  if (event) events_.push_back(std::move(*event));
}

}  // namespace linnet::sctp
