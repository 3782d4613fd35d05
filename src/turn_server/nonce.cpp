#include "turn_server/nonce.hpp"

#include <charconv>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "crypto/constant_time.hpp"
#include "crypto/hmac.hpp"

namespace linnet::turn_server {
namespace {

constexpr std::size_t time_digits = 16;
constexpr std::size_t mac_bytes = 12;
constexpr std::size_t nonce_size = time_digits + 2 * mac_bytes;

void append_hex(std::string& out, std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const std::byte b : bytes) {
    out += digits[std::to_integer<std::size_t>(b) >> 4U];
    out += digits[std::to_integer<std::size_t>(b) & 15U];
  }
}

}  // namespace

Nonces::Nonces(Duration lifetime, Generator& generator) : lifetime_(lifetime) { generator.fill(key_); }

std::string Nonces::text(std::uint64_t made_at, const Path& client) const {
  std::array<std::byte, 8> time{};
  store_be(time.data(), made_at);
  std::array<std::byte, 3> port{};
  store_be(port.data(), client.remote.port);
  port.back() = static_cast<std::byte>(client.protocol);
  const std::array<std::span<const std::byte>, 3> parts{time, port, std::as_bytes(client.remote.address.bytes())};
  const auto mac = crypto::hmac_sha1(key_, std::span<const std::span<const std::byte>>{parts});
  std::string out;
  out.reserve(nonce_size);
  append_hex(out, time);
  append_hex(out, std::span{mac}.first(mac_bytes));
  return out;
}

std::string Nonces::make(TimePoint now, const Path& client) const {
  return text(static_cast<std::uint64_t>(now.time_since_epoch().count()), client);
}

bool Nonces::fresh(TimePoint now, const Path& client, std::string_view nonce) const {
  if (nonce.size() != nonce_size) return false;
  std::uint64_t made_at = 0;
  const auto digits = nonce.substr(0, time_digits);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), made_at, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return false;
  if (!crypto::constant_time_equal(as_bytes(text(made_at, client)), as_bytes(nonce))) return false;
  // It is ours, so that its time was ours once.
  return now - TimePoint{Duration{static_cast<std::int64_t>(made_at)}} < lifetime_;
}

}  // namespace linnet::turn_server
