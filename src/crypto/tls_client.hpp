#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "linnet/core/error.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace linnet::crypto {

/// Whom a TLS client believes: the certificate authorities of the system and, if there is one, those of a file besides.
/// A cheap shared handle; making one reads the system's files.
class TlsTrust {
 public:
  /// OperationError when `ca_file` (PEM; empty: none) cannot be read or holds no certificate.
  [[nodiscard]] static Result<TlsTrust> load(const std::string& ca_file);

  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_.get(); }

 private:
  explicit TlsTrust(std::shared_ptr<ssl_ctx_st> context) noexcept : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
};

/// The client's end of one TLS 1.2 or 1.3 connection, on memory: takes and gives the stream's bytes, and knows no
/// socket. Always verifies that the server has a certificate for the name that it was asked for (RFC 9525), and there
/// is no way to do without. Sends that name (SNI, RFC 6066 section 3) unless it is an address; offers no ALPN, no
/// client certificate and no renegotiation. Owned by the runtime's stream.
class TlsClient {
 public:
  enum class State : std::uint8_t { Handshaking, Connected, Ended, Failed };

  /// Makes the ClientHello. `now` is the time of day that certificates are judged by.
  TlsClient(const TlsTrust& trust, std::string server_name, std::chrono::sys_seconds now);
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;
  ~TlsClient();

  [[nodiscard]] State state() const noexcept { return state_; }
  /// For people: why it Failed.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  /// Bytes of the stream. Afterwards `read` until it gives nothing.
  void feed(std::span<const std::byte> bytes);
  /// What the server said: the number of bytes written into `out`, 0 when there is no more.
  [[nodiscard]] std::size_t read(std::span<std::byte> out);
  /// Says something to the server; only when Connected.
  void write(std::span<const std::byte> bytes);
  /// Says that nothing more will come (close_notify).
  void close();

  /// What is to go into the stream: how many bytes wait, and takes as many as fit into `out`.
  [[nodiscard]] std::size_t pending() const noexcept;
  [[nodiscard]] std::size_t take(std::span<std::byte> out);

 private:
  void step();
  void fail();

  TlsTrust trust_;
  std::string server_name_;
  ssl_st* ssl_ = nullptr;
  State state_ = State::Handshaking;
  std::string failure_;
};

}  // namespace linnet::crypto
