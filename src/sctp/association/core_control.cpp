#include <algorithm>
#include <cstring>

#include "sctp/association/core.hpp"

namespace linnet::sctp {
namespace {
constexpr std::uint16_t parameter_heartbeat_info = 1;
constexpr std::size_t max_reset_events = 64;
}  // namespace

// RFC 9260 section 8.3: the information goes back as it came.
void Core::handle_heartbeat(const ChunkView& chunk) {
  if (chunk.value.size() > options_.mtu - common_header_size - chunk_header_size) return;
  heartbeat_echo_.assign(chunk.value.begin(), chunk.value.end());
  send_heartbeat_ack_ = true;
}

void Core::handle_heartbeat_ack(const ChunkView& chunk) {
  TlvReader parameters(chunk.value);
  const auto information = parameters.next();
  if (!information || information->type != parameter_heartbeat_info) return;
  ByteReader reader(information->value);
  const std::uint64_t nonce = reader.u64();
  if (!reader.ok()) return;
  if (path_mtu_.acknowledged(now_, nonce)) return path_mtu_found();
  if (!heartbeat_outstanding_ || nonce != heartbeat_nonce_) return;
  heartbeat_outstanding_ = false;
  errors_ = 0;
  if (took_this_path(heartbeat_sent_at_)) {
    rto_.measured(now_ - heartbeat_sent_at_);
    window_.measured(now_ - heartbeat_sent_at_);
  }
  timers_.set(Timer::Heartbeat, now_ + options_.heartbeat_interval);
}

// RFC 4960 appendix A. Once for all that was in flight at that time.
void Core::handle_ecn_echo(const ChunkView& chunk) {
  Tcb& t = *tcb_;
  if (!t.handshake.ecn || chunk.value.size() < 4) return;
  const Tsn lowest{load_be<std::uint32_t>(chunk.value.data())};
  if (lowest >= t.outstanding.next_tsn()) return;  // never sent
  t.send_cwr = lowest;
  if (t.reduced && lowest <= *t.reduced) return;
  t.reduced = t.outstanding.next_tsn() - 1U;
  t.congestion.ecn_echo(now_, *t.reduced);
}

void Core::handle_cwr(const ChunkView& chunk) {
  if (chunk.value.size() < 4 || !tcb_->marked) return;
  if (Tsn{load_be<std::uint32_t>(chunk.value.data())} >= *tcb_->marked) tcb_->marked.reset();
}

void Core::heartbeat_timed_out() {
  if (heartbeat_outstanding_) {
    heartbeat_outstanding_ = false;
    if (!count_error()) return;
    rto_.back_off();
  }
  // Data in flight probes the path by itself.
  if (!tcb_->outstanding.empty() || state_ != State::Established) {
    timers_.set(Timer::Heartbeat, now_ + options_.heartbeat_interval);
    return;
  }
  // An idle connection keeps nothing of its busy hours.
  if (queue_.empty()) pool_.rest();
  send_heartbeat_ = true;
  heartbeat_outstanding_ = true;
  heartbeat_nonce_ = generator_.next_u64();
  heartbeat_sent_at_ = now_;
  timers_.set(Timer::Heartbeat, now_ + rto_.value());
}

bool Core::count_error() {
  if (++errors_ <= options_.max_retransmits) return true;
  fail_with("the peer no longer answers", std::nullopt);
  return false;
}

// RFC 9260 section 5.2.6: a cookie that got too old is fetched anew.
void Core::handle_error(const ChunkView& chunk) {
  TlvReader causes(chunk.value);
  while (const auto cause = causes.next()) {
    if (cause->type != std::to_underlying(CauseCode::StaleCookie) || state_ != State::CookieEchoed) continue;
    if (++stale_cookies_ > options_.max_init_retransmits) return fail_with("the peer's cookies are stale", cause->type);
    if (tcb_->outstanding.empty()) tcb_.reset();
    state_ = State::CookieWait;
    send_cookie_echo_ = answered_event_ = false;
    send_init();
    return;
  }
}

void Core::handle_abort(const ChunkView& chunk) {
  TlvReader causes(chunk.value);
  const auto cause = causes.next();
  std::string text = "the peer aborted the association";
  if (cause && !cause->value.empty() &&
      (cause->type == std::to_underlying(CauseCode::UserInitiatedAbort) ||
       cause->type == std::to_underlying(CauseCode::ProtocolViolation))) {
    constexpr std::size_t max_text = 128;
    text += ": ";
    for (const char c : as_text(cause->value.first(std::min(cause->value.size(), max_text))))
      text += c >= ' ' && c <= '~' ? c : '?';
  }
  fail_with(std::move(text), cause ? std::optional<std::uint32_t>(cause->type) : std::nullopt);
}

/// Queues an error cause for an ERROR chunk; what does not fit is not reported.
void Core::report_error(CauseCode cause, std::span<const std::byte> information) {
  ByteWriter writer(std::span<std::byte>(error_causes_).subspan(error_size_));
  write_tlv(writer, std::to_underlying(cause), information);
  if (writer.ok()) error_size_ += writer.size();
}

void Core::handle_reconfig(const ChunkView& chunk) {
  if (!tcb_->handshake.reconfig) return;
  auto outcome = tcb_->reset.handle(chunk, tcb_->tracker, reassembly_, reset_events_ >= max_reset_events);
  collect_incoming_resets();
  if (outcome) end_reset(std::move(*outcome));
}

void Core::collect_incoming_resets() {
  if (auto streams = tcb_->reset.take_incoming()) {
    ++reset_events_;
    events_.push_back(IncomingStreamsReset{std::move(*streams)});
  }
}

void Core::end_reset(StreamReset::Outcome outcome) {
  errors_ = 0;
  // RFC 6525 section 5.2.7: asked again after a while, and that is no error of the path.
  if (outcome.result == StreamReset::ResultCode::InProgress) return timers_.set(Timer::Reconfig, now_ + rto_.value());
  timers_.stop(Timer::Reconfig);
  for (const StreamId stream : outcome.streams) {
    if (outcome.performed)
      queue_.reset(stream);
    else
      queue_.set_resetting(stream, false);
  }
  if (outcome.performed) {
    events_.push_back(OutgoingStreamsReset{std::move(outcome.streams)});
  } else {
    events_.push_back(
        StreamResetFailed{std::move(outcome.streams),
                          "the peer refused with result " + std::to_string(std::to_underlying(outcome.result))});
  }
}

}  // namespace linnet::sctp
