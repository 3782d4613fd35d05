#include "crypto/fingerprint.hpp"

#include <algorithm>

#include "crypto/constant_time.hpp"

namespace linnet::crypto {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The token of RFC 8122 section 5; the longest registered name has 7 characters.
bool is_token(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

}  // namespace

std::optional<Fingerprint> Fingerprint::parse(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return parse(text.substr(0, space), text.substr(space + 1));
}

std::optional<Fingerprint> Fingerprint::parse(std::string_view algorithm, std::string_view value) {
  constexpr std::size_t max_size = 64;
  if (!is_token(algorithm) || value.size() % 3 != 2 || value.size() > max_size * 3 - 1) return std::nullopt;
  Fingerprint result;
  result.algorithm = algorithm;
  for (char& c : result.algorithm) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (std::size_t i = 0; i < value.size(); i += 3) {
    const int high = hex_digit(value[i]);
    const int low = hex_digit(value[i + 1]);
    if (high < 0 || low < 0 || (i + 2 < value.size() && value[i + 2] != ':')) return std::nullopt;
    result.value.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return result;
}

std::string Fingerprint::value_text() const {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  text.reserve(value.size() * 3);
  for (const std::byte b : value) {
    if (!text.empty()) text += ':';
    text += digits[std::to_integer<std::size_t>(b) >> 4];
    text += digits[std::to_integer<std::size_t>(b) & 15];
  }
  return text;
}

std::string to_string(const Fingerprint& fingerprint) { return fingerprint.algorithm + ' ' + fingerprint.value_text(); }

std::string_view textual_name(Hash hash) noexcept {
  switch (hash) {
    case Hash::Md5: return "md5";
    case Hash::Sha1: return "sha-1";
    case Hash::Sha256: return "sha-256";
    case Hash::Sha384: return "sha-384";
    case Hash::Sha512: return "sha-512";
  }
  return "";
}

std::optional<Hash> fingerprint_hash(std::string_view algorithm) noexcept {
  for (const Hash hash : {Hash::Sha256, Hash::Sha384, Hash::Sha512}) {
    if (algorithm == textual_name(hash)) return hash;
  }
  return std::nullopt;
}

bool matches(std::span<const Fingerprint> fingerprints, std::span<const std::byte> certificate) {
  std::optional<Hash> strongest;
  for (const Fingerprint& f : fingerprints) {
    const auto candidate = fingerprint_hash(f.algorithm);
    if (candidate && (!strongest || hash_size(*candidate) > hash_size(*strongest))) strongest = candidate;
  }
  if (!strongest || certificate.empty()) return false;
  const Digest digest = hash(*strongest, certificate);
  return std::ranges::any_of(fingerprints, [&](const Fingerprint& f) {
    return f.algorithm == textual_name(*strongest) && constant_time_equal(f.value, digest.bytes());
  });
}

}  // namespace linnet::crypto
