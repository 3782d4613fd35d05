#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"

namespace linnet {

namespace crypto {
class Certificate;
}  // namespace crypto

/// W3C RTCDtlsFingerprint: `algorithm` as in the "Hash Function Textual Names" registry ("sha-256"), `value` as
/// upper-case hexadecimal pairs joined by colons.
struct DtlsFingerprint {
  std::string algorithm;
  std::string value;

  friend bool operator==(const DtlsFingerprint&, const DtlsFingerprint&) = default;
};

/// W3C RTCCertificate: a self-signed ECDSA P-256 certificate with its private key, for `Configuration::certificates`.
/// Copies share one immutable certificate; a default-constructed one is empty and only good for assignment.
class Certificate {
 public:
  Certificate() = default;
  explicit Certificate(std::shared_ptr<const crypto::Certificate> certificate) : impl_(std::move(certificate)) {}

  /// W3C RTCPeerConnection.generateCertificate(). Valid from one day before `now` to 30 days after it.
  [[nodiscard]] static Result<Certificate> generate(Generator& generator, std::chrono::system_clock::time_point now);
  /// Reads one kept with `pem()` and `private_key_pem()`. SyntaxError when the texts are no matching pair.
  [[nodiscard]] static Result<Certificate> from_pem(const std::string& certificate, const std::string& private_key);

  [[nodiscard]] bool empty() const noexcept { return impl_ == nullptr; }
  /// W3C RTCCertificate.expires.
  [[nodiscard]] std::chrono::system_clock::time_point expires() const;
  /// W3C RTCCertificate.getFingerprints(): sha-256 first.
  [[nodiscard]] std::vector<DtlsFingerprint> get_fingerprints() const;
  [[nodiscard]] std::string pem() const;
  [[nodiscard]] std::string private_key_pem() const;

  /// For the library itself.
  [[nodiscard]] const std::shared_ptr<const crypto::Certificate>& impl() const noexcept { return impl_; }
  friend bool operator==(const Certificate& a, const Certificate& b) noexcept { return a.impl_ == b.impl_; }

 private:
  std::shared_ptr<const crypto::Certificate> impl_;
};

}  // namespace linnet
