#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/certificate.hpp"
#include "crypto/fingerprint.hpp"
#include "dtls/flight.hpp"
#include "dtls/record.hpp"
#include "dtls/secrets.hpp"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace linnet::dtls {

/// A TLS alert (RFC 5246 section 7.2).
struct Alert {
  static constexpr std::uint8_t warning = 1;
  static constexpr std::uint8_t fatal = 2;
  static constexpr std::uint8_t close_notify = 0;
  static constexpr std::uint8_t bad_certificate = 42;

  std::uint8_t level = 0;
  std::uint8_t description = 0;
};

/// OpenSSL's part: which messages a DTLS 1.2 handshake consists of. Owned by Connection from start() to the end of
/// the handshake. Takes records as they arrived; gives whole messages in plaintext, so that Connection can number,
/// split, seal and resend them. OpenSSL's own records and its timer lead nowhere.
/// The seam for DTLS 1.3: another class of this shape, once OpenSSL has it.
class Handshake {
 public:
  enum class Status : std::uint8_t { Ongoing, Done, Failed };

  Handshake(const crypto::Certificate& certificate, bool is_client);
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  ~Handshake();

  /// The fingerprints, as soon as they are known: then a wrong certificate is refused with bad_certificate at once.
  void set_fingerprints(const std::vector<crypto::Fingerprint>* fingerprints) noexcept { fingerprints_ = fingerprints; }

  Status start();
  Status feed(std::span<const std::byte> record);

  /// The messages that the last calls made: one flight, in order.
  [[nodiscard]] std::vector<Message> take_messages() { return std::exchange(messages_, {}); }
  /// The alert that goes with Failed, if the fault was the peer's; Epoch 1 once keys are in use.
  [[nodiscard]] std::optional<Alert> sent_alert() const noexcept { return sent_alert_; }
  [[nodiscard]] std::optional<Alert> received_alert() const noexcept { return received_alert_; }
  [[nodiscard]] bool wrong_fingerprint() const noexcept { return wrong_fingerprint_; }
  [[nodiscard]] const std::string& error_text() const noexcept { return error_text_; }

  /// One after the highest message_seq that the peer completed.
  [[nodiscard]] std::uint32_t next_message_sequence() const noexcept { return next_message_sequence_; }
  [[nodiscard]] bool cipher_changed() const noexcept { return cipher_changed_; }  ///< The peer's CCS was taken.
  [[nodiscard]] std::optional<Secrets> secrets() const;  ///< From the flight with our Finished on.
  [[nodiscard]] std::vector<std::byte> take_peer_certificate() { return std::exchange(peer_certificate_, {}); }
  [[nodiscard]] std::string_view srtp_profile() const noexcept;

 private:
  static void on_message(int write, int version, int type, const void* data, std::size_t size, ssl_st*, void* self);
  static int on_verify(x509_store_ctx_st* store, void*);
  /// What is the same for all handshakes of a library context: a reference of the caller's own.
  static ssl_ctx_st* settings(const crypto::LibraryContext& library);
  static ssl_ctx_st* make_settings(ossl_lib_ctx_st* library);
  void note_outgoing(int type, std::span<const std::byte> bytes);
  void note_incoming(int type, std::span<const std::byte> bytes);
  bool verify(x509_store_ctx_st* store);
  Status step();

  crypto::Certificate certificate_;
  ssl_ctx_st* context_ = nullptr;
  ssl_st* ssl_ = nullptr;
  const std::vector<crypto::Fingerprint>* fingerprints_ = nullptr;
  std::vector<Message> messages_;
  std::vector<std::byte> peer_certificate_;
  std::string error_text_;
  std::optional<Alert> sent_alert_;
  std::optional<Alert> received_alert_;
  std::uint32_t next_message_sequence_ = 0;
  std::uint32_t next_own_sequence_ = 0;
  std::uint16_t write_epoch_ = 0;
  bool cipher_changed_ = false;
  bool wrong_fingerprint_ = false;
};

}  // namespace linnet::dtls
