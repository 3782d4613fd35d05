#include "ice/turn/long_term_credential.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/base64.hpp"
#include "base/bytes.hpp"
#include "crypto/hash.hpp"

namespace linnet::ice::turn {
namespace {

/// RFC 8489 section 9.2: a nonce that begins with this and four letters of base64 tells what the server can.
constexpr std::string_view nonce_cookie = "obMatJos2";

struct Features {
  bool password_algorithms = false;
  bool username_anonymity = false;
};
Features features_of(std::string_view nonce) {
  if (!nonce.starts_with(nonce_cookie)) return {};
  const auto bits = decode_base64(nonce.substr(nonce_cookie.size(), 4));
  if (!bits || bits->size() != 3) return {};
  const auto first = std::to_integer<unsigned>(bits->front());
  return {.password_algorithms = (first & 0x80U) != 0, .username_anonymity = (first & 0x40U) != 0};
}

crypto::Digest sha256(std::initializer_list<std::string_view> texts) {
  std::vector<std::span<const std::byte>> parts;
  for (const std::string_view text : texts) parts.push_back(as_bytes(text));
  return crypto::hash(crypto::Hash::Sha256, std::span<const std::span<const std::byte>>{parts});
}

std::vector<std::byte> copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

/// The first of the list that we know, RFC 8489 section 14.11: number, size of the parameters, padded parameters.
std::optional<std::uint16_t> first_known(std::span<const std::byte> list) {
  ByteReader in{list};
  while (in.ok() && in.remaining() >= 4) {
    const std::uint16_t number = in.u16();
    const std::uint16_t size = in.u16();
    if ((number == 1 || number == 2) && size == 0) return number;
    in.skip(std::min(in.remaining(), (std::size_t{size} + 3) & ~std::size_t{3}));
  }
  return std::nullopt;
}

}  // namespace

LongTermCredential::LongTermCredential(std::string username, std::string password)
    : username_(std::move(username)), password_(std::move(password)) {}

LongTermCredential::Challenge LongTermCredential::challenged(const stun::MessageView& error, bool stale) {
  const auto nonce = error.text(stun::AttributeType::Nonce);
  auto realm = error.text(stun::AttributeType::Realm);
  if (!realm && stale && ready()) realm = realm_;
  if (!nonce || !realm || nonce->empty() || nonce->size() > max_text || realm->size() > max_text) {
    return Challenge::Unusable;
  }
  // RFC 8489 section 9.2.5.
  const Features features = features_of(*nonce);
  std::vector<std::byte> algorithms;
  Algorithm algorithm = Algorithm::Md5;
  if (features.password_algorithms) {
    const auto list = error.find(stun::AttributeType::PasswordAlgorithms);
    constexpr std::size_t most = 64;
    const auto known = list && list->size() <= most ? first_known(*list) : std::nullopt;
    if (!known) return Challenge::Unusable;
    algorithms = copy(*list);
    algorithm = static_cast<Algorithm>(*known);
  }
  // Somebody on the way would like the weaker hash.
  if (ready() && algorithms.empty() && !algorithms_.empty()) return Challenge::Unusable;
  const bool same = ready() && *realm == realm_ && algorithm == algorithm_ &&
                    features.username_anonymity == hide_username_ && algorithms == algorithms_;
  if (same && !stale) return Challenge::Repeated;
  realm_ = std::string{*realm};
  nonce_ = *nonce;
  algorithms_ = std::move(algorithms);
  algorithm_ = algorithm;
  hide_username_ = features.username_anonymity;
  if (!same) make_key();
  return Challenge::Accepted;
}

void LongTermCredential::make_key() {
  // RFC 8489 section 18.5.1.
  if (algorithm_ == Algorithm::Sha256) {
    key_ = copy(sha256({username_, ":", realm_, ":", password_}).bytes());
  } else {
    key_ = copy(stun::long_term_key(username_, realm_, password_));
  }
}

void LongTermCredential::sign(stun::MessageBuilder& request) const {
  if (hide_username_) {
    request.attribute(stun::AttributeType::Userhash, sha256({username_, ":", realm_}).bytes());
  } else {
    request.text(stun::AttributeType::Username, username_);
  }
  request.text(stun::AttributeType::Realm, realm_).text(stun::AttributeType::Nonce, nonce_);
  if (algorithms_.empty()) {
    request.integrity(key_);
    return;
  }
  request.attribute(stun::AttributeType::PasswordAlgorithms, algorithms_);
  request.u32(stun::AttributeType::PasswordAlgorithm, static_cast<std::uint32_t>(std::to_underlying(algorithm_))
                                                          << 16U);
  request.integrity_sha256(key_);
}

bool LongTermCredential::verify(const stun::MessageView& answer) const {
  return algorithms_.empty() ? answer.verify_integrity(key_) : answer.verify_integrity_sha256(key_);
}

}  // namespace linnet::ice::turn
