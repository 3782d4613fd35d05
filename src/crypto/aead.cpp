#include "crypto/aead.hpp"

#include <openssl/evp.h>

#include <cassert>
#include <new>

namespace linnet::crypto {
namespace {

const char* cipher_name(AeadAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case AeadAlgorithm::Aes128Gcm: return "AES-128-GCM";
    case AeadAlgorithm::Aes256Gcm: return "AES-256-GCM";
    case AeadAlgorithm::ChaCha20Poly1305: return "ChaCha20-Poly1305";
  }
  return "";
}

const unsigned char* in(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* out(std::span<std::byte> bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes.data()); }

}  // namespace

void Aead::Free::operator()(evp_cipher_ctx_st* context) const noexcept { EVP_CIPHER_CTX_free(context); }

Aead::Aead(const LibraryContext& context, AeadAlgorithm algorithm, Direction direction, std::span<const std::byte> key)
    : context_(EVP_CIPHER_CTX_new()) {
  assert(key.size() == key_size(algorithm));
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(context.native(), cipher_name(algorithm), nullptr);
  if (!context_ || cipher == nullptr) throw std::bad_alloc{};
  [[maybe_unused]] const int ok =
      EVP_CipherInit_ex2(context_.get(), cipher, in(key), nullptr, direction == Direction::Seal ? 1 : 0, nullptr);
  assert(ok == 1);
  EVP_CIPHER_free(cipher);
}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

bool Aead::seal(std::span<const std::byte, nonce_size> nonce, std::span<const std::byte> additional,
                std::span<std::byte> text, std::span<std::byte, tag_size> tag) noexcept {
  EVP_CIPHER_CTX* c = context_.get();
  int n = 0;
  return EVP_CipherInit_ex2(c, nullptr, nullptr, in(nonce), -1, nullptr) == 1 &&
         EVP_CipherUpdate(c, nullptr, &n, in(additional), static_cast<int>(additional.size())) == 1 &&
         (text.empty() || EVP_CipherUpdate(c, out(text), &n, in(text), static_cast<int>(text.size())) == 1) &&
         EVP_CipherFinal_ex(c, out(tag), &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size), tag.data()) == 1;
}

bool Aead::open(std::span<const std::byte, nonce_size> nonce, std::span<const std::byte> additional,
                std::span<std::byte> text, std::span<std::byte, tag_size> tag) noexcept {
  EVP_CIPHER_CTX* c = context_.get();
  int n = 0;
  unsigned char nothing[16];
  return EVP_CipherInit_ex2(c, nullptr, nullptr, in(nonce), -1, nullptr) == 1 &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_size), tag.data()) == 1 &&
         EVP_CipherUpdate(c, nullptr, &n, in(additional), static_cast<int>(additional.size())) == 1 &&
         (text.empty() || EVP_CipherUpdate(c, out(text), &n, in(text), static_cast<int>(text.size())) == 1) &&
         EVP_CipherFinal_ex(c, nothing, &n) == 1;
}

}  // namespace linnet::crypto
