#include <algorithm>
#include <array>

#include "ice/agent.hpp"
#include "stun/message_builder.hpp"

// Consent to send, RFC 7675, and keepalives, RFC 8445 section 11.

namespace linnet::ice {

CandidatePair* Agent::selected_mutable() noexcept {
  if (selected_) return checks_.find(*selected_);
  return previous_ ? &previous_->pair : nullptr;
}

void Agent::start_consent() {
  stop_consent();
  consent_at_ = now_;
  const bool peer_checks = !options_.lite || !remote_->lite;
  if (peer_checks) timers_.set(Timer::ConsentExpiry, now_ + options_.consent_expiry);
  if (options_.lite) {
    timers_.set(Timer::Keepalive, now_ + options_.keepalive);
  } else {
    arm_consent_check();
  }
}

void Agent::stop_consent() {
  disconnected_ = false;
  for (const Timer timer :
       {Timer::Consent, Timer::Disconnected, Timer::ConsentExpiry, Timer::Keepalive, Timer::Probe}) {
    timers_.stop(timer);
  }
}

void Agent::arm_consent_check() {
  // RFC 7675 section 5.1: the interval times a random factor from 0.8 to 1.2.
  const auto fifth = static_cast<std::uint64_t>(std::max<Duration::rep>(options_.consent_interval.count() / 5, 1));
  const Duration spread{static_cast<Duration::rep>(generator_.below(2 * fifth + 1))};
  const Duration least{static_cast<Duration::rep>(4 * fifth)};
  timers_.set(Timer::Consent, now_ + std::max<Duration>(least + spread, std::chrono::milliseconds{1}));
}

void Agent::send_consent_check() {
  CandidatePair* const pair = selected_mutable();
  if (pair == nullptr) return;
  arm_consent_check();
  if (!timers_.armed(Timer::Disconnected) && !disconnected_) {
    timers_.set(Timer::Disconnected, now_ + options_.disconnected_after);
  }
  if (transactions_.size() >= options_.max_transactions) return;
  // The controlling side repeats USE-CANDIDATE: a peer whose first one was answered and then forgotten learns it anew.
  const bool use_candidate = role_ == IceRole::Controlling && pair->nominated;
  send_request(Transaction::Kind::Consent, *pair, use_candidate, options_.rto);
  ++pair->statistics.consent_requests_sent;
}

void Agent::handle_consent_response(const Transaction& transaction, const stun::MessageView& message) {
  CandidatePair* const pair = selected_mutable();
  if (pair == nullptr || pair->id != transaction.pair || message.message_class() != stun::Class::Success) return;
  note_round_trip(transaction, *pair);
  consent_given();
}

void Agent::consent_given() {
  consent_at_ = now_;
  timers_.stop(Timer::Disconnected);
  timers_.stop(Timer::Probe);
  timers_.set(Timer::ConsentExpiry, now_ + options_.consent_expiry);
  disconnected_ = false;
}

void Agent::heard_from_peer(const Path& path) {
  // A lite agent sends no checks: that the peer's go on is its sign of life.
  if (!options_.lite || selected() != path) return;
  timers_.set(Timer::ConsentExpiry, now_ + options_.consent_expiry);
  timers_.set(Timer::Disconnected, now_ + options_.consent_interval * 6 / 5 + options_.disconnected_after);
  disconnected_ = false;
}

void Agent::consent_lost() {
  // RFC 7675 section 5.1: nothing more may be sent on this pair.
  const bool was_previous = !selected_ && previous_.has_value();
  if (was_previous) {
    forget_previous();
    stop_consent();
    choose_selected();
    // The answer to the restart may never come: whoever could give it no longer answers. So this ends, too.
    if (!selected_) timers_.set(Timer::Patience, now_ + options_.patience);
    return;
  }
  if (!selected_) return;
  CandidatePair& pair = *checks_.find(*selected_);
  pair.state = PairState::Failed;
  pair.valid = pair.nominated = pair.nominating = false;
  // Nor on those that were silent for about as long, though they were asked when this one fell silent: a peer that is
  // gone is not waited for once for each pair that worked.
  const TimePoint long_ago = std::max(consent_at_, now_ - options_.consent_expiry / 2);
  for (CandidatePair& other : checks_.pairs()) {
    if (!other.valid || other.heard > long_ago) continue;
    other.state = PairState::Failed;
    other.valid = other.nominated = other.nominating = false;
  }
  selected_.reset();
  stop_consent();
  const bool was_concluded = concluded_;
  if (!was_concluded) choose_selected();
  if (!selected_) fail_all();
}

void Agent::send_keepalive() {
  const CandidatePair* const pair = selected_mutable();
  if (pair == nullptr) return;
  timers_.set(Timer::Keepalive, now_ + options_.keepalive);
  send_indication(pair->path);
}

void Agent::send_indication(const Path& path) {
  std::array<std::byte, 32> buffer{};
  stun::MessageBuilder message{buffer, stun::Class::Indication, stun::Method::Binding,
                               stun::TransactionId::random(generator_)};
  const std::size_t size = message.fingerprint().finish();
  queue_packet(path, {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)});
}

}  // namespace linnet::ice
