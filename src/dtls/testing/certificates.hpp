#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <string>

#include "crypto/certificate.hpp"
#include "crypto/system_generator.hpp"

namespace linnet::dtls::testing {

inline crypto::Certificate fresh_certificate() {
  crypto::SystemGenerator random;
  const std::chrono::sys_seconds now{std::chrono::seconds{1'790'000'000}};
  return crypto::Certificate::generate(crypto::LibraryContext::system(), random, now).value();
}

/// A self-signed certificate with an RSA key of 2048 bits, as old peers have.
inline crypto::Certificate rsa_certificate() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  X509* x509 = X509_new();
  X509_set_version(x509, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_time_adj_ex(X509_getm_notBefore(x509), 0, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(x509), 30, 0, nullptr);
  X509_set_pubkey(x509, key);
  X509_sign(x509, key, EVP_sha256());
  const auto text = [](auto write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string result(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return result;
  };
  const std::string certificate = text([&](BIO* bio) { PEM_write_bio_X509(bio, x509); });
  const std::string secret =
      text([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(x509);
  EVP_PKEY_free(key);
  return crypto::Certificate::from_pem(crypto::LibraryContext::system(), certificate, secret).value();
}

}  // namespace linnet::dtls::testing
