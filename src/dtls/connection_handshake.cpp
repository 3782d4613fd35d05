#include <cassert>

#include "dtls/connection_impl.hpp"

namespace linnet::dtls {

void Connection::Impl::start(TimePoint now, Role role) {
  assert(!role_);
  advance(now);
  if (state_ != DtlsTransportState::New) return;
  auto certificate = options_.certificate.in(options_.context);
  role_ = role;
  set_state(DtlsTransportState::Connecting);
  if (!certificate) return fail(certificate.error());
  handshake_ = std::make_unique<Handshake>(*certificate, role == Role::Client);
  if (fingerprints_) handshake_->set_fingerprints(&*fingerprints_);
  timers_.set(Timer::Total, now_ + options_.total_timeout);
  progress(handshake_->start());
  for (auto& packet : std::exchange(early_packets_, {})) {
    std::span<std::byte> rest = packet;
    while (const auto record = next_record(rest)) handle_record(*record);
  }
}

void Connection::Impl::handle_handshake_record(const Record& record) {
  if (record.epoch == 0) {
    if (record.type == ContentType::Handshake) return handle_plaintext_handshake(record);
    if (record.type == ContentType::Alert) return handle_plaintext_alert(record);
    if (record.type == ContentType::ChangeCipherSpec && record.fragment.size() == 1) return feed(record);
  } else if (record.type == ContentType::ApplicationData) {
    return keep_early_record(record);  // overtook the peer's Finished
  } else if (record.type == ContentType::Handshake || record.type == ContentType::Alert) {
    // OpenSSL has to open it, and keeps those that come before the ChangeCipherSpec.
    constexpr unsigned most = 16;
    if (handshake_->cipher_changed() || ++early_finished_ <= most) return feed(record);
  }
  ++statistics_.records_invalid;
}

void Connection::Impl::handle_plaintext_handshake(const Record& record) {
  const auto header = read_handshake_header(record.fragment);
  if (!header) {
    ++statistics_.records_invalid;
    return;
  }
  // RFC 6347 section 4.2.4: the peer repeats what we have answered, so the answer was lost.
  if (header->message_sequence < handshake_->next_message_sequence()) return resend_if_due();
  feed(record);
}

// RFC 6347 section 4.1.2.7: anybody can send a plaintext alert. So it is not obeyed, only remembered: if it was
// genuine, the peer has nothing more to say, and the handshake ends after a short while with this alert for a reason.
void Connection::Impl::handle_plaintext_alert(const Record& record) {
  if (record.fragment.size() != 2) {
    ++statistics_.records_invalid;
    return;
  }
  const Alert alert{std::to_integer<std::uint8_t>(record.fragment[0]),
                    std::to_integer<std::uint8_t>(record.fragment[1])};
  if (options_.trace != nullptr) trace_alert(alert, false, false);
  if (alert.level != Alert::fatal && alert.description != Alert::close_notify) return;
  if (plaintext_alert_) return;
  plaintext_alert_ = alert;
  timers_.set(Timer::AlertGrace, now_ + options_.plaintext_alert_grace);
}

void Connection::Impl::feed(const Record& record) {
  // OpenSSL has a replay window for plaintext, too. One forged record with a large number would shut out all that the
  // peer sends, so the numbers of plaintext are made afresh; message numbers tell repetitions.
  if (record.epoch == 0) {
    write_record_header(record.bytes.first<record_header_size>(), record.type, record.version, 0, fed_++,
                        record.fragment.size());
  }
  const std::uint32_t before = handshake_->next_message_sequence();
  const auto status = handshake_->feed(record.bytes);
  if (status != Handshake::Status::Failed && handshake_->next_message_sequence() != before) {
    plaintext_alert_.reset();
    timers_.stop(Timer::AlertGrace);
  }
  progress(status);
}

void Connection::Impl::progress(Handshake::Status status) {
  if (remote_certificate_.empty()) remote_certificate_ = handshake_->take_peer_certificate();
  if (status == Handshake::Status::Failed) return fail_handshake();
  auto messages = handshake_->take_messages();
  if (!messages.empty()) begin_flight(std::move(messages), status == Handshake::Status::Done);
  if (status == Handshake::Status::Done) finish_handshake();
}

void Connection::Impl::begin_flight(std::vector<Message> messages, bool last) {
  flight_.begin(std::move(messages));
  if (flight_.last_epoch() != 0) install_keys();
  timeout_ = first_timeout_;
  resends_ = 0;
  flight_sent_ = now_;
  if (options_.trace != nullptr) trace_flight(false);
  // The last flight is not resent by timer but when the peer repeats its own.
  if (last) {
    timers_.stop(Timer::Resend);
  } else {
    arm_resend();
  }
}

void Connection::Impl::install_keys() {
  if (writer_.can_seal()) return;
  secrets_ = handshake_->secrets();
  assert(secrets_);
  if (options_.key_log != nullptr) options_.key_log->add(secrets_->key_log_line());
  if (options_.trace != nullptr)
    options_.trace->add(trace::DtlsKeysInstalled{.role = to_string(*role_), .cipher = secrets_->suite().name});
  const auto keys = secrets_->keys();
  const bool client = role_ == Role::Client;
  const auto aead = secrets_->suite().aead;
  using enum crypto::Aead::Direction;
  writer_.install(RecordProtection{options_.context, aead, Seal, client ? keys.client : keys.server});
  opener_.emplace(options_.context, aead, Open, client ? keys.server : keys.client);
}

void Connection::Impl::finish_handshake() {
  srtp_profile_ = handshake_->srtp_profile();
  handshake_.reset();
  handshake_over_ = true;
  timers_.stop_all();
  // A client's last flight was answered. A server's may be lost.
  if (role_ == Role::Client) flight_.clear();
  open_early_records();
  check_fingerprint();
}

void Connection::Impl::set_remote_fingerprints(std::vector<crypto::Fingerprint> fingerprints) {
  if (ended() || state_ == DtlsTransportState::Connected) return;
  fingerprints_ = std::move(fingerprints);
  if (handshake_) handshake_->set_fingerprints(&*fingerprints_);
  check_fingerprint();
}

void Connection::Impl::check_fingerprint() {
  if (!fingerprints_ || remote_certificate_.empty() || ended()) return;
  if (!crypto::matches(*fingerprints_, remote_certificate_)) {
    // RFC 8122 section 6.2: the session must not be used; the alert is bad_certificate.
    const Alert alert{Alert::fatal, Alert::bad_certificate};
    if (handshake_over_ || flight_.last_epoch() != 0) {
      queue_alert(alert, 1);
    } else {
      queue_alert(alert, 0);
    }
    return fail({.name = ErrorName::OperationError,
                 .message = "the certificate of the peer does not match its fingerprint",
                 .detail = ErrorDetail::FingerprintFailure,
                 .sent_alert = alert.description});
  }
  if (!handshake_over_) return;
  set_state(DtlsTransportState::Connected);
  events_.push_back(Connected{});
}

void Connection::Impl::arm_resend() noexcept {
  // Up to an eighth more, so that two ends do not collide again and again.
  const auto spread = static_cast<std::uint64_t>(timeout_.count() / 8 + 1);
  timers_.set(Timer::Resend, now_ + timeout_ + Duration{static_cast<Duration::rep>(generator_->below(spread))});
}

void Connection::Impl::resend_if_due() {
  // Each repeated record of the peer would call for a whole flight; one per half timeout answers them all.
  if (flight_.empty() || now_ - flight_sent_ < first_timeout_ / 2) return;
  flight_.rewind();
  flight_sent_ = now_;
  ++statistics_.flights_resent;
  if (options_.trace != nullptr) trace_flight(true);
}

void Connection::Impl::set_round_trip_time(Duration rtt) noexcept {
  // Twice, plus what the peer needs to sign.
  first_timeout_ = std::clamp<Duration>(2 * rtt + std::chrono::milliseconds{30}, std::chrono::milliseconds{50},
                                        std::max<Duration>(options_.max_timeout, std::chrono::milliseconds{50}));
}

void Connection::Impl::handle_timeout(TimePoint now) {
  advance(now);
  while (const auto timer = timers_.expire(now_)) {
    switch (*timer) {
      case Timer::Resend:
        timeout_ = std::min(timeout_ * 2, options_.max_timeout);
        ++resends_;
        ++statistics_.flights_resent;
        flight_.rewind();
        flight_sent_ = now_;
        if (options_.trace != nullptr) trace_flight(true);
        arm_resend();
        break;
      case Timer::Total:
        fail({.name = ErrorName::OperationError,
              .message = "the DTLS handshake timed out",
              .detail = ErrorDetail::DtlsFailure});
        break;
      case Timer::AlertGrace:
        fail({.name = ErrorName::OperationError,
              .message = "the peer ended the DTLS handshake",
              .detail = ErrorDetail::DtlsFailure,
              .received_alert = plaintext_alert_->description});
        break;
      case Timer::Count: break;
    }
  }
}

}  // namespace linnet::dtls
