#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace linnet::dtls {

enum class ContentType : std::uint8_t { ChangeCipherSpec = 20, Alert = 21, Handshake = 22, ApplicationData = 23 };

inline constexpr std::size_t record_header_size = 13;
inline constexpr std::size_t handshake_header_size = 12;
inline constexpr std::size_t max_plaintext = 16'384;                 // RFC 6347 section 4.1
inline constexpr std::size_t max_ciphertext = max_plaintext + 2048;  // RFC 5246 section 6.2.3
inline constexpr std::uint64_t max_sequence = (std::uint64_t{1} << 48) - 1;
inline constexpr std::uint16_t version_1_0 = 0xFEFF;
inline constexpr std::uint16_t version_1_2 = 0xFEFD;

/// One record as it stands in a datagram (RFC 6347 section 4.1):
///   type 1 | version 2 | epoch 2 | sequence_number 6 | length 2 | fragment
struct Record {
  ContentType type{};
  std::uint16_t version = 0;
  std::uint16_t epoch = 0;
  std::uint64_t sequence = 0;
  std::span<std::byte> bytes;     ///< Header and fragment.
  std::span<std::byte> fragment;  ///< Payload, or what protection made of it.
};

/// Takes the next record off `datagram`. Nothing when it is empty or not a record; the rest of such a datagram
/// has no readable boundaries and is dropped by the caller.
[[nodiscard]] std::optional<Record> next_record(std::span<std::byte>& datagram) noexcept;

/// Writes the 13 bytes before a fragment of `length` bytes.
void write_record_header(std::span<std::byte, record_header_size> out, ContentType type, std::uint16_t version,
                         std::uint16_t epoch, std::uint64_t sequence, std::size_t length) noexcept;

/// The header of a handshake message fragment (RFC 6347 section 4.2.2):
///   msg_type 1 | length 3 | message_seq 2 | fragment_offset 3 | fragment_length 3
struct HandshakeHeader {
  std::uint8_t type = 0;
  std::uint32_t length = 0;
  std::uint16_t message_sequence = 0;
  std::uint32_t fragment_offset = 0;
  std::uint32_t fragment_length = 0;
};

/// The header at the front of a plaintext fragment, if it is a possible one and its bytes are there.
[[nodiscard]] std::optional<HandshakeHeader> read_handshake_header(std::span<const std::byte> fragment) noexcept;
void write_handshake_header(std::span<std::byte, handshake_header_size> out, const HandshakeHeader& header) noexcept;

}  // namespace linnet::dtls
