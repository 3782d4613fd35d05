#include "linnet/core/address.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace linnet {
namespace {

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto dot = text.find('.');
    const auto part = i + 1 < out.size() ? text.substr(0, dot) : text;
    if (i + 1 < out.size() && dot == std::string_view::npos) return std::nullopt;
    if (part.empty() || part.size() > 3 || (part.size() > 1 && part.front() == '0')) return std::nullopt;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc{} || end != part.data() + part.size() || value > 255) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(value);
    if (i + 1 < out.size()) text.remove_prefix(dot + 1);
  }
  return out;
}

// One side of "::": groups of hexadecimal digits, perhaps ending in dotted decimal. Returns how many bytes.
std::optional<std::size_t> parse_groups(std::string_view text, std::array<std::uint8_t, 16>& out) {
  std::size_t size = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto part = text.substr(0, colon);
    if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
      const auto v4 = parse_v4(part);
      if (!v4 || size + 4 > out.size()) return std::nullopt;
      std::ranges::copy(*v4, out.begin() + static_cast<std::ptrdiff_t>(size));
      return size + 4;
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
    if (part.empty() || part.size() > 4 || error != std::errc{} || end != part.data() + part.size())
      return std::nullopt;
    if (size + 2 > out.size()) return std::nullopt;
    out[size++] = static_cast<std::uint8_t>(value >> 8);
    out[size++] = static_cast<std::uint8_t>(value & 0xff);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return size;
}

std::optional<std::array<std::uint8_t, 16>> parse_v6(std::string_view text) {
  std::array<std::uint8_t, 16> head{};
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto size = parse_groups(text, head);
    return size == 16 ? std::optional{head} : std::nullopt;
  }
  std::array<std::uint8_t, 16> tail{};
  const auto left = text.substr(0, gap);
  if (left.find('.') != std::string_view::npos) return std::nullopt;
  const auto head_size = parse_groups(left, head);
  const auto tail_size = parse_groups(text.substr(gap + 2), tail);
  if (!head_size || !tail_size || *head_size + *tail_size > 14) return std::nullopt;
  std::copy_n(tail.begin(), *tail_size, head.end() - static_cast<std::ptrdiff_t>(*tail_size));
  return head;
}

void append_hex(std::string& out, unsigned value) {
  std::array<char, 4> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, 16).ptr;
  out.append(text.data(), end);
}

std::string v6_text(std::span<const std::uint8_t> bytes) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  // RFC 5952 section 4.2: "::" replaces the longest run of zero groups, the first of equals, never a single one.
  std::size_t best = 8;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = end == i ? i + 1 : end;
  }
  std::string out;
  for (std::size_t i = 0; i < 8;) {
    if (i == best) {
      out += "::";
      i += best_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_hex(out, groups[i++]);
  }
  return out;
}

constexpr std::size_t mix(std::size_t seed, std::uint64_t value) noexcept {
  std::uint64_t x = (seed ^ value) * 0x9e37'79b9'7f4a'7c15U;
  x ^= x >> 32;
  return static_cast<std::size_t>(x * 0xd6e8'feb8'6659'fd93U);
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto four = parse_v4(text)) return v4(*four);
  if (text.find(':') == std::string_view::npos) return std::nullopt;
  if (const auto six = parse_v6(text)) return v6(*six);
  return std::nullopt;
}

bool IpAddress::is_unspecified() const noexcept {
  return std::ranges::all_of(bytes(), [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::ranges::all_of(bytes().first(15), [](std::uint8_t b) { return b == 0; });
}

bool IpAddress::is_link_local() const noexcept {
  if (is_v4()) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_multicast() const noexcept { return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff; }

bool IpAddress::is_private() const noexcept {
  if (is_v6()) return (bytes_[0] & 0xfe) == 0xfc;
  return bytes_[0] == 10 || (bytes_[0] == 172 && (bytes_[1] & 0xf0) == 16) || (bytes_[0] == 192 && bytes_[1] == 168) ||
         (bytes_[0] == 100 && (bytes_[1] & 0xc0) == 64);
}

IpAddress IpAddress::unmapped() const noexcept {
  if (is_v4()) return *this;
  const auto zeros = std::ranges::all_of(bytes().first(10), [](std::uint8_t b) { return b == 0; });
  if (!zeros || bytes_[10] != 0xff || bytes_[11] != 0xff) return *this;
  return v4({bytes_[12], bytes_[13], bytes_[14], bytes_[15]});
}

std::string to_string(const IpAddress& address) {
  const auto bytes = address.bytes();
  if (address.is_v6()) return v6_text(bytes);
  std::string out;
  for (const auto b : bytes) {
    if (!out.empty()) out += '.';
    out += std::to_string(b);
  }
  return out;
}

std::string_view to_string(Protocol protocol) noexcept {
  switch (protocol) {
    case Protocol::Udp: return "udp";
    case Protocol::Tcp: return "tcp";
    case Protocol::Tls: return "tls";
  }
  std::unreachable();
}

std::string to_string(const Endpoint& endpoint) {
  const auto text = to_string(endpoint.address);
  const auto port = std::to_string(endpoint.port);
  return endpoint.address.is_v6() ? "[" + text + "]:" + port : text + ":" + port;
}

std::string to_string(const Path& path) {
  return to_string(path.local) + " - " + to_string(path.remote) + " " + std::string{to_string(path.protocol)};
}

}  // namespace linnet

std::size_t std::hash<linnet::IpAddress>::operator()(const linnet::IpAddress& address) const noexcept {
  std::size_t seed = linnet::mix(0, address.scope());
  for (const auto b : address.bytes()) seed = linnet::mix(seed, b);
  return seed;
}

std::size_t std::hash<linnet::Endpoint>::operator()(const linnet::Endpoint& endpoint) const noexcept {
  return linnet::mix(std::hash<linnet::IpAddress>{}(endpoint.address), endpoint.port);
}

std::size_t std::hash<linnet::Path>::operator()(const linnet::Path& path) const noexcept {
  const auto local = std::hash<linnet::Endpoint>{}(path.local);
  return linnet::mix(linnet::mix(local, std::hash<linnet::Endpoint>{}(path.remote)),
                     static_cast<std::uint64_t>(path.protocol));
}
