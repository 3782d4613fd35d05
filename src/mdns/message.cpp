#include "mdns/message.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"

namespace linnet::mdns {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t max_name = 255;
constexpr std::size_t max_label = 63;
constexpr std::size_t max_records = 512;
constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_aaaa = 28;
constexpr std::uint16_t type_nsec = 47;
constexpr std::uint16_t type_any = 255;
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t class_any = 255;
constexpr std::uint16_t same_name = 0xC000 | header_size;  // As the first one in the packet.
constexpr std::uint16_t top_bit = 0x8000;                  // QU in a question, cache-flush in an answer.

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Reads the name at `at` and moves `at` behind it. Each pointer must lead to before the place where the last
/// run of labels began, so there is no way around in circles.
std::optional<std::string> read_name(std::span<const std::byte> packet, std::size_t& at) {
  std::string name;
  std::size_t pos = at;
  std::size_t run = at;
  bool jumped = false;
  while (true) {
    if (pos >= packet.size()) return std::nullopt;
    const auto size = std::to_integer<std::size_t>(packet[pos]);
    if (size == 0) {
      if (!jumped) at = pos + 1;
      return name;
    }
    if ((size & 0xC0U) == 0xC0U) {
      if (pos + 1 >= packet.size()) return std::nullopt;
      const std::size_t target = load_be<std::uint16_t>(packet.data() + pos) & 0x3FFFU;
      if (target >= run) return std::nullopt;
      if (!jumped) at = pos + 2;
      jumped = true;
      pos = run = target;
      continue;
    }
    if (size > max_label || pos + 1 + size > packet.size() || name.size() + 1 + size > max_name) return std::nullopt;
    if (!name.empty()) name.push_back('.');
    // A dot inside a label is no separator: such a name is none that we have asked for.
    for (const char c : as_text(packet.subspan(pos + 1, size))) name.push_back(c == '.' ? '\0' : lower(c));
    pos += 1 + size;
  }
}

std::optional<IpAddress> read_address(std::uint16_t type, std::span<const std::byte> data) {
  if (type == type_a && data.size() == 4) {
    std::array<std::uint8_t, 4> bytes{};
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = std::to_integer<std::uint8_t>(data[i]);
    return IpAddress::v4(bytes);
  }
  if (type == type_aaaa && data.size() == 16) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < 16; ++i) bytes[i] = std::to_integer<std::uint8_t>(data[i]);
    return IpAddress::v6(bytes);
  }
  return std::nullopt;
}

struct Counts {
  std::size_t questions = 0, answers = 0, authority = 0, additional = 0;
};

/// RFC 6762 section 18: opcode and response code zero, QR as it should be.
std::optional<Counts> read_header(std::span<const std::byte> packet, unsigned response) {
  if (packet.size() < header_size) return std::nullopt;
  ByteReader header{packet};
  header.skip(2);
  const std::uint16_t flags = header.u16();
  Counts out;
  out.questions = header.u16();
  out.answers = header.u16();
  out.authority = header.u16();
  out.additional = header.u16();
  const bool too_many = out.questions > max_records || out.answers + out.authority + out.additional > max_records;
  if ((flags & 0xF80FU) != response || too_many) return std::nullopt;
  return out;
}

/// The address records among the next `count`; false when one is malformed.
bool read_records(std::span<const std::byte> packet, std::size_t& at, std::size_t count, std::size_t most,
                  std::vector<AddressRecord>& out) {
  for (std::size_t i = 0; i < count; ++i) {
    auto name = read_name(packet, at);
    if (!name) return false;
    ByteReader in{packet.subspan(at)};
    const std::uint16_t type = in.u16();
    const auto cls = static_cast<std::uint16_t>(in.u16() & ~unsigned{top_bit});
    const std::uint32_t ttl = in.u32();
    const std::size_t size = in.u16();
    const auto data = in.bytes(size);
    if (!in.ok()) return false;
    at = packet.size() - in.remaining();
    const auto address = cls == class_in ? read_address(type, data) : std::nullopt;
    if (address && out.size() < most) out.push_back({std::move(*name), *address, ttl});
  }
  return true;
}

bool write_name(ByteWriter& writer, std::string_view name) {
  if (name.empty() || name.size() > max_name - 2) return false;
  for (std::string_view rest = name; !rest.empty();) {
    const auto dot = rest.find('.');
    const auto label = rest.substr(0, dot);
    if (label.empty() || label.size() > max_label) return false;
    writer.u8(static_cast<std::uint8_t>(label.size()));
    writer.bytes(as_bytes(label));
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  }
  writer.u8(0);
  return true;
}

}  // namespace

std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out;
  for (const char c : name) out.push_back(lower(c));
  return out;
}

std::optional<std::vector<AddressRecord>> parse_response(std::span<const std::byte> packet, std::size_t most) {
  const auto counts = read_header(packet, 0x8000U);
  if (!counts) return std::nullopt;
  std::size_t at = header_size;
  for (std::size_t i = 0; i < counts->questions; ++i) {
    if (!read_name(packet, at) || at + 4 > packet.size()) return std::nullopt;
    at += 4;
  }
  std::vector<AddressRecord> out;
  const std::size_t records = counts->answers + counts->authority + counts->additional;
  if (!read_records(packet, at, records, most, out)) return std::nullopt;
  // A time to live of zero takes the record back (RFC 6762 section 10.1).
  std::erase_if(out, [](const AddressRecord& record) { return record.ttl == 0; });
  return out;
}

std::optional<Query> parse_query(std::span<const std::byte> packet, std::size_t most) {
  const auto counts = read_header(packet, 0);
  if (!counts) return std::nullopt;
  Query out;
  out.id = load_be<std::uint16_t>(packet.data());
  std::size_t at = header_size;
  for (std::size_t i = 0; i < counts->questions; ++i) {
    auto name = read_name(packet, at);
    if (!name || at + 4 > packet.size()) return std::nullopt;
    const auto type = load_be<std::uint16_t>(packet.data() + at);
    const auto cls = static_cast<std::uint16_t>(load_be<std::uint16_t>(packet.data() + at + 2) & ~unsigned{top_bit});
    at += 4;
    if ((cls != class_in && cls != class_any) || out.questions.size() >= most) continue;
    if (type == type_a) out.questions.push_back({std::move(*name), Wanted::V4});
    if (type == type_aaaa) out.questions.push_back({std::move(*name), Wanted::V6});
    if (type == type_any) out.questions.push_back({std::move(*name), Wanted::Any});
  }
  if (!read_records(packet, at, counts->answers, most, out.known)) return std::nullopt;
  if (!read_records(packet, at, counts->authority, most, out.proposed)) return std::nullopt;
  return out;
}

std::size_t write_response(std::span<std::byte> out, const AddressRecord& record, Wanted wanted) {
  const bool v4 = record.address.is_v4();
  const bool address_first = wanted == Wanted::Any || (wanted == Wanted::V4) == v4;
  const bool goodbye = record.ttl == 0;
  ByteWriter writer{out};
  for (const int field : {0, 0x8400, 0, 1, 0, goodbye ? 0 : 1}) writer.u16(static_cast<std::uint16_t>(field));
  if (!write_name(writer, record.name)) return 0;
  const auto address = [&] {
    writer.u16(v4 ? type_a : type_aaaa);
    writer.u16(class_in | top_bit);
    writer.u32(record.ttl);
    writer.u16(static_cast<std::uint16_t>(record.address.bytes().size()));
    writer.bytes(std::as_bytes(record.address.bytes()));
  };
  const auto nothing_else = [&] {
    // RFC 4034 section 4.1.2: one block of as many bytes of bits as the type needs.
    constexpr std::uint8_t bit_of_a = 0x40;
    constexpr std::array<std::uint8_t, 4> bits_of_aaaa{0, 0, 0, 0x08};
    writer.u16(type_nsec);
    writer.u16(class_in | top_bit);
    writer.u32(record.ttl);
    writer.u16(v4 ? 5 : 8);
    writer.u16(same_name);
    writer.u8(0);
    writer.u8(v4 ? 1 : 4);
    if (v4)
      writer.u8(bit_of_a);
    else
      writer.bytes(std::as_bytes(std::span{bits_of_aaaa}));
  };
  if (goodbye || address_first) {
    address();
    if (!goodbye) {
      writer.u16(same_name);
      nothing_else();
    }
  } else {
    nothing_else();
    writer.u16(same_name);
    address();
  }
  return writer.ok() ? writer.size() : 0;
}

std::size_t write_legacy_response(std::span<std::byte> out, std::uint16_t id, Wanted wanted,
                                  const AddressRecord& record) {
  constexpr std::uint32_t longest = 10;
  const std::uint16_t type = record.address.is_v4() ? type_a : type_aaaa;
  const std::uint16_t asked = wanted == Wanted::Any ? type_any : wanted == Wanted::V4 ? type_a : type_aaaa;
  const bool has_it = asked == type_any || asked == type;
  ByteWriter writer{out};
  writer.u16(id);
  for (const int field : {0x8400, 1, has_it ? 1 : 0, 0, 0}) writer.u16(static_cast<std::uint16_t>(field));
  if (!write_name(writer, record.name)) return 0;
  writer.u16(asked);
  writer.u16(class_in);
  if (has_it) {
    writer.u16(same_name);
    writer.u16(type);
    writer.u16(class_in);  // Such an asker does not know the cache-flush bit.
    writer.u32(std::min(record.ttl, longest));
    writer.u16(static_cast<std::uint16_t>(record.address.bytes().size()));
    writer.bytes(std::as_bytes(record.address.bytes()));
  }
  return writer.ok() ? writer.size() : 0;
}

std::size_t write_probe(std::span<std::byte> out, const AddressRecord& record) {
  ByteWriter writer{out};
  for (const int field : {0, 0, 1, 0, 1, 0}) writer.u16(static_cast<std::uint16_t>(field));
  if (!write_name(writer, record.name)) return 0;
  // Deviation: not for a direct answer (RFC 6762 section 8.1), which one of several programs that share the port gets.
  writer.u16(type_any);
  writer.u16(class_in);
  writer.u16(same_name);
  writer.u16(record.address.is_v4() ? type_a : type_aaaa);
  writer.u16(class_in);
  writer.u32(record.ttl);
  writer.u16(static_cast<std::uint16_t>(record.address.bytes().size()));
  writer.bytes(std::as_bytes(record.address.bytes()));
  return writer.ok() ? writer.size() : 0;
}

std::size_t write_query(std::span<std::byte> out, std::string_view name, bool unicast) {
  ByteWriter writer{out};
  for (const int field : {0, 0, 2, 0, 0, 0}) writer.u16(static_cast<std::uint16_t>(field));
  if (!write_name(writer, name)) return 0;
  const auto cls = static_cast<std::uint16_t>(unicast ? class_in + top_bit : class_in);
  writer.u16(type_a);
  writer.u16(cls);
  writer.u16(same_name);
  writer.u16(type_aaaa);
  writer.u16(cls);
  return writer.ok() ? writer.size() : 0;
}

}  // namespace linnet::mdns
