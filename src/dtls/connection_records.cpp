#include "dtls/connection_impl.hpp"

namespace linnet::dtls {

std::span<const std::span<std::byte>> Connection::Impl::handle_packet(TimePoint now, std::span<std::byte> datagram) {
  advance(now);
  payloads_.clear();
  if (ended()) {
    repeat_alert(datagram);
    return {};
  }
  ++statistics_.packets_received;
  statistics_.bytes_received += datagram.size();
  if (state_ == DtlsTransportState::New) {
    keep_early_packet(datagram);
    return {};
  }
  while (!datagram.empty() && !ended()) {
    const auto record = next_record(datagram);
    if (!record) {
      ++statistics_.records_invalid;
      break;
    }
    handle_record(*record);
  }
  return payloads_;
}

void Connection::Impl::handle_record(const Record& record) {
  if (ended()) return;
  if (record.epoch > 1) {
    ++statistics_.records_invalid;
  } else if (!handshake_over_) {
    handle_handshake_record(record);
  } else if (record.epoch == 1) {
    handle_protected(record);
  }
  // What is left is plaintext after the handshake: late repetitions, or forged. The authentic Finished that goes with
  // a true repetition tells enough.
}

void Connection::Impl::handle_protected(const Record& record) {
  if (!replay_.fresh(record.sequence)) {
    ++statistics_.records_replayed;
    return;
  }
  const auto payload = opener_->open(record);
  if (!payload) {
    ++statistics_.records_invalid;
    return;
  }
  replay_.note(record.sequence);
  switch (record.type) {
    case ContentType::ApplicationData:
      if (payload->empty()) return;
      if (state_ == DtlsTransportState::Connected) {
        payloads_.push_back(*payload);
      } else if (room_for_early(early_data_.size(), early_data_bytes_, payload->size())) {
        early_data_bytes_ += payload->size();
        early_data_.emplace_back(payload->begin(), payload->end());
      } else {
        ++statistics_.early_dropped;
      }
      return;
    case ContentType::Alert: return handle_protected_alert(*payload);
    case ContentType::Handshake: {
      // RFC 6347 section 4.2.4: a repeated Finished means that our last flight was lost. Anything else would be a
      // renegotiation, which RFC 8827 section 6.5 does not need and we do not do.
      constexpr std::uint8_t finished = 20;
      const auto header = read_handshake_header(*payload);
      if (header && header->type == finished) resend_if_due();
      return;
    }
    case ContentType::ChangeCipherSpec: return;
  }
}

void Connection::Impl::handle_protected_alert(std::span<const std::byte> bytes) {
  if (bytes.size() != 2) return;
  const auto level = std::to_integer<std::uint8_t>(bytes[0]);
  const auto description = std::to_integer<std::uint8_t>(bytes[1]);
  if (options_.trace != nullptr) trace_alert({level, description}, false, true);
  if (description == Alert::close_notify) {
    // RFC 5246 section 7.2.1: answered by our own, once.
    queue_alert({Alert::warning, Alert::close_notify}, 1);
    stop(DtlsTransportState::Closed);
    events_.push_back(Closed{});
  } else if (level == Alert::fatal) {
    fail({.name = ErrorName::OperationError,
          .message = "the peer ended the DTLS connection",
          .detail = ErrorDetail::DtlsFailure,
          .received_alert = description});
  }
}

bool Connection::Impl::room_for_early(std::size_t packets, std::size_t bytes, std::size_t more) const noexcept {
  return packets < options_.max_early_packets && bytes + more <= options_.max_early_bytes;
}

void Connection::Impl::keep_early_packet(std::span<const std::byte> datagram) {
  if (!room_for_early(early_packets_.size(), early_packet_bytes_, datagram.size())) {
    ++statistics_.early_dropped;
    return;
  }
  early_packet_bytes_ += datagram.size();
  early_packets_.emplace_back(datagram.begin(), datagram.end());
}

void Connection::Impl::keep_early_record(const Record& record) {
  if (!room_for_early(early_records_.size(), early_record_bytes_, record.bytes.size())) {
    ++statistics_.early_dropped;
    return;
  }
  early_record_bytes_ += record.bytes.size();
  early_records_.emplace_back(record.bytes.begin(), record.bytes.end());
}

void Connection::Impl::open_early_records() {
  for (auto& bytes : std::exchange(early_records_, {})) {
    std::span<std::byte> rest = bytes;
    if (const auto record = next_record(rest)) handle_protected(*record);
  }
  early_record_bytes_ = 0;
}

std::vector<std::vector<std::byte>> Connection::Impl::take_early_data() {
  if (state_ != DtlsTransportState::Connected) return {};
  early_data_bytes_ = 0;
  return std::exchange(early_data_, {});
}

std::size_t Connection::Impl::seal(std::span<std::byte> record, std::size_t payload_size) noexcept {
  if (state_ != DtlsTransportState::Connected || payload_size > max_plaintext ||
      record.size() < writer_.overhead(1) + payload_size) {
    return 0;
  }
  const std::size_t size = writer_.write(record, payload_size, ContentType::ApplicationData, version_1_2, 1);
  if (size != 0) {
    ++statistics_.packets_sent;
    statistics_.bytes_sent += size;
  }
  return size;
}

}  // namespace linnet::dtls
