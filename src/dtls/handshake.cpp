#include "dtls/handshake.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cassert>
#include <new>

#include "base/bytes.hpp"
#include "crypto/handshake_context.hpp"

namespace linnet::dtls {
namespace {

// OpenSSL's timer reads the system's clock; ours does the resending. Longer than any handshake may take.
unsigned int no_timer(SSL*, unsigned int) { return 4'000'000'000U; }

constexpr long largest_message = 65'536;

}  // namespace

Handshake::Handshake(const crypto::Certificate& certificate, bool is_client) : certificate_(certificate) {
  ERR_clear_error();
  context_ = settings(certificate_.context());
  ssl_ = SSL_new(context_);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_null());
  if (ssl_ == nullptr || in == nullptr || out == nullptr) throw std::bad_alloc{};
  BIO_set_mem_eof_return(in, -1);
  SSL_set_bio(ssl_, in, out);
  [[maybe_unused]] const bool ok = SSL_set_app_data(ssl_, this) == 1 &&
                                   SSL_use_certificate(ssl_, certificate_.native()) == 1 &&
                                   SSL_use_PrivateKey(ssl_, certificate_.native_key()) == 1;
  assert(ok);
  ERR_clear_error();
  // Whatever OpenSSL writes is dropped: note_outgoing sees the messages before they become records.
  SSL_set_mtu(ssl_, 16'384);
  DTLS_set_timer_cb(ssl_, no_timer);
  SSL_set_msg_callback(ssl_, on_message);
  SSL_set_msg_callback_arg(ssl_, this);
  if (is_client) {
    SSL_set_connect_state(ssl_);
  } else {
    SSL_set_accept_state(ssl_);
  }
}

Handshake::~Handshake() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

SSL_CTX* Handshake::settings(const crypto::LibraryContext& library) {
  // OpenSSL fetches every algorithm that it knows for a new SSL_CTX, which takes longer than any step of a handshake.
  // That of the process-wide library context is as process-wide, and nobody changes it any more: no handshake leaves
  // anything in it. A seeded context has one for each handshake, since making it draws from the seed.
  if (library != crypto::LibraryContext::system()) return make_settings(library.native());
  static SSL_CTX* const shared =
      make_settings(crypto::handshake_context());  // Never freed: a handshake may end after exit() began.
  SSL_CTX_up_ref(shared);
  return shared;
}

SSL_CTX* Handshake::make_settings(ossl_lib_ctx_st* library) {
  SSL_CTX* context = SSL_CTX_new_ex(library, nullptr, DTLS_method());
  if (context == nullptr) throw std::bad_alloc{};
  bool ok = SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
            SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1;
  // RFC 8827 section 6.5: at least 128 bits, but peers' RSA keys may be of 1024 bits (level 1).
  SSL_CTX_set_security_level(context, 1);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, largest_message);
  ok = ok && SSL_CTX_set_cipher_list(context, openssl_suites()) == 1 &&
       SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
  // RFC 5764 section 4.1.2. Zero is success here.
  ok = ok &&
       SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80") == 0;
  // RFC 8827 section 6.5: both sides show certificates; the fingerprint decides, not a chain.
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, on_verify, nullptr);
  assert(ok);
  (void)ok;
  return context;
}

Handshake::Status Handshake::start() { return step(); }

Handshake::Status Handshake::feed(std::span<const std::byte> record) {
  // One record at a time: a memory BIO keeps no boundaries, and OpenSSL reads all there is in one go.
  if (BIO_write(SSL_get_rbio(ssl_), record.data(), static_cast<int>(record.size())) <= 0) return Status::Failed;
  return step();
}

Handshake::Status Handshake::step() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Status::Done;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) {
    ERR_clear_error();
    return Status::Ongoing;
  }
  const unsigned long code = ERR_peek_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  error_text_ = reason != nullptr ? reason : "the peer ended it";
  ERR_clear_error();
  return Status::Failed;
}

void Handshake::on_message(int write, int, int type, const void* data, std::size_t size, SSL*, void* self) {
  auto& handshake = *static_cast<Handshake*>(self);
  const std::span bytes{static_cast<const std::byte*>(data), size};
  if (write != 0) {
    handshake.note_outgoing(type, bytes);
  } else {
    handshake.note_incoming(type, bytes);
  }
}

void Handshake::note_outgoing(int type, std::span<const std::byte> bytes) {
  if (type == SSL3_RT_ALERT && bytes.size() == 2) {
    sent_alert_ = Alert{std::to_integer<std::uint8_t>(bytes[0]), std::to_integer<std::uint8_t>(bytes[1])};
  } else if (type == SSL3_RT_CHANGE_CIPHER_SPEC && write_epoch_ == 0) {
    messages_.push_back({ContentType::ChangeCipherSpec, 0, {bytes.begin(), bytes.end()}});
    write_epoch_ = 1;
  } else if (type == SSL3_RT_HANDSHAKE && bytes.size() >= handshake_header_size) {
    // Were OpenSSL to repeat a message on its own account, it would not be a new one.
    const std::uint32_t sequence = load_be<std::uint16_t>(&bytes[4]);
    if (sequence < next_own_sequence_) return;
    next_own_sequence_ = sequence + 1;
    messages_.push_back({ContentType::Handshake, write_epoch_, {bytes.begin(), bytes.end()}});
  }
}

void Handshake::note_incoming(int type, std::span<const std::byte> bytes) {
  if (type == SSL3_RT_ALERT && bytes.size() == 2) {
    received_alert_ = Alert{std::to_integer<std::uint8_t>(bytes[0]), std::to_integer<std::uint8_t>(bytes[1])};
  } else if (type == SSL3_RT_CHANGE_CIPHER_SPEC) {
    cipher_changed_ = true;
  } else if (type == SSL3_RT_HANDSHAKE && bytes.size() >= handshake_header_size) {
    const std::uint32_t sequence = load_be<std::uint16_t>(&bytes[4]);
    next_message_sequence_ = std::max(next_message_sequence_, sequence + 1);
  }
}

int Handshake::on_verify(X509_STORE_CTX* store, void*) {
  const void* ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  return static_cast<Handshake*>(SSL_get_app_data(static_cast<const SSL*>(ssl)))->verify(store) ? 1 : 0;
}

bool Handshake::verify(X509_STORE_CTX* store) {
  X509* certificate = X509_STORE_CTX_get0_cert(store);
  const int size = certificate != nullptr ? i2d_X509(certificate, nullptr) : 0;
  if (size > 0) {
    peer_certificate_.resize(static_cast<std::size_t>(size));
    auto* out = reinterpret_cast<unsigned char*>(peer_certificate_.data());
    i2d_X509(certificate, &out);
  }
  wrong_fingerprint_ = fingerprints_ != nullptr && !crypto::matches(*fingerprints_, peer_certificate_);
  if (!wrong_fingerprint_ && size > 0) return true;
  // RFC 8122 section 6.2: this becomes the alert bad_certificate.
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return false;
}

std::optional<Secrets> Handshake::secrets() const {
  const SSL_SESSION* session = SSL_get_session(ssl_);
  const SSL_CIPHER* cipher = session != nullptr ? SSL_SESSION_get0_cipher(session) : nullptr;
  const auto suite = cipher != nullptr ? find_suite(SSL_CIPHER_get_protocol_id(cipher)) : std::nullopt;
  std::array<std::byte, 48> master;
  std::array<std::byte, 32> client;
  std::array<std::byte, 32> server;
  const auto raw = [](auto& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); };
  if (!suite || SSL_SESSION_get_master_key(session, raw(master), master.size()) != master.size() ||
      SSL_get_client_random(ssl_, raw(client), client.size()) != client.size() ||
      SSL_get_server_random(ssl_, raw(server), server.size()) != server.size()) {
    return std::nullopt;
  }
  return Secrets{certificate_.context(), *suite, master, client, server};
}

std::string_view Handshake::srtp_profile() const noexcept {
  const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl_);
  if (profile == nullptr) return "";
  switch (profile->id) {
    case SRTP_AEAD_AES_128_GCM: return "SRTP_AEAD_AES_128_GCM";
    case SRTP_AEAD_AES_256_GCM: return "SRTP_AEAD_AES_256_GCM";
    case SRTP_AES128_CM_SHA1_80: return "SRTP_AES128_CM_HMAC_SHA1_80";
    default: return "";
  }
}

}  // namespace linnet::dtls
