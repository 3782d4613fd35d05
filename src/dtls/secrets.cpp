#include "dtls/secrets.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <cassert>

#include "base/bytes.hpp"
#include "crypto/constant_time.hpp"

namespace linnet::dtls {
namespace {

using crypto::AeadAlgorithm;
using crypto::Hash;

constexpr Suite suites[] = {
    {0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", AeadAlgorithm::Aes128Gcm, Hash::Sha256},
    {0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", AeadAlgorithm::Aes128Gcm, Hash::Sha256},
    {0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", AeadAlgorithm::Aes256Gcm, Hash::Sha384},
    {0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", AeadAlgorithm::Aes256Gcm, Hash::Sha384},
    {0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", AeadAlgorithm::ChaCha20Poly1305, Hash::Sha256},
    {0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", AeadAlgorithm::ChaCha20Poly1305, Hash::Sha256},
};

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::optional<Suite> find_suite(std::uint16_t id) noexcept {
  const auto* found = std::ranges::find(suites, id, &Suite::id);
  if (found == std::end(suites)) return std::nullopt;
  return *found;
}

const char* openssl_suites() noexcept {
  return "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
         "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
         "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
}

Secrets::Secrets(crypto::LibraryContext context, const Suite& suite, std::span<const std::byte, 48> master,
                 std::span<const std::byte, 32> client_random, std::span<const std::byte, 32> server_random)
    : context_(std::move(context)), suite_(suite) {
  std::ranges::copy(master, master_.begin());
  std::ranges::copy(client_random, client_random_.begin());
  std::ranges::copy(server_random, server_random_.begin());
}

Secrets::~Secrets() { crypto::cleanse(master_); }

std::string Secrets::key_log_line() const {
  std::string line = "CLIENT_RANDOM ";
  const auto hex = [&line](std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte b : bytes)
      (line += digits[std::to_integer<std::size_t>(b >> 4U)]) +=
          digits[std::to_integer<std::size_t>(b & std::byte{15})];
  };
  hex(client_random_);
  line += ' ';
  hex(master_);
  return line;
}

bool Secrets::prf(std::span<const std::byte> seed, std::span<std::byte> out) const {
  EVP_KDF* kdf = EVP_KDF_fetch(context_.native(), "TLS1-PRF", nullptr);
  EVP_KDF_CTX* kdf_context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  auto master = master_;
  std::vector<std::byte> seed_copy(seed.begin(), seed.end());
  char sha256[] = "SHA256";
  char sha384[] = "SHA384";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, suite_.prf == Hash::Sha384 ? sha384 : sha256, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master.data(), master.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed_copy.data(), seed_copy.size()),
      OSSL_PARAM_construct_end(),
  };
  const bool ok = kdf_context != nullptr &&
                  EVP_KDF_derive(kdf_context, reinterpret_cast<unsigned char*>(out.data()), out.size(), params) == 1;
  EVP_KDF_CTX_free(kdf_context);
  crypto::cleanse(master);
  if (!ok) ERR_clear_error();
  return ok;
}

Secrets::Keys Secrets::keys() const {
  const std::size_t key_size = crypto::key_size(suite_.aead);
  const std::size_t iv_size = suite_.aead == AeadAlgorithm::ChaCha20Poly1305 ? 12 : 4;
  std::vector<std::byte> seed;
  append(seed, as_bytes("key expansion"));
  append(seed, server_random_);
  append(seed, client_random_);
  // RFC 5246 section 6.3, with no MAC keys: client key, server key, client IV, server IV.
  std::array<std::byte, std::size_t{2} * (32 + 12)> block{};
  [[maybe_unused]] const bool ok = prf(seed, std::span{block}.first(2 * (key_size + iv_size)));
  assert(ok);
  ByteReader reader{block};
  const auto client_key = reader.bytes(key_size);
  const auto server_key = reader.bytes(key_size);
  Keys keys;
  keys.client.key.assign(client_key.begin(), client_key.end());
  keys.server.key.assign(server_key.begin(), server_key.end());
  for (TrafficKey* key : {&keys.client, &keys.server}) {
    std::ranges::copy(reader.bytes(iv_size), key->iv.begin());
    key->iv_size = iv_size;
  }
  crypto::cleanse(block);
  return keys;
}

bool Secrets::export_keying_material(std::string_view label, std::optional<std::span<const std::byte>> context_value,
                                     std::span<std::byte> out) const {
  // RFC 5705 section 4.
  std::vector<std::byte> seed;
  append(seed, as_bytes(label));
  append(seed, client_random_);
  append(seed, server_random_);
  if (context_value) {
    if (context_value->size() > 0xFFFF) return false;
    std::array<std::byte, 2> size;
    store_be(size.data(), static_cast<std::uint16_t>(context_value->size()));
    append(seed, size);
    append(seed, *context_value);
  }
  return out.empty() || prf(seed, out);
}

}  // namespace linnet::dtls
