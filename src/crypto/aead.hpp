#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "crypto/library_context.hpp"

struct evp_cipher_ctx_st;

namespace linnet::crypto {

enum class AeadAlgorithm : std::uint8_t { Aes128Gcm, Aes256Gcm, ChaCha20Poly1305 };

[[nodiscard]] constexpr std::size_t key_size(AeadAlgorithm algorithm) noexcept {
  return algorithm == AeadAlgorithm::Aes128Gcm ? 16 : 32;
}

/// Authenticated encryption in place with one key in one direction; made once, used for each record without
/// allocating. The caller never repeats a nonce.
class Aead {
 public:
  enum class Direction : std::uint8_t { Seal, Open };
  static constexpr std::size_t nonce_size = 12;
  static constexpr std::size_t tag_size = 16;

  /// `key` has `key_size(algorithm)` bytes.
  Aead(const LibraryContext& context, AeadAlgorithm algorithm, Direction direction, std::span<const std::byte> key);
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  ~Aead();

  /// Encrypts `text` in place and writes the tag. False only when OpenSSL fails.
  [[nodiscard]] bool seal(std::span<const std::byte, nonce_size> nonce, std::span<const std::byte> additional,
                          std::span<std::byte> text, std::span<std::byte, tag_size> tag) noexcept;
  /// Decrypts `text` in place. False when it is not authentic; `text` is then worthless.
  [[nodiscard]] bool open(std::span<const std::byte, nonce_size> nonce, std::span<const std::byte> additional,
                          std::span<std::byte> text, std::span<std::byte, tag_size> tag) noexcept;

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

}  // namespace linnet::crypto
