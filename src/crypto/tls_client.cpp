#include "crypto/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cassert>
#include <limits>
#include <new>
#include <utility>

#include "linnet/core/address.hpp"

namespace linnet::crypto {
namespace {

int clamped(std::size_t size) noexcept {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

Result<TlsTrust> TlsTrust::load(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context{SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  if (!context) throw std::bad_alloc{};
  SSL_CTX* const c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  // Without authorities of the system nothing is believed but what the file says.
  SSL_CTX_set_default_verify_paths(c);
  const bool read = ca_file.empty() || SSL_CTX_load_verify_file(c, ca_file.c_str()) == 1;
  ERR_clear_error();
  if (!read) return fail(ErrorName::OperationError, "cannot read certificates from " + ca_file);
  return TlsTrust{std::move(context)};
}

TlsClient::TlsClient(const TlsTrust& trust, std::string server_name, std::chrono::sys_seconds now)
    : trust_(trust), server_name_(std::move(server_name)), ssl_(SSL_new(trust.native())) {
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  if (ssl_ == nullptr || in == nullptr || out == nullptr) throw std::bad_alloc{};
  BIO_set_mem_eof_return(in, -1);  // Empty means wait, not end.
  SSL_set_bio(ssl_, in, out);
  X509_VERIFY_PARAM* const whom = SSL_get0_param(ssl_);
  X509_VERIFY_PARAM_set_time(whom, now.time_since_epoch().count());
  X509_VERIFY_PARAM_set_hostflags(whom, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool is_address = IpAddress::parse(server_name_).has_value();
  const bool named = is_address ? X509_VERIFY_PARAM_set1_ip_asc(whom, server_name_.c_str()) == 1
                                : !server_name_.empty() && SSL_set1_host(ssl_, server_name_.c_str()) == 1 &&
                                      SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                               server_name_.data()) == 1;
  SSL_set_connect_state(ssl_);
  // Whom nobody named, nobody can be: without a name OpenSSL would take any certificate that is good for someone.
  if (named) {
    step();
    return;
  }
  ERR_clear_error();
  state_ = State::Failed;
  failure_ = "\"" + server_name_ + "\" is no name of a TLS server";
}

TlsClient::~TlsClient() { SSL_free(ssl_); }

void TlsClient::step() {
  if (state_ != State::Handshaking) return;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    state_ = State::Connected;
  } else if (SSL_get_error(ssl_, result) != SSL_ERROR_WANT_READ) {
    fail();
  }
}

void TlsClient::fail() {
  const long verdict = SSL_get_verify_result(ssl_);
  if (state_ == State::Handshaking && verdict != X509_V_OK) {
    failure_ = "the certificate of " + server_name_ + " is refused: " + X509_verify_cert_error_string(verdict);
  } else {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    failure_ = "TLS with " + server_name_ + " failed";
    if (reason != nullptr) failure_.append(": ").append(reason);
  }
  ERR_clear_error();
  state_ = State::Failed;
}

void TlsClient::feed(std::span<const std::byte> bytes) {
  if (state_ == State::Failed || state_ == State::Ended || bytes.empty()) return;
  [[maybe_unused]] const int taken = BIO_write(SSL_get_rbio(ssl_), bytes.data(), clamped(bytes.size()));
  assert(taken == clamped(bytes.size()));
  step();
}

std::size_t TlsClient::read(std::span<std::byte> out) {
  if (state_ != State::Connected || out.empty()) return 0;
  ERR_clear_error();
  const int n = SSL_read(ssl_, out.data(), clamped(out.size()));
  if (n > 0) return static_cast<std::size_t>(n);
  switch (SSL_get_error(ssl_, n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: break;
    case SSL_ERROR_ZERO_RETURN: state_ = State::Ended; break;
    default: fail();
  }
  return 0;
}

void TlsClient::write(std::span<const std::byte> bytes) {
  if (state_ != State::Connected || bytes.empty()) return;
  ERR_clear_error();
  // Into memory, which takes all.
  if (SSL_write(ssl_, bytes.data(), clamped(bytes.size())) != clamped(bytes.size())) fail();
}

void TlsClient::close() {
  if (state_ != State::Connected) return;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_);
  ERR_clear_error();
  state_ = State::Ended;
}

std::size_t TlsClient::pending() const noexcept { return BIO_ctrl_pending(SSL_get_wbio(ssl_)); }

std::size_t TlsClient::take(std::span<std::byte> out) {
  const int n = BIO_read(SSL_get_wbio(ssl_), out.data(), clamped(out.size()));
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

}  // namespace linnet::crypto
