#include "dtls/record_protection.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace linnet::dtls {
namespace {

using crypto::Aead;

// RFC 5246 section 6.2.3.3: seq_num (here epoch and sequence number) | type | version | length of the plaintext.
std::array<std::byte, 13> additional_data(std::span<const std::byte> header, std::size_t length) noexcept {
  std::array<std::byte, 13> data;
  std::ranges::copy(header.subspan(3, 8), data.begin());
  std::ranges::copy(header.first(3), data.begin() + 8);
  store_be(&data[11], static_cast<std::uint16_t>(length));
  return data;
}

}  // namespace

RecordProtection::RecordProtection(const crypto::LibraryContext& context, crypto::AeadAlgorithm algorithm,
                                   Aead::Direction direction, const TrafficKey& key)
    : aead_(context, algorithm, direction, key.key), iv_(key.iv), explicit_nonce_(Aead::nonce_size - key.iv_size) {}

RecordProtection::Nonce RecordProtection::nonce(std::span<const std::byte, 8> sequence) const noexcept {
  Nonce nonce = iv_;
  if (explicit_nonce_ != 0) {
    std::ranges::copy(sequence, nonce.begin() + 4);  // RFC 5288 section 3: salt | nonce_explicit
  } else {
    for (std::size_t i = 0; i < sequence.size(); ++i) nonce[i + 4] ^= sequence[i];  // RFC 7905 section 2
  }
  return nonce;
}

std::size_t RecordProtection::seal(std::span<std::byte> record, std::size_t payload_size, ContentType type,
                                   std::uint64_t sequence) noexcept {
  const std::size_t size = overhead() + payload_size;
  const auto header = record.first<record_header_size>();
  write_record_header(header, type, version_1_2, 1, sequence, size - record_header_size);
  // The explicit nonce is the epoch and sequence number, which never repeat under one key.
  const auto counter = header.subspan<3, 8>();
  if (explicit_nonce_ != 0) std::ranges::copy(counter, record.begin() + record_header_size);
  const auto additional = additional_data(header, payload_size);
  const auto text = record.subspan(header_room(), payload_size);
  const auto tag = record.subspan(header_room() + payload_size).first<Aead::tag_size>();
  return aead_.seal(nonce(counter), additional, text, tag) ? size : 0;
}

std::optional<std::span<std::byte>> RecordProtection::open(const Record& record) noexcept {
  if (record.bytes.size() < overhead() || record.bytes.size() - overhead() > max_plaintext) return std::nullopt;
  const std::size_t payload_size = record.bytes.size() - overhead();
  // The peer chooses its explicit nonce freely; for ChaCha20 it is the sequence number.
  const auto counter = std::span<const std::byte>{record.bytes}.subspan(explicit_nonce_ != 0 ? 13 : 3).first<8>();
  const auto additional = additional_data(record.bytes, payload_size);
  const auto text = record.bytes.subspan(header_room(), payload_size);
  const auto tag = record.bytes.last<Aead::tag_size>();
  if (!aead_.open(nonce(counter), additional, text, tag)) return std::nullopt;
  return text;
}

}  // namespace linnet::dtls
