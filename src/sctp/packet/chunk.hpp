#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "sctp/types.hpp"

namespace linnet::sctp {

/// RFC 9260 section 3.2, RFC 3758, RFC 4820, RFC 6525, RFC 8260. Values on the wire; others are unknown to us.
enum class ChunkType : std::uint8_t {
  Data = 0,
  Init = 1,
  InitAck = 2,
  Sack = 3,
  Heartbeat = 4,
  HeartbeatAck = 5,
  Abort = 6,
  Shutdown = 7,
  ShutdownAck = 8,
  Error = 9,
  CookieEcho = 10,
  CookieAck = 11,
  EcnEcho = 12,  // ECNE and CWR: RFC 4960 appendix A, reserved for it in RFC 9260
  Cwr = 13,
  ShutdownComplete = 14,
  IData = 64,
  Reconfig = 130,
  Pad = 132,
  ForwardTsn = 192,
  IForwardTsn = 194,
};

/// RFC 9260 section 3.3.10 and the causes our answers use.
enum class CauseCode : std::uint16_t {
  InvalidStreamIdentifier = 1,
  MissingMandatoryParameter = 2,
  StaleCookie = 3,
  OutOfResource = 4,
  UnresolvableAddress = 5,
  UnrecognizedChunkType = 6,
  InvalidMandatoryParameter = 7,
  UnrecognizedParameters = 8,
  NoUserData = 9,
  CookieReceivedWhileShuttingDown = 10,
  RestartWithNewAddresses = 11,
  UserInitiatedAbort = 12,
  ProtocolViolation = 13,
};

/// RFC 9653 section 6: the error detection method identifier of SCTP over DTLS.
inline constexpr std::uint32_t error_detection_by_dtls = 1;

/// A parameter of our own in INIT and INIT-ACK, which others skip in silence (RFC 9260 section 3.2.1): this end reads
/// DTLS records of up to 16 KiB. Of a peer that does not say so no more than `usual_packet_size` is known: larger
/// records end libwebrtc's DTLS connection from 2,048 bytes on, and from 1,500 on aiortc is one record behind ever
/// after.
inline constexpr std::uint16_t parameter_large_packets = 0xAC4E;
inline constexpr std::size_t usual_packet_size = 1'500;

inline constexpr std::size_t common_header_size = 12;
inline constexpr std::size_t chunk_header_size = 4;
inline constexpr std::size_t data_header_size = 16;         // the chunk header included
inline constexpr std::size_t interleaved_header_size = 20;  // the same for I-DATA

[[nodiscard]] constexpr std::size_t padded(std::size_t size) noexcept { return (size + 3) & ~std::size_t{3}; }

//  0                   1                   2                   3
// |   Source Port Number          |     Destination Port Number   |
// |                      Verification Tag                         |
// |                           Checksum                            |
struct CommonHeader {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t verification_tag = 0;
};

/// One chunk of a packet; borrowed.
struct ChunkView {
  ChunkType type{};
  std::uint8_t flags = 0;
  std::span<const std::byte> value;  // without header and padding
  std::span<const std::byte> whole;  // with header, without padding
};

/// RFC 9653: what stands in a packet's checksum field.
enum class Checksum : std::uint8_t { Crc32c, Zero };

/// A received packet whose checksum and framing hold; borrowed.
class PacketView {
 public:
  /// Nothing for a packet that is short, has a wrong checksum, or whose chunks do not fill it exactly
  /// (missing final padding is forgiven). With `Checksum::Zero` a checksum of zero passes as well, but not of a
  /// packet that begins with INIT or COOKIE-ECHO: those always bear a real one (RFC 9653 section 5.2).
  [[nodiscard]] static std::optional<PacketView> parse(std::span<const std::byte> packet,
                                                       Checksum least = Checksum::Crc32c) noexcept;
  [[nodiscard]] const CommonHeader& header() const noexcept { return header_; }

  class Iterator {
   public:
    explicit Iterator(std::span<const std::byte> rest) noexcept : rest_(rest) {}
    [[nodiscard]] ChunkView operator*() const noexcept;
    Iterator& operator++() noexcept;
    [[nodiscard]] bool operator!=(const Iterator& other) const noexcept { return rest_.size() != other.rest_.size(); }

   private:
    std::span<const std::byte> rest_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(chunks_); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator({}); }
  [[nodiscard]] bool single() const noexcept;  // exactly one chunk

 private:
  CommonHeader header_;
  std::span<const std::byte> chunks_;
};

/// DATA (RFC 9260 section 3.3.1, RFC 7053 for the I bit) or I-DATA (RFC 8260 section 2.1).
struct DataChunk {
  Tsn tsn;
  StreamId stream;
  Ssn ssn;                   // of DATA
  Ppid ppid;                 // of I-DATA only with the B bit
  Mid mid;                   // of I-DATA
  std::uint32_t fsn = 0;     // of I-DATA: which of the message's fragments
  bool interleaved = false;  // I-DATA
  bool immediate = false;
  bool unordered = false;
  bool begin = false;
  bool end = false;
  std::span<const std::byte> payload;

  /// Nothing when the chunk is too short; the payload may be empty (a protocol error of its own).
  [[nodiscard]] static std::optional<DataChunk> parse(const ChunkView& chunk) noexcept;
  [[nodiscard]] std::size_t header_size() const noexcept {
    return interleaved ? interleaved_header_size : data_header_size;
  }
};

/// Writes the `header_size()` bytes before the payload.
void write_data_header(std::byte* out, const DataChunk& chunk, std::size_t payload_size) noexcept;

/// RFC 9260 section 3.3.4; borrowed.
struct SackChunk {
  struct Gap {
    std::uint16_t start = 0;
    std::uint16_t end = 0;
  };
  Tsn cumulative;
  std::uint32_t a_rwnd = 0;
  std::uint16_t gap_count = 0;
  std::uint16_t duplicate_count = 0;
  std::span<const std::byte> gap_bytes;
  std::span<const std::byte> duplicate_bytes;

  [[nodiscard]] static std::optional<SackChunk> parse(const ChunkView& chunk) noexcept;
  [[nodiscard]] Gap gap(std::size_t i) const noexcept {
    return {load_be<std::uint16_t>(gap_bytes.data() + 4 * i), load_be<std::uint16_t>(gap_bytes.data() + 4 * i + 2)};
  }
  [[nodiscard]] Tsn duplicate(std::size_t i) const noexcept {
    return Tsn{load_be<std::uint32_t>(duplicate_bytes.data() + 4 * i)};
  }
};

/// Walks type-length-value parameters and error causes, which share one framing (section 3.2.1).
class TlvReader {
 public:
  struct Tlv {
    std::uint16_t type = 0;
    std::span<const std::byte> value;
    std::span<const std::byte> whole;
  };
  explicit TlvReader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}
  /// Nothing at the end and at the first malformed one; `ok()` tells which.
  [[nodiscard]] std::optional<Tlv> next() noexcept;
  [[nodiscard]] bool ok() const noexcept { return ok_; }

 private:
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

}  // namespace linnet::sctp
