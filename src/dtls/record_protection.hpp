#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "crypto/aead.hpp"
#include "dtls/record.hpp"
#include "dtls/secrets.hpp"

namespace linnet::dtls {

/// Seals or opens the records of epoch 1 in place, in one direction, with the AEAD of the suite (RFC 5246 section
/// 6.2.3.3 with RFC 6347's epoch and sequence number). Owned by Connection, which gives the sequence numbers and
/// keeps the replay window. No allocation after construction.
/// Beyond some 2^24.5 full records AES-GCM's margin against distinguishing shrinks (RFC 9147 section 4.5.3 counts so
/// for DTLS 1.3); DTLS 1.2 knows no such limit and we have no renegotiation to renew keys with.
class RecordProtection {
 public:
  RecordProtection(const crypto::LibraryContext& context, crypto::AeadAlgorithm algorithm,
                   crypto::Aead::Direction direction, const TrafficKey& key);

  /// Bytes before the payload: record header and explicit nonce.
  [[nodiscard]] std::size_t header_room() const noexcept { return record_header_size + explicit_nonce_; }
  [[nodiscard]] std::size_t overhead() const noexcept { return header_room() + crypto::Aead::tag_size; }

  /// Seals record[header_room(), +payload_size); returns the size of the record, 0 when OpenSSL failed.
  /// `record` has overhead() + payload_size bytes.
  [[nodiscard]] std::size_t seal(std::span<std::byte> record, std::size_t payload_size, ContentType type,
                                 std::uint64_t sequence) noexcept;
  /// Opens in place and returns the payload; nothing when the record is not authentic.
  [[nodiscard]] std::optional<std::span<std::byte>> open(const Record& record) noexcept;

 private:
  using Nonce = std::array<std::byte, crypto::Aead::nonce_size>;
  using Additional = std::array<std::byte, 13>;
  [[nodiscard]] Nonce nonce(std::span<const std::byte, 8> epoch_and_sequence) const noexcept;

  crypto::Aead aead_;
  Nonce iv_;
  std::size_t explicit_nonce_;
};

}  // namespace linnet::dtls
