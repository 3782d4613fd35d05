#include "sdp/typed_attributes.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "sdp/text.hpp"

namespace linnet::sdp {
namespace {

// The character classes of the grammars; <cctype> would ask the locale.
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_ice_char(char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/'; }
// Deviation: '-' and '_' are not ice-chars of RFC 8839 section 5.4, yet some implementations use base64url.
constexpr bool is_lenient_ice_char(char c) { return is_ice_char(c) || c == '-' || c == '_' || c == '='; }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// RFC 8866: %x21 / %x23-27 / %x2A-2B / %x2D-2E / %x30-39 / %x41-5A / %x5E-7E
constexpr bool is_token_char(char c) {
  return c == '!' || (c >= '#' && c <= '\'') || c == '*' || c == '+' || c == '-' || c == '.' || is_digit(c) ||
         (c >= 'A' && c <= 'Z') || (c >= '^' && c <= '~');
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c != '\x7f'; });
}

}  // namespace

bool is_token(std::string_view text) noexcept { return !text.empty() && std::ranges::all_of(text, is_token_char); }
bool is_ice_ufrag(std::string_view text) noexcept {
  return text.size() >= 4 && text.size() <= 256 && std::ranges::all_of(text, is_lenient_ice_char);
}
bool is_ice_password(std::string_view text) noexcept {
  return text.size() >= 22 && text.size() <= 256 && std::ranges::all_of(text, is_lenient_ice_char);
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Fingerprint> parse_fingerprint(std::string_view value) {
  const auto fields = words(value, 3);
  if (fields.size() != 2 || !is_token(fields[0])) return std::nullopt;
  // RFC 8122 section 5: two hexadecimal digits a byte, colons between.
  const std::string_view hex = fields[1];
  if (hex.size() % 3 != 2 || hex.size() > std::size_t{3} * 64) return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); ++i)
    if (i % 3 == 2 ? hex[i] != ':' : !is_hex(hex[i])) return std::nullopt;
  Fingerprint out{.algorithm = std::string{fields[0]}, .value = std::string{hex}};
  std::ranges::transform(out.algorithm, out.algorithm.begin(), lower);
  std::ranges::transform(out.value, out.value.begin(), upper);
  return out;
}

std::string to_string(const Fingerprint& fingerprint) { return fingerprint.algorithm + " " + fingerprint.value; }

std::optional<Setup> parse_setup(std::string_view value) {
  if (value == "actpass") return Setup::Actpass;
  if (value == "active") return Setup::Active;
  if (value == "passive") return Setup::Passive;
  return std::nullopt;  // "holdconn" is not for DTLS, RFC 8842 section 5.2
}

std::string_view to_string(Setup setup) noexcept {
  switch (setup) {
    case Setup::Actpass: return "actpass";
    case Setup::Active: return "active";
    case Setup::Passive: return "passive";
  }
  return "";
}

std::optional<std::string_view> CandidateLine::extension(std::string_view name) const noexcept {
  std::string_view left = rest;
  const auto next = [&left]() -> std::string_view {
    const std::size_t begin = std::min(left.find_first_not_of(' '), left.size());
    left.remove_prefix(begin);
    const std::size_t end = std::min(left.find(' '), left.size());
    const std::string_view word = left.substr(0, end);
    left.remove_prefix(end);
    return word;
  };
  while (true) {
    const std::string_view key = next();
    const std::string_view value = next();
    if (value.empty()) return std::nullopt;
    if (key == name) return value;
  }
}

std::optional<CandidateLine> parse_candidate(std::string_view text) {
  if (text.starts_with("a=")) text.remove_prefix(2);
  if (text.starts_with("candidate:")) text.remove_prefix(10);
  if (text.find_first_of(std::string_view{"\0\r\n", 3}) != std::string_view::npos) return std::nullopt;
  const auto fields = words(text, 9);
  if (fields.size() < 8 || fields[6] != "typ") return std::nullopt;
  const auto component = parse_number(fields[1]);
  const auto priority = parse_number(fields[3]);
  const auto port = parse_number(fields[5]);
  if (!component || *component == 0 || *component > 256) return std::nullopt;
  if (!priority || *priority > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  if (fields[0].size() > 32 || !is_printable(fields[0]) || !is_token(fields[2])) return std::nullopt;
  if (!is_printable(fields[4]) || !is_token(fields[7])) return std::nullopt;
  return CandidateLine{.foundation = fields[0],
                       .component = static_cast<std::uint16_t>(*component),
                       .transport = fields[2],
                       .priority = static_cast<std::uint32_t>(*priority),
                       .address = fields[4],
                       .port = static_cast<std::uint16_t>(*port),
                       .type = fields[7],
                       .rest = fields.size() > 8 ? fields[8] : std::string_view{}};
}

std::optional<Group> parse_group(std::string_view value) {
  const auto fields = words(value);
  if (fields.empty() || !is_token(fields[0])) return std::nullopt;
  Group group{.semantics = std::string{fields[0]}};
  for (std::size_t i = 1; i < fields.size(); ++i) {
    if (!is_token(fields[i])) return std::nullopt;
    group.mids.emplace_back(fields[i]);
  }
  return group;
}

std::string to_string(const Group& group) {
  std::string out = group.semantics;
  for (const std::string& mid : group.mids) out += " " + mid;
  return out;
}

}  // namespace linnet::sdp
