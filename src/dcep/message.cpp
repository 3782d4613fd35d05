#include "dcep/message.hpp"

#include <cassert>
#include <utility>

#include "base/bytes.hpp"
#include "dcep/utf8.hpp"

namespace linnet::dcep {
namespace {

// RFC 8832 section 8.2.1.
constexpr std::uint8_t message_ack = 0x02;
constexpr std::uint8_t message_open = 0x03;

// RFC 8832 section 8.2.2: the low bits name the kind of reliability, the high bit says unordered.
constexpr std::uint8_t channel_reliable = 0x00;
constexpr std::uint8_t channel_rexmit = 0x01;
constexpr std::uint8_t channel_timed = 0x02;
constexpr std::uint8_t channel_unordered = 0x80;

// DATA_CHANNEL_OPEN, RFC 8832 section 5.1:
//  0                   1                   2                   3
// +---------------+---------------+-------------------------------+
// | Message Type  | Channel Type  |           Priority            |
// +---------------+---------------+-------------------------------+
// |                    Reliability Parameter                      |
// +-------------------------------+-------------------------------+
// |         Label Length          |       Protocol Length         |
// +-------------------------------+-------------------------------+
// |  Label ..., then Protocol ...                                 |
// +---------------------------------------------------------------+
constexpr std::size_t open_header_size = 12;

std::expected<Message, ParseError> parse_open(ByteReader& in) {
  Open open;
  const std::uint8_t type = in.u8();
  open.priority = in.u16();
  const std::uint32_t reliability = in.u32();
  const std::size_t label_size = in.u16();
  const std::size_t protocol_size = in.u16();
  open.label = as_text(in.bytes(label_size));
  open.protocol = as_text(in.bytes(protocol_size));
  if (!in.ok()) return std::unexpected(ParseError::Truncated);
  if (in.remaining() != 0) return std::unexpected(ParseError::TrailingBytes);

  open.ordered = (type & channel_unordered) == 0;
  switch (type & static_cast<std::uint8_t>(~channel_unordered)) {
    case channel_reliable: break;  // Section 5.1: the parameter of a reliable channel is ignored.
    case channel_rexmit: open.max_retransmits = reliability; break;
    case channel_timed: open.max_packet_life_time = reliability; break;
    default: return std::unexpected(ParseError::UnknownChannelType);
  }
  if (!is_utf8(as_bytes(open.label)) || !is_utf8(as_bytes(open.protocol))) {
    return std::unexpected(ParseError::BadUtf8);
  }
  return open;
}

}  // namespace

std::expected<Message, ParseError> parse(std::span<const std::byte> bytes) {
  if (bytes.empty()) return std::unexpected(ParseError::Empty);
  ByteReader in{bytes};
  switch (in.u8()) {
    case message_open: return parse_open(in);
    case message_ack:
      // Some senders pad the acknowledgement; nothing after the type has a meaning.
      return Ack{};
    default: return std::unexpected(ParseError::UnknownMessageType);
  }
}

std::vector<std::byte> write(const Open& open) {
  assert(open.label.size() <= 0xffff && open.protocol.size() <= 0xffff);
  assert(!(open.max_retransmits && open.max_packet_life_time));
  std::uint8_t type = open.max_retransmits        ? channel_rexmit
                      : open.max_packet_life_time ? channel_timed
                                                  : channel_reliable;
  if (!open.ordered) type = static_cast<std::uint8_t>(type | channel_unordered);

  std::vector<std::byte> bytes(open_header_size + open.label.size() + open.protocol.size());
  ByteWriter out{bytes};
  out.u8(message_open);
  out.u8(type);
  out.u16(open.priority);
  out.u32(open.max_retransmits.value_or(open.max_packet_life_time.value_or(0)));
  out.u16(static_cast<std::uint16_t>(open.label.size()));
  out.u16(static_cast<std::uint16_t>(open.protocol.size()));
  out.bytes(as_bytes(open.label));
  out.bytes(as_bytes(open.protocol));
  assert(out.ok() && out.room() == 0);
  return bytes;
}

std::vector<std::byte> write(const Ack&) { return {std::byte{message_ack}}; }

std::uint16_t wire_priority(Priority priority) noexcept {
  switch (priority) {
    case Priority::VeryLow: return 128;
    case Priority::Low: return 256;
    case Priority::Medium: return 512;
    case Priority::High: return 1'024;
  }
  std::unreachable();
}

Priority priority_of(std::uint16_t wire) noexcept {
  if (wire <= 128) return Priority::VeryLow;
  if (wire <= 256) return Priority::Low;
  if (wire <= 512) return Priority::Medium;
  return Priority::High;
}

}  // namespace linnet::dcep
