#include "dtls/record.hpp"

#include "base/bytes.hpp"

namespace linnet::dtls {
namespace {

std::uint32_t u24(ByteReader& reader) noexcept {
  const std::uint32_t high = reader.u8();
  return high << 16 | reader.u16();
}

}  // namespace

std::optional<Record> next_record(std::span<std::byte>& datagram) noexcept {
  const auto whole = datagram;
  ByteReader reader{whole};
  const std::uint8_t type = reader.u8();
  Record record;
  record.version = reader.u16();
  record.epoch = reader.u16();
  record.sequence = std::uint64_t{reader.u16()} << 32;
  record.sequence |= reader.u32();
  const std::size_t length = reader.u16();
  datagram = {};
  if (!reader.ok() || type < 20 || type > 23 || length > reader.remaining() || length > max_ciphertext ||
      (record.version != version_1_2 && record.version != version_1_0)) {
    return std::nullopt;
  }
  record.type = static_cast<ContentType>(type);
  record.bytes = whole.first(record_header_size + length);
  record.fragment = record.bytes.subspan(record_header_size);
  datagram = whole.subspan(record.bytes.size());
  return record;
}

void write_record_header(std::span<std::byte, record_header_size> out, ContentType type, std::uint16_t version,
                         std::uint16_t epoch, std::uint64_t sequence, std::size_t length) noexcept {
  out[0] = static_cast<std::byte>(type);
  store_be(&out[1], version);
  store_be(&out[3], std::uint64_t{epoch} << 48 | sequence);
  store_be(&out[11], static_cast<std::uint16_t>(length));
}

std::optional<HandshakeHeader> read_handshake_header(std::span<const std::byte> fragment) noexcept {
  ByteReader reader{fragment};
  HandshakeHeader header;
  header.type = reader.u8();
  header.length = u24(reader);
  header.message_sequence = reader.u16();
  header.fragment_offset = u24(reader);
  header.fragment_length = u24(reader);
  if (!reader.ok() || header.fragment_length > reader.remaining() || header.fragment_offset > header.length ||
      header.fragment_length > header.length - header.fragment_offset) {
    return std::nullopt;
  }
  return header;
}

void write_handshake_header(std::span<std::byte, handshake_header_size> out, const HandshakeHeader& header) noexcept {
  store_be(&out[0], std::uint32_t{header.type} << 24 | header.length);
  store_be(&out[4], header.message_sequence);
  store_be(&out[6], static_cast<std::uint16_t>(header.fragment_offset >> 8));
  out[8] = static_cast<std::byte>(header.fragment_offset & 0xFF);
  out[9] = static_cast<std::byte>(header.fragment_length >> 16 & 0xFF);
  store_be(&out[10], static_cast<std::uint16_t>(header.fragment_length & 0xFFFF));
}

}  // namespace linnet::dtls
