#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/certificate.hpp"

namespace linnet::dtls::testing {

using Bytes = std::vector<std::byte>;

/// A DTLS end that is OpenSSL alone, records and all: a record layer that is not ours. For tests.
class OpenSslPeer {
 public:
  struct Options {
    bool client = false;
    std::string ciphers = "DEFAULT";
    std::string groups;
    bool ask_for_certificate = true;
    long mtu = 1'200;
    bool cookie = false;            ///< As a server: HelloVerifyRequest first.
    std::size_t hello_padding = 0;  ///< As a client: bytes of an unknown extension that its ClientHello carries.
  };

  OpenSslPeer(const crypto::Certificate& certificate, const Options& options) : hello_padding_(options.hello_padding) {
    method_ = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagrams");
    BIO_meth_set_write(method_, [](BIO* bio, const char* data, int size) {
      const auto bytes = std::as_bytes(std::span{data, static_cast<std::size_t>(size)});
      self(bio).out_.emplace_back(bytes.begin(), bytes.end());
      return size;
    });
    BIO_meth_set_read(method_, [](BIO* bio, char* data, int size) {
      BIO_clear_retry_flags(bio);
      auto& in = self(bio).in_;
      if (in.empty()) {
        BIO_set_retry_read(bio);
        return -1;
      }
      const auto n = std::min(in.front().size(), static_cast<std::size_t>(size));
      std::memcpy(data, in.front().data(), n);
      in.pop_front();
      return static_cast<int>(n);
    });
    BIO_meth_set_ctrl(method_, [](BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1L : 0L; });
    context_ = SSL_CTX_new(DTLS_method());
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_cipher_list(context_, options.ciphers.c_str());
    if (!options.groups.empty()) SSL_CTX_set1_groups_list(context_, options.groups.c_str());
    SSL_CTX_set_options(context_, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_tlsext_use_srtp(context_, "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM");
    if (options.ask_for_certificate) {
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    SSL_CTX_set_cert_verify_callback(context_, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
    if (certificate) {
      SSL_CTX_use_certificate(context_, certificate.native());
      SSL_CTX_use_PrivateKey(context_, certificate.native_key());
    }
    if (options.cookie) {
      SSL_CTX_set_options(context_, SSL_OP_COOKIE_EXCHANGE);
      SSL_CTX_set_cookie_generate_cb(context_, [](SSL*, unsigned char* cookie, unsigned int* size) {
        std::memset(cookie, 7, 20);
        *size = 20;
        return 1;
      });
      SSL_CTX_set_cookie_verify_cb(context_, [](SSL*, const unsigned char* cookie, unsigned int size) {
        return size == 20 && cookie[0] == 7 ? 1 : 0;
      });
    }
    if (options.hello_padding != 0) pad_hello();
    SSL_CTX_set_keylog_callback(context_, [](const SSL* ssl, const char* line) {
      static_cast<OpenSslPeer*>(SSL_get_app_data(ssl))->key_log_.emplace_back(line);
    });
    ssl_ = SSL_new(context_);
    SSL_set_app_data(ssl_, this);
    BIO* bio = BIO_new(method_);
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_mtu(ssl_, options.mtu);
    options.client ? SSL_set_connect_state(ssl_) : SSL_set_accept_state(ssl_);
  }
  OpenSslPeer(const OpenSslPeer&) = delete;
  OpenSslPeer& operator=(const OpenSslPeer&) = delete;
  ~OpenSslPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    BIO_meth_free(method_);
    ERR_clear_error();
  }

  void step() {
    ERR_clear_error();
    if (!SSL_is_init_finished(ssl_)) {
      const int result = SSL_do_handshake(ssl_);
      if (result != 1 && SSL_get_error(ssl_, result) != SSL_ERROR_WANT_READ) failed_ = true;
    }
    char buffer[20'000];
    while (SSL_is_init_finished(ssl_)) {
      const int n = SSL_read(ssl_, buffer, sizeof buffer);
      if (n <= 0) break;
      const auto bytes = std::as_bytes(std::span{buffer, static_cast<std::size_t>(n)});
      received_.emplace_back(bytes.begin(), bytes.end());
    }
    ERR_clear_error();
  }
  void handle(Bytes datagram) {
    in_.push_back(std::move(datagram));
    step();
  }
  /// OpenSSL reads the system's clock, which connection_openssl_test.cpp replaces: it stands still but for this.
  [[nodiscard]] std::optional<std::chrono::microseconds> timeout() const {
    timeval left{};
    if (DTLSv1_get_timeout(ssl_, &left) != 1) return std::nullopt;
    return std::chrono::seconds{left.tv_sec} + std::chrono::microseconds{left.tv_usec};
  }
  void time_out() {
    DTLSv1_handle_timeout(ssl_);
    ERR_clear_error();
  }
  [[nodiscard]] std::optional<Bytes> poll() {
    if (out_.empty()) return std::nullopt;
    Bytes bytes = std::move(out_.front());
    out_.pop_front();
    return bytes;
  }
  void send(std::span<const std::byte> data) { SSL_write(ssl_, data.data(), static_cast<int>(data.size())); }
  void shut_down() { SSL_shutdown(ssl_); }

  [[nodiscard]] bool connected() const { return SSL_is_init_finished(ssl_) == 1; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool got_close_notify() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  [[nodiscard]] std::vector<Bytes>& received() { return received_; }
  /// Lines of OpenSSL's own key log.
  [[nodiscard]] const std::vector<std::string>& key_log() const { return key_log_; }
  [[nodiscard]] SSL* native() const { return ssl_; }

 private:
  static OpenSslPeer& self(BIO* bio) { return *static_cast<OpenSslPeer*>(BIO_get_data(bio)); }

  /// As large as key shares of post-quantum groups make it.
  void pad_hello() {
    constexpr unsigned int unknown_extension = 0xFF77;  // RFC 8446 section 11: from 0xFF00 on for private use.
    const auto add = [](SSL*, unsigned int, unsigned int, const unsigned char** out, std::size_t* size, X509*,
                        std::size_t, int*, void* self) {
      const Bytes& padding = static_cast<OpenSslPeer*>(self)->hello_padding_;
      *out = reinterpret_cast<const unsigned char*>(padding.data());
      *size = padding.size();
      return 1;
    };
    SSL_CTX_add_custom_ext(context_, unknown_extension, SSL_EXT_CLIENT_HELLO, add, nullptr, this, nullptr, nullptr);
  }

  Bytes hello_padding_;
  BIO_METHOD* method_ = nullptr;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::deque<Bytes> in_;
  std::deque<Bytes> out_;
  std::vector<Bytes> received_;
  std::vector<std::string> key_log_;
  bool failed_ = false;
};

}  // namespace linnet::dtls::testing
