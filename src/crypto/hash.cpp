#include "crypto/hash.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <cassert>
#include <new>

namespace linnet::crypto {
namespace {

/// What EVP_sha256() and its like give must be looked up for each message; this has been. Never freed: it is for the
/// whole process, whose last message may come after exit() began.
const EVP_MD* fetched(const char* name, const EVP_MD* otherwise) noexcept {
  const EVP_MD* const found = EVP_MD_fetch(nullptr, name, nullptr);
  if (found == nullptr) ERR_clear_error();
  return found != nullptr ? found : otherwise;
}

const EVP_MD* method(Hash algorithm) noexcept {
  static const EVP_MD* const md5 = fetched("MD5", EVP_md5());
  static const EVP_MD* const sha1 = fetched("SHA1", EVP_sha1());
  static const EVP_MD* const sha256 = fetched("SHA2-256", EVP_sha256());
  static const EVP_MD* const sha384 = fetched("SHA2-384", EVP_sha384());
  static const EVP_MD* const sha512 = fetched("SHA2-512", EVP_sha512());
  switch (algorithm) {
    case Hash::Md5: return md5;
    case Hash::Sha1: return sha1;
    case Hash::Sha256: return sha256;
    case Hash::Sha384: return sha384;
    case Hash::Sha512: return sha512;
  }
  return nullptr;
}

}  // namespace

Digest hash(Hash algorithm, std::span<const std::byte> data) { return hash(algorithm, std::span{&data, 1}); }

Digest hash(Hash algorithm, std::span<const std::span<const std::byte>> parts) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr) throw std::bad_alloc{};
  bool ok = EVP_DigestInit_ex(context, method(algorithm), nullptr) == 1;
  for (const auto part : parts) ok = ok && EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  std::array<std::byte, 64> out{};
  unsigned int size = 0;
  ok = ok && EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), &size) == 1;
  EVP_MD_CTX_free(context);
  assert(ok && size == hash_size(algorithm));
  (void)ok;
  return {out, size};
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc{};
  [[maybe_unused]] const int ok = EVP_DigestInit_ex(context_.get(), method(Hash::Sha256), nullptr);
  assert(ok == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> data) {
  [[maybe_unused]] const int ok = EVP_DigestUpdate(context_.get(), data.data(), data.size());
  assert(ok == 1);
}

std::array<std::byte, Sha256::size> Sha256::finish() {
  std::array<std::byte, size> out;
  [[maybe_unused]] int ok = EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
  assert(ok == 1);
  ok = EVP_DigestInit_ex(context_.get(), nullptr, nullptr);
  assert(ok == 1);
  return out;
}

}  // namespace linnet::crypto
