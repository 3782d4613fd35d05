#include "linnet/certificate.hpp"

#include "crypto/certificate.hpp"
#include "crypto/library_context.hpp"

namespace linnet {

Result<Certificate> Certificate::generate(Generator& generator, std::chrono::system_clock::time_point now) {
  auto made = crypto::Certificate::generate(crypto::LibraryContext::system(), generator,
                                            std::chrono::floor<std::chrono::seconds>(now));
  if (!made) return std::unexpected(std::move(made.error()));
  return Certificate{std::make_shared<const crypto::Certificate>(std::move(*made))};
}

Result<Certificate> Certificate::from_pem(const std::string& certificate, const std::string& private_key) {
  auto read = crypto::Certificate::from_pem(crypto::LibraryContext::system(), certificate, private_key);
  if (!read) return std::unexpected(std::move(read.error()));
  return Certificate{std::make_shared<const crypto::Certificate>(std::move(*read))};
}

std::chrono::system_clock::time_point Certificate::expires() const {
  return empty() ? std::chrono::system_clock::time_point{} : impl_->expires();
}

std::vector<DtlsFingerprint> Certificate::get_fingerprints() const {
  std::vector<DtlsFingerprint> out;
  if (empty()) return out;
  for (const crypto::Hash hash : {crypto::Hash::Sha256, crypto::Hash::Sha384, crypto::Hash::Sha512}) {
    const crypto::Fingerprint fingerprint = impl_->fingerprint(hash);
    out.push_back({.algorithm = fingerprint.algorithm, .value = fingerprint.value_text()});
  }
  return out;
}

std::string Certificate::pem() const { return empty() ? std::string{} : impl_->pem(); }
std::string Certificate::private_key_pem() const { return empty() ? std::string{} : impl_->private_key_pem(); }

}  // namespace linnet
