#include "ice/candidate.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace linnet::ice {
namespace {

constexpr std::size_t max_text = 4'096;
constexpr std::size_t max_extensions = 32;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_ice_char(char c) { return is_alphanumeric(c) || c == '+' || c == '/'; }
bool is_visible(char c) { return c > ' ' && c != 0x7F; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char a, char b) { return lower(a) == b; });
}

template <class T>
std::optional<T> number(std::string_view text, std::uint64_t max = std::numeric_limits<T>::max()) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return static_cast<T>(value);
}

/// The words of a line, one after another; empty at the end.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}
  std::string_view next() {
    const auto from = std::min(rest_.find_first_not_of(' '), rest_.size());
    rest_.remove_prefix(from);
    const auto word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word;
  }

 private:
  std::string_view rest_;
};

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.find('.') != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_alphanumeric(c) || c == '-' || c == '.' || c == '_'; }) &&
         std::ranges::any_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

std::optional<IceCandidateType> parse_type(std::string_view text) {
  for (const auto type :
       {IceCandidateType::Host, IceCandidateType::Srflx, IceCandidateType::Prflx, IceCandidateType::Relay}) {
    if (same(text, linnet::to_string(type))) return type;
  }
  return std::nullopt;
}

std::optional<IceTcpCandidateType> parse_tcp_type(std::string_view text) {
  for (const auto type : {IceTcpCandidateType::Active, IceTcpCandidateType::Passive, IceTcpCandidateType::So}) {
    if (same(text, linnet::to_string(type))) return type;
  }
  return std::nullopt;
}

/// foundation SP component SP transport SP priority SP address SP port SP "typ" SP type
bool read_fixed_part(Words& words, Candidate& out) {
  const auto foundation = words.next();
  if (foundation.empty() || foundation.size() > 32 || !std::ranges::all_of(foundation, is_ice_char)) return false;
  out.foundation = foundation;
  const auto component = number<std::uint16_t>(words.next(), 256);
  if (!component || *component == 0) return false;
  out.component = *component;
  const auto transport = words.next();
  if (same(transport, "tcp")) {
    out.protocol = Protocol::Tcp;
  } else if (!same(transport, "udp")) {
    return false;
  }
  const auto priority = number<std::uint32_t>(words.next());
  if (!priority) return false;
  out.priority = *priority;
  const auto address = words.next();
  if (const auto ip = IpAddress::parse(address)) {
    out.address = *ip;
  } else if (is_name(address)) {
    out.address = std::string(address);
  } else {
    return false;
  }
  const auto port = number<std::uint16_t>(words.next());
  if (!port || !same(words.next(), "typ")) return false;
  out.port = *port;
  const auto type = parse_type(words.next());
  if (!type) return false;
  out.type = *type;
  return true;
}

/// One of the name-value pairs after the type; false when a known one has a senseless value.
bool read_extension(std::string_view name, std::string_view value, Candidate& out) {
  if (same(name, "raddr")) {
    const auto ip = IpAddress::parse(value);
    if (ip) out.related = Endpoint{*ip, out.related ? out.related->port : std::uint16_t{0}};
    return ip.has_value() || is_name(value);
  }
  if (same(name, "rport")) {
    const auto port = number<std::uint16_t>(value);
    if (port && out.related) out.related->port = *port;
    return port.has_value();
  }
  if (same(name, "tcptype")) return (out.tcp_type = parse_tcp_type(value)).has_value();
  if (same(name, "generation")) return (out.generation = number<std::uint32_t>(value)).has_value();
  if (same(name, "network-id")) return (out.network_id = number<std::uint32_t>(value)).has_value();
  if (same(name, "network-cost")) return (out.network_cost = number<std::uint32_t>(value)).has_value();
  if (same(name, "ufrag")) {
    out.ufrag = std::string(value);
    return value.size() <= 256 && std::ranges::all_of(value, is_ice_char);
  }
  if (out.extensions.size() < max_extensions) out.extensions.emplace_back(name, value);
  return true;
}

}  // namespace

std::optional<Candidate> parse_candidate(std::string_view text) {
  if (text.size() > max_text) return std::nullopt;
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.starts_with("a=")) text.remove_prefix(2);
  if (same(text.substr(0, 10), "candidate:")) text.remove_prefix(10);
  // What is kept of a candidate is written back into descriptions: no control characters, no bytes of 128 and more.
  if (!std::ranges::all_of(text, [](char c) { return c == ' ' || is_visible(c); })) return std::nullopt;
  Words words{text};
  Candidate out;
  if (!read_fixed_part(words, out)) return std::nullopt;
  while (true) {
    const auto name = words.next();
    if (name.empty()) break;
    const auto value = words.next();
    // RFC 8839 section 5.1 wants pairs, yet a last name without a value does no harm.
    if (value.empty()) break;
    if (!read_extension(name, value, out)) return std::nullopt;
  }
  return out;
}

IpAddress without_scope(const IpAddress& address) {
  if (address.is_v4()) return address;
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  return IpAddress::v6(bytes);
}

std::string address_text(const Candidate& candidate) {
  if (const auto* ip = std::get_if<IpAddress>(&candidate.address)) return linnet::to_string(*ip);
  return std::get<std::string>(candidate.address);
}

std::string to_string(const Candidate& c) {
  std::string out = "candidate:" + c.foundation + ' ' + std::to_string(c.component) + ' ';
  out += c.protocol == Protocol::Udp ? "udp " : "tcp ";
  out += std::to_string(c.priority) + ' ' + address_text(c) + ' ' + std::to_string(c.port) + " typ ";
  out += linnet::to_string(c.type);
  if (c.related) {
    out += " raddr " + linnet::to_string(c.related->address) + " rport " + std::to_string(c.related->port);
  }
  if (c.tcp_type) out.append(" tcptype ").append(linnet::to_string(*c.tcp_type));
  if (c.generation) out += " generation " + std::to_string(*c.generation);
  if (c.ufrag) out += " ufrag " + *c.ufrag;
  if (c.network_id) out += " network-id " + std::to_string(*c.network_id);
  if (c.network_cost) out += " network-cost " + std::to_string(*c.network_cost);
  for (const auto& [name, value] : c.extensions) out.append(" ").append(name).append(" ").append(value);
  return out;
}

IceCandidate to_w3c(const Candidate& c, std::optional<std::string> mid, std::optional<std::uint16_t> m_line_index) {
  IceCandidate out;
  out.candidate = to_string(c);
  out.sdp_mid = std::move(mid);
  out.sdp_m_line_index = m_line_index;
  out.username_fragment = c.ufrag;
  out.foundation = c.foundation;
  out.component = c.component;
  out.priority = c.priority;
  out.address = address_text(c);
  out.protocol = c.protocol == Protocol::Udp ? "udp" : "tcp";
  out.port = c.port;
  out.type = c.type;
  out.tcp_type = c.tcp_type;
  if (c.related) {
    out.related_address = linnet::to_string(c.related->address);
    out.related_port = c.related->port;
  }
  if (!c.url.empty()) out.url = c.url;
  if (c.relay_protocol) out.relay_protocol = linnet::to_string(*c.relay_protocol);
  return out;
}

}  // namespace linnet::ice
