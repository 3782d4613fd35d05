#include "mdns/message.hpp"

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
constexpr std::uint16_t class_in = 1;
constexpr std::uint16_t top_bit = 0x8000;  // QU in a question, cache-flush in an answer.

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

}  // namespace

std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string out;
  for (const char c : name) out.push_back(lower(c));
  return out;
}

std::optional<std::vector<AddressRecord>> parse_response(std::span<const std::byte> packet, std::size_t most) {
  if (packet.size() < header_size) return std::nullopt;
  ByteReader header{packet};
  header.skip(2);
  const std::uint16_t flags = header.u16();
  const std::size_t questions = header.u16();
  std::size_t records = header.u16();
  records += header.u16();
  records += header.u16();
  // RFC 6762 section 18: QR set, opcode and response code zero.
  if ((flags & 0xF80FU) != 0x8000U || questions > max_records || records > max_records) return std::nullopt;
  std::size_t at = header_size;
  for (std::size_t i = 0; i < questions; ++i) {
    if (!read_name(packet, at) || at + 4 > packet.size()) return std::nullopt;
    at += 4;
  }
  std::vector<AddressRecord> out;
  for (std::size_t i = 0; i < records; ++i) {
    auto name = read_name(packet, at);
    if (!name) return std::nullopt;
    ByteReader in{packet.subspan(at)};
    const std::uint16_t type = in.u16();
    const auto cls = static_cast<std::uint16_t>(in.u16() & ~unsigned{top_bit});
    const std::uint32_t ttl = in.u32();
    const std::size_t size = in.u16();
    const auto data = in.bytes(size);
    if (!in.ok()) return std::nullopt;
    at = packet.size() - in.remaining();
    // A time to live of zero takes the record back (RFC 6762 section 10.1).
    const auto address = cls == class_in && ttl != 0 ? read_address(type, data) : std::nullopt;
    if (address && out.size() < most) out.push_back({std::move(*name), *address});
  }
  return out;
}

std::size_t write_query(std::span<std::byte> out, std::string_view name, bool unicast) {
  if (name.empty() || name.size() > max_name - 2) return 0;
  ByteWriter writer{out};
  for (const int field : {0, 0, 2, 0, 0, 0}) writer.u16(static_cast<std::uint16_t>(field));
  const std::size_t start = writer.size();
  for (std::string_view rest = name; !rest.empty();) {
    const auto dot = rest.find('.');
    const auto label = rest.substr(0, dot);
    if (label.empty() || label.size() > max_label) return 0;
    writer.u8(static_cast<std::uint8_t>(label.size()));
    writer.bytes(as_bytes(label));
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  }
  writer.u8(0);
  const auto cls = static_cast<std::uint16_t>(unicast ? class_in + top_bit : class_in);
  writer.u16(type_a);
  writer.u16(cls);
  writer.u16(static_cast<std::uint16_t>(0xC000U | start));  // The same name again.
  writer.u16(type_aaaa);
  writer.u16(cls);
  return writer.ok() ? writer.size() : 0;
}

}  // namespace linnet::mdns
