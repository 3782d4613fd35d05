#pragma once

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace linnet::crypto::testing {

struct Free {
  void operator()(X509* p) const noexcept { X509_free(p); }
  void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
};

/// A certificate with its key.
struct Issued {
  std::unique_ptr<X509, Free> certificate;
  std::unique_ptr<EVP_PKEY, Free> key;
};

/// A certificate authority of a test's own, whose certificate lies in a file.
class Authority {
 public:
  struct Subject {
    std::string common_name = "test";
    std::vector<std::string> names{};
    std::vector<std::string> addresses{};
    std::chrono::hours from{-24};
    std::chrono::hours to{24};
  };

  Authority() : root_(make({.common_name = "Test authority"}, nullptr)) {
    char name[] = "/tmp/linnet-authority-XXXXXX";
    const int fd = ::mkstemp(name);
    EXPECT_GE(fd, 0);
    file_ = name;
    std::FILE* const out = ::fdopen(fd, "w");
    PEM_write_X509(out, root_.certificate.get());
    std::fclose(out);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  ~Authority() { ::unlink(file_.c_str()); }

  /// For Tuning::tls_ca_file.
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] Issued issue(const Subject& subject) const { return make(subject, &root_); }

 private:
  static void extend(X509* x509, X509V3_CTX* context, int nid, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str());
    ASSERT_NE(extension, nullptr) << value;
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static Issued make(const Subject& subject, const Issued* issuer) {
    Issued out{std::unique_ptr<X509, Free>{X509_new()}, std::unique_ptr<EVP_PKEY, Free>{EVP_EC_gen("P-256")}};
    X509* const x509 = out.certificate.get();
    X509_set_version(x509, X509_VERSION_3);
    static int serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
    const auto at = [](std::chrono::hours offset) {
      return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + offset);
    };
    ASN1_TIME_set(X509_getm_notBefore(x509), at(subject.from));
    ASN1_TIME_set(X509_getm_notAfter(x509), at(subject.to));
    const auto* name = reinterpret_cast<const unsigned char*>(subject.common_name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC, name, -1, -1, 0);
    X509* const parent = issuer != nullptr ? issuer->certificate.get() : x509;
    X509_set_issuer_name(x509, X509_get_subject_name(parent));
    X509_set_pubkey(x509, out.key.get());
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, parent, x509, nullptr, nullptr, 0);
    if (issuer == nullptr) extend(x509, &context, NID_basic_constraints, "critical,CA:TRUE");
    std::string whom;
    for (const auto& dns : subject.names) whom.append(whom.empty() ? "DNS:" : ",DNS:").append(dns);
    for (const auto& ip : subject.addresses) whom.append(whom.empty() ? "IP:" : ",IP:").append(ip);
    if (!whom.empty()) extend(x509, &context, NID_subject_alt_name, whom);
    X509_sign(x509, issuer != nullptr ? issuer->key.get() : out.key.get(), EVP_sha256());
    return out;
  }

  Issued root_;
  std::string file_;
};

/// OpenSSL's end of a TLS connection, on memory.
class TlsServer {
 public:
  explicit TlsServer(const Issued& issued) : context_(SSL_CTX_new(TLS_server_method())), ssl_(nullptr) {
    SSL_CTX_use_certificate(context_, issued.certificate.get());
    SSL_CTX_use_PrivateKey(context_, issued.key.get());
    ssl_ = SSL_new(context_);
    BIO* const in = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl_, in, BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ERR_clear_error();
  }

  void feed(std::span<const std::byte> bytes) {
    BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
    if (!SSL_is_init_finished(ssl_)) (void)SSL_do_handshake(ssl_);
    char buffer[20'000];
    while (SSL_is_init_finished(ssl_)) {
      const int n = SSL_read(ssl_, buffer, sizeof buffer);
      if (n <= 0) break;
      received_.append(buffer, static_cast<std::size_t>(n));
    }
    ERR_clear_error();
  }
  std::size_t take(std::span<std::byte> out) {
    const int n = BIO_read(SSL_get_wbio(ssl_), out.data(), static_cast<int>(out.size()));
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  void write(std::string_view text) { SSL_write(ssl_, text.data(), static_cast<int>(text.size())); }
  void close() { SSL_shutdown(ssl_); }
  /// Takes a new key and asks the client for one, too (RFC 8446 section 4.6.3).
  void update_keys() {
    SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(ssl_);
  }
  [[nodiscard]] bool connected() const { return SSL_is_init_finished(ssl_) == 1; }
  /// The server name that the client sent; empty: none.
  [[nodiscard]] std::string asked_for() const {
    const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "";
  }
  /// All that the client said; may be taken away.
  [[nodiscard]] std::string& received() { return received_; }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  std::string received_;
};

}  // namespace linnet::crypto::testing
