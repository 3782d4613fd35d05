#include "dtls/flight.hpp"

#include <algorithm>
#include <cassert>

namespace linnet::dtls {

std::size_t RecordWriter::header_room(std::uint16_t epoch) const noexcept {
  return epoch != 0 && protection_ ? protection_->header_room() : record_header_size;
}

std::size_t RecordWriter::overhead(std::uint16_t epoch) const noexcept {
  return epoch != 0 && protection_ ? protection_->overhead() : record_header_size;
}

std::size_t RecordWriter::write(std::span<std::byte> record, std::size_t payload_size, ContentType type,
                                std::uint16_t version, std::uint16_t epoch) noexcept {
  assert(epoch < 2 && record.size() >= overhead(epoch) + payload_size);
  // RFC 6347 section 4.1: the number must not wrap. 2^48 records are beyond any connection's life.
  std::uint64_t& next = next_sequence_[epoch];
  if (next > max_sequence) return 0;
  const std::uint64_t sequence = next++;
  if (epoch != 0) return protection_ ? protection_->seal(record, payload_size, type, sequence) : 0;
  write_record_header(record.first<record_header_size>(), type, version, 0, sequence, payload_size);
  return record_header_size + payload_size;
}

std::size_t Flight::write(std::span<std::byte> datagram, RecordWriter& writer) noexcept {
  std::size_t size = 0;
  while (pending()) {
    const std::size_t written = write_record(datagram.subspan(size), writer);
    if (written == 0) break;
    size += written;
  }
  return size;
}

std::size_t Flight::write_record(std::span<std::byte> out, RecordWriter& writer) noexcept {
  const Message& message = messages_[message_];
  const std::size_t overhead = writer.overhead(message.epoch);
  const auto payload = [&] { return out.subspan(writer.header_room(message.epoch)); };
  if (message.type != ContentType::Handshake) {
    if (out.size() < overhead + message.bytes.size()) return 0;
    std::ranges::copy(message.bytes, payload().begin());
    ++message_;
    return writer.write(out, message.bytes.size(), message.type, version_1_2, message.epoch);
  }

  // RFC 6347 section 4.2.3: each fragment repeats the message's header. A tiny fragment at the end of a datagram costs
  // more than it brings.
  constexpr std::size_t least = 32;
  const std::size_t body = message.bytes.size() - handshake_header_size;
  const std::size_t left = body - offset_;
  const std::size_t fixed = overhead + handshake_header_size;
  if (out.size() < fixed + std::min(left, least)) return 0;
  const std::size_t size = std::min({left, out.size() - fixed, max_plaintext - handshake_header_size});
  auto header = *read_handshake_header(message.bytes);
  header.fragment_offset = static_cast<std::uint32_t>(offset_);
  header.fragment_length = static_cast<std::uint32_t>(size);
  write_handshake_header(payload().first<handshake_header_size>(), header);
  const auto part = std::span{message.bytes}.subspan(handshake_header_size + offset_, size);
  std::ranges::copy(part, payload().subspan(handshake_header_size).begin());
  offset_ += size;
  if (offset_ == body) {
    ++message_;
    offset_ = 0;
  }
  // RFC 6347 section 4.2.1: a ClientHello goes in a DTLS 1.0 record for the sake of old servers.
  constexpr std::uint8_t client_hello = 1;
  const std::uint16_t version = header.type == client_hello ? version_1_0 : version_1_2;
  return writer.write(out, handshake_header_size + size, message.type, version, message.epoch);
}

}  // namespace linnet::dtls
