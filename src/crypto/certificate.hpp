#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "crypto/fingerprint.hpp"
#include "crypto/library_context.hpp"
#include "linnet/core/error.hpp"

struct evp_pkey_st;
struct x509_st;

namespace linnet::crypto {

/// How a fresh certificate is made.
struct CertificateOptions {
  std::chrono::seconds valid_before_now = std::chrono::hours{24};  ///< For peers whose clock is late.
  std::chrono::seconds lifetime = std::chrono::hours{24 * 30};     ///< W3C RTCCertificate's usual 30 days.
};

/// A certificate with its private key: what the W3C calls an RTCCertificate. An immutable value, cheap to
/// copy; a default-constructed one is empty and good for nothing but being assigned to.
class Certificate {
 public:
  Certificate() noexcept = default;

  /// A self-signed ECDSA P-256 certificate with a random subject.
  [[nodiscard]] static Result<Certificate> generate(const LibraryContext& context, Generator& generator,
                                                    std::chrono::sys_seconds now,
                                                    const CertificateOptions& options = {});
  /// Any key type that OpenSSL reads. The key must belong to the certificate.
  [[nodiscard]] static Result<Certificate> from_pem(const LibraryContext& context, std::string_view certificate,
                                                    std::string_view private_key);

  [[nodiscard]] explicit operator bool() const noexcept { return state_ != nullptr; }
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string private_key_pem() const;
  [[nodiscard]] std::span<const std::byte> der() const noexcept;
  [[nodiscard]] std::chrono::sys_seconds expires() const noexcept;
  [[nodiscard]] Fingerprint fingerprint(Hash algorithm = Hash::Sha256) const;

  /// The same certificate with its key in another context; itself when it is there already.
  [[nodiscard]] Result<Certificate> in(const LibraryContext& context) const;
  [[nodiscard]] const LibraryContext& context() const noexcept;
  [[nodiscard]] x509_st* native() const noexcept;
  [[nodiscard]] evp_pkey_st* native_key() const noexcept;

  friend bool operator==(const Certificate& a, const Certificate& b) noexcept;

 private:
  struct State;
  explicit Certificate(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace linnet::crypto
