#include "dtls/connection_impl.hpp"

namespace linnet::dtls {

void Connection::Impl::close(TimePoint now) {
  advance(now);
  if (state_ == DtlsTransportState::Connecting && !flight_.empty()) {
    // In plaintext nobody has to believe it, but it spares an honest peer its timeout.
    const bool sealed = handshake_over_ || flight_.last_epoch() != 0;
    queue_alert({Alert::warning, Alert::close_notify}, sealed ? 1 : 0);
  } else if (handshake_over_ && !ended()) {
    queue_alert({Alert::warning, Alert::close_notify}, 1);
  }
  stop(DtlsTransportState::Closed);
  fatal_alert_.reset();
  events_.clear();
}

void Connection::Impl::fail_handshake() {
  Error error{.name = ErrorName::OperationError,
              .message = "the DTLS handshake failed: " + handshake_->error_text(),
              .detail = ErrorDetail::DtlsFailure};
  if (const auto received = handshake_->received_alert()) error.received_alert = received->description;
  if (const auto sent = handshake_->sent_alert()) {
    error.sent_alert = sent->description;
    const auto messages = handshake_->take_messages();
    const bool sealed = writer_.can_seal() && flight_.last_epoch() != 0;
    queue_alert(*sent, sealed ? 1 : 0);
  }
  if (handshake_->wrong_fingerprint()) {
    error.message = "the certificate of the peer does not match its fingerprint";
    error.detail = ErrorDetail::FingerprintFailure;
  }
  fail(std::move(error));
}

void Connection::Impl::fail(Error error) {
  stop(DtlsTransportState::Failed);
  events_.push_back(Failed{std::move(error)});
}

// Alerts that wait to be sent stay; all else goes.
void Connection::Impl::stop(DtlsTransportState state) {
  set_state(state);
  timers_.stop_all();
  flight_.clear();
  handshake_.reset();
  early_packets_.clear();
  early_records_.clear();
  early_data_.clear();
}

void Connection::Impl::queue_alert(Alert alert, std::uint16_t epoch) {
  if (options_.trace != nullptr) trace_alert(alert, true, epoch != 0);
  if (alerts_.size() < 2) alerts_.push_back({alert, epoch});
  if (alert.level != Alert::fatal) return;
  fatal_alert_ = {alert, epoch};
  fatal_alert_sent_ = now_;
}

// RFC 6347 section 4.2.7: alerts are not resent by a timer. A peer that goes on did not hear ours: it is told again,
// rarely and not for ever, and never for an alert, lest two ends that failed talk to each other.
void Connection::Impl::repeat_alert(std::span<std::byte> datagram) {
  constexpr unsigned most = 8;
  if (!fatal_alert_ || fatal_alert_repeats_ >= most || now_ - fatal_alert_sent_ < first_timeout_ / 2) return;
  const auto record = next_record(datagram);
  if (!record || record->type == ContentType::Alert) return;
  ++fatal_alert_repeats_;
  queue_alert(fatal_alert_->alert, fatal_alert_->epoch);
}

std::size_t Connection::Impl::poll_packet(std::span<std::byte> out) {
  // RFC 6347 section 4.1.1.1: no answer again and again may mean that our datagrams are too large for the path.
  constexpr unsigned patience = 4;
  constexpr std::size_t small_mtu = 548;
  const std::size_t limit = resends_ < patience ? options_.mtu : std::min(options_.mtu, small_mtu);
  out = out.first(std::min(out.size(), limit));
  std::size_t size = flight_.write(out, writer_);
  while (!alerts_.empty() && !flight_.pending()) {
    const auto [alert, epoch] = alerts_.front();
    const auto room = out.subspan(size);
    if (room.size() < writer_.overhead(epoch) + 2) break;
    alerts_.pop_front();
    const auto payload = room.subspan(writer_.header_room(epoch));
    payload[0] = std::byte{alert.level};
    payload[1] = std::byte{alert.description};
    size += writer_.write(room, 2, ContentType::Alert, version_1_2, epoch);
  }
  if (size != 0) {
    ++statistics_.packets_sent;
    statistics_.bytes_sent += size;
  }
  return size;
}

}  // namespace linnet::dtls
