#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/trace_buffer.hpp"
#include "crypto/certificate.hpp"
#include "crypto/fingerprint.hpp"
#include "crypto/library_context.hpp"
#include "linnet/core/error.hpp"
#include "linnet/core/generator.hpp"
#include "linnet/core/time.hpp"
#include "linnet/states.hpp"

namespace linnet::dtls {

enum class Role : std::uint8_t { Client, Server };             ///< RFC 8842: a=setup:active is the client.
[[nodiscard]] std::string_view to_string(Role role) noexcept;  ///< W3C RTCDtlsRole: "client", "server"

struct Options {
  crypto::LibraryContext context;
  crypto::Certificate certificate;  ///< What we present; must not be empty.
  std::size_t mtu = 1'200;          ///< Largest datagram of the handshake, from 256 bytes.

  /// RFC 6347 section 4.2.4.1 says 1 s. Deviation: here the first ClientHello often leaves before the other side
  /// is ready, and a second of silence is what users see as a slow start; a flight is a few datagrams.
  Duration initial_timeout = std::chrono::milliseconds{100};
  Duration max_timeout = std::chrono::seconds{1};
  Duration total_timeout = std::chrono::seconds{30};  ///< From start() to the end of the handshake.
  /// How long a fatal alert in plaintext waits for the handshake to go on regardless; see Connection.
  Duration plaintext_alert_grace = std::chrono::seconds{2};

  /// Limits of what is kept before start(), and of application data kept before the peer is known.
  std::size_t max_early_packets = 32;
  std::size_t max_early_bytes = 65'536;

  /// Where to record what happens, and the handshake's secrets; null: nowhere. Both live longer than the connection.
  TraceBuffer* trace = nullptr;
  KeyLog* key_log = nullptr;
};

struct Statistics {
  std::uint64_t packets_received = 0;
  std::uint64_t packets_sent = 0;  ///< Datagrams of poll_packet and records of seal.
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t flights_resent = 0;
  std::uint64_t records_invalid = 0;   ///< Malformed, of no known epoch, or not authentic.
  std::uint64_t records_replayed = 0;  ///< RFC 6347 section 4.1.2.6.
  std::uint64_t early_dropped = 0;     ///< What went beyond max_early_*.
};

/// DTLS 1.2 (RFC 6347) on memory. Owned and called by transport::Transport. Never opens a socket, reads a clock
/// or sets an OpenSSL timer; OpenSSL does the handshake, the records and the resending are done here.
/// A forged plaintext alert cannot end a handshake that goes on: a fatal alert is believed when it is
/// authenticated, or when nothing else came from the peer for Options::plaintext_alert_grace. A fatal alert of ours is
/// said again, a few times, to a peer that goes on until close().
class Connection {
 public:
  struct Connected {};  ///< The handshake is over and the peer's certificate is the right one.
  struct Closed {};     ///< The peer sent close_notify.
  struct Failed {
    Error error;
  };
  using Event = std::variant<Connected, Closed, Failed>;

  Connection(Options options, Generator& generator);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Verbs.

  /// Begins the handshake. Datagrams that came before are kept (bounded) and processed now. Once only.
  void start(TimePoint now, Role role);
  /// What the peer's certificate must match, from its a=fingerprint lines (RFC 8122). May come at any time:
  /// until then the handshake goes on, but the state stays Connecting and no data is returned.
  void set_remote_fingerprints(std::vector<crypto::Fingerprint> fingerprints);
  /// A measured round-trip time (ICE knows one): later flights are resent after it rather than
  /// Options::initial_timeout.
  void set_round_trip_time(Duration rtt) noexcept;
  /// Sends close_notify; nothing is accepted after it. No event.
  void close(TimePoint now);

  // Machine.

  /// Decrypts in place. The result is application data, pointing into `datagram`, valid until the next call.
  std::span<const std::span<std::byte>> handle_packet(TimePoint now, std::span<std::byte> datagram);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const noexcept;
  /// One datagram of handshake or alert records, never larger than Options::mtu; 0 when there is none.
  [[nodiscard]] std::size_t poll_packet(TimePoint now, std::span<std::byte> out);
  [[nodiscard]] std::optional<Event> poll_event();
  /// Application data that came before the peer was known, in the order of arrival: ask on the Connected event.
  /// Empty before it, and each payload is returned once.
  [[nodiscard]] std::vector<std::vector<std::byte>> take_early_data();

  // Data path, only while connected(); no allocation. The payload stands at record[header_room()], and record has
  // room for overhead() + payload_size bytes (at most max_payload of payload). Returns the record's size, 0 when
  // not connected or when it does not fit.

  static constexpr std::size_t max_payload = 16'384;
  /// Upper bounds of header_room() and overhead(), whatever cipher is negotiated.
  static constexpr std::size_t max_header_room = 13 + 8;
  static constexpr std::size_t max_overhead = 13 + 8 + 16;
  [[nodiscard]] std::size_t header_room() const noexcept;
  [[nodiscard]] std::size_t overhead() const noexcept;
  std::size_t seal(std::span<std::byte> record, std::size_t payload_size) noexcept;

  // Getters.

  [[nodiscard]] DtlsTransportState state() const noexcept;
  [[nodiscard]] bool connected() const noexcept { return state() == DtlsTransportState::Connected; }
  [[nodiscard]] std::optional<Role> role() const noexcept;
  [[nodiscard]] std::string_view version() const noexcept;       ///< RTCTransportStats.tlsVersion: "FEFD"; "" before.
  [[nodiscard]] std::string_view cipher() const noexcept;        ///< IANA name "TLS_ECDHE_..."; "" before.
  [[nodiscard]] std::string_view srtp_profile() const noexcept;  ///< IANA name "SRTP_AEAD_AES_128_GCM"; "" if none.
  [[nodiscard]] const crypto::Certificate& local_certificate() const noexcept;
  /// DER of the peer's certificate as soon as it is there, checked or not; empty before.
  [[nodiscard]] std::span<const std::byte> remote_certificate() const noexcept;
  [[nodiscard]] const Statistics& statistics() const noexcept;
  /// RFC 5705 without a context value. InvalidStateError when not connected.
  [[nodiscard]] Result<> export_keying_material(std::string_view label, std::span<std::byte> out) const;
  /// RFC 5705 with a context value, which may be empty (that is not the same as none).
  [[nodiscard]] Result<> export_keying_material(std::string_view label, std::span<const std::byte> context_value,
                                                std::span<std::byte> out) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace linnet::dtls
