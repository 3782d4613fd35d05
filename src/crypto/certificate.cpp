#include "crypto/certificate.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cassert>
#include <ctime>
#include <vector>

#include "crypto/handshake_context.hpp"
#include "crypto/p256_key.hpp"

namespace linnet::crypto {
namespace {

struct Free {
  void operator()(X509* p) const noexcept { X509_free(p); }
  void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
  void operator()(EVP_MD_CTX* p) const noexcept { EVP_MD_CTX_free(p); }
  void operator()(BIO* p) const noexcept { BIO_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// OpenSSL leaves what went wrong in a queue of the thread; nothing of it may be seen by the owner's own calls.
std::unexpected<Error> failed(std::string message, ErrorName name = ErrorName::OperationError) {
  ERR_clear_error();
  return fail(name, std::move(message));
}

Owned<BIO> reader(std::string_view text) {
  return Owned<BIO>{BIO_new_mem_buf(text.data(), static_cast<int>(std::min<std::size_t>(text.size(), 1 << 20)))};
}

std::string written(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string{};
}

std::vector<std::byte> to_der(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  std::vector<std::byte> der(static_cast<std::size_t>(size));
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(certificate, &out);
  return der;
}

std::chrono::sys_seconds not_after(X509* certificate) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1) return {};
  const std::chrono::year_month_day day{std::chrono::year{tm.tm_year + 1900},
                                        std::chrono::month{static_cast<unsigned>(tm.tm_mon + 1)},
                                        std::chrono::day{static_cast<unsigned>(tm.tm_mday)}};
  return std::chrono::sys_days{day} + std::chrono::hours{tm.tm_hour} + std::chrono::minutes{tm.tm_min} +
         std::chrono::seconds{tm.tm_sec};
}

bool set_times(X509* x509, std::chrono::sys_seconds now, const CertificateOptions& options) {
  const std::time_t from = std::chrono::system_clock::to_time_t(now - options.valid_before_now);
  const std::time_t to = std::chrono::system_clock::to_time_t(now + options.lifetime);
  return ASN1_TIME_set(X509_getm_notBefore(x509), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(x509), to) != nullptr;
}

bool set_names(X509* x509, Generator& generator) {
  // Random, so that certificates do not tell who uses this library (RFC 8827 section 6.5).
  std::string name = "webrtc-";
  for (int i = 0; i < 12; ++i) name += static_cast<char>('a' + generator.below(26));
  X509_NAME* subject = X509_get_subject_name(x509);
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), generator.next_u64() >> 1) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(x509, subject) == 1;
}

}  // namespace

struct Certificate::State {
  LibraryContext context;  // outlives the key
  Owned<X509> x509;
  Owned<EVP_PKEY> key;
  std::vector<std::byte> der;
  std::chrono::sys_seconds expires;
};

Result<Certificate> Certificate::generate(const LibraryContext& context, Generator& generator,
                                          std::chrono::sys_seconds now, const CertificateOptions& options) {
  auto state = std::make_shared<State>();
  state->context = context;
  state->key.reset(generate_p256_key(context));
  state->x509.reset(X509_new_ex(context.native(), nullptr));
  X509* x509 = state->x509.get();
  if (!state->key || x509 == nullptr || X509_set_version(x509, X509_VERSION_3) != 1 || !set_names(x509, generator) ||
      !set_times(x509, now, options) || X509_set_pubkey(x509, state->key.get()) != 1) {
    return failed("cannot make a certificate");
  }
  const Owned<EVP_MD_CTX> signer{EVP_MD_CTX_new()};
  // OpenSSL keeps a copy of the key for each library context that it signs in: one for this and for the handshake.
  OSSL_LIB_CTX* const signs_in = context == LibraryContext::system() ? handshake_context() : context.native();
  if (!signer ||
      EVP_DigestSignInit_ex(signer.get(), nullptr, "SHA256", signs_in, nullptr, state->key.get(), nullptr) != 1 ||
      X509_sign_ctx(x509, signer.get()) <= 0) {
    return failed("cannot sign a certificate");
  }
  state->der = to_der(x509);
  state->expires = not_after(x509);
  return Certificate{std::move(state)};
}

Result<Certificate> Certificate::from_pem(const LibraryContext& context, std::string_view certificate,
                                          std::string_view private_key) {
  auto state = std::make_shared<State>();
  state->context = context;
  state->x509.reset(X509_new_ex(context.native(), nullptr));
  const Owned<BIO> certificate_bio = reader(certificate);
  const Owned<BIO> key_bio = reader(private_key);
  X509* x509 = state->x509.release();
  // An empty pass phrase: without it OpenSSL would ask at the terminal.
  if (!certificate_bio || x509 == nullptr ||
      PEM_read_bio_X509(certificate_bio.get(), &x509, nullptr, const_cast<char*>("")) == nullptr) {
    X509_free(x509);
    return failed("not a certificate in PEM form", ErrorName::SyntaxError);
  }
  state->x509.reset(x509);
  if (key_bio) {
    state->key.reset(
        PEM_read_bio_PrivateKey_ex(key_bio.get(), nullptr, nullptr, const_cast<char*>(""), context.native(), nullptr));
  }
  if (!state->key) return failed("not a private key in PEM form", ErrorName::SyntaxError);
  if (X509_check_private_key(x509, state->key.get()) != 1) {
    return failed("the private key does not belong to the certificate", ErrorName::InvalidAccessError);
  }
  ERR_clear_error();
  state->der = to_der(x509);
  state->expires = not_after(x509);
  return Certificate{std::move(state)};
}

std::string Certificate::pem() const {
  assert(state_);
  const Owned<BIO> bio{BIO_new(BIO_s_mem())};
  if (!bio || PEM_write_bio_X509(bio.get(), state_->x509.get()) != 1) return {};
  return written(bio.get());
}

std::string Certificate::private_key_pem() const {
  assert(state_);
  const Owned<BIO> bio{BIO_new(BIO_s_mem())};
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return {};
  }
  return written(bio.get());
}

std::span<const std::byte> Certificate::der() const noexcept {
  if (!state_) return {};
  return state_->der;
}

std::chrono::sys_seconds Certificate::expires() const noexcept {
  return state_ ? state_->expires : std::chrono::sys_seconds{};
}

Fingerprint Certificate::fingerprint(Hash algorithm) const {
  assert(state_);
  const Digest digest = hash(algorithm, state_->der);
  return {std::string{textual_name(algorithm)}, {digest.bytes().begin(), digest.bytes().end()}};
}

Result<Certificate> Certificate::in(const LibraryContext& context) const {
  assert(state_);
  if (context == state_->context) return *this;
  return from_pem(context, pem(), private_key_pem());
}

const LibraryContext& Certificate::context() const noexcept { return state_->context; }
x509_st* Certificate::native() const noexcept { return state_ ? state_->x509.get() : nullptr; }
evp_pkey_st* Certificate::native_key() const noexcept { return state_ ? state_->key.get() : nullptr; }

bool operator==(const Certificate& a, const Certificate& b) noexcept { return std::ranges::equal(a.der(), b.der()); }

}  // namespace linnet::crypto
