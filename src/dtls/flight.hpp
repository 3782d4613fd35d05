#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "dtls/record.hpp"
#include "dtls/record_protection.hpp"

namespace linnet::dtls {

/// One outgoing message in plaintext: a whole handshake message with its header, or a ChangeCipherSpec.
struct Message {
  ContentType type{};
  std::uint16_t epoch = 0;
  std::vector<std::byte> bytes;
};

/// Writes outgoing records: numbers them, and seals those of epoch 1. A number is never used twice, whoever sends:
/// flights, alerts and application data share the counters. Owned by Connection.
class RecordWriter {
 public:
  void install(RecordProtection protection) { protection_ = std::move(protection); }
  [[nodiscard]] bool can_seal() const noexcept { return protection_.has_value(); }
  [[nodiscard]] std::size_t header_room(std::uint16_t epoch) const noexcept;
  [[nodiscard]] std::size_t overhead(std::uint16_t epoch) const noexcept;

  /// Makes a record of record[header_room(epoch), +payload_size). Returns its size; 0 when numbers ran out.
  std::size_t write(std::span<std::byte> record, std::size_t payload_size, ContentType type, std::uint16_t version,
                    std::uint16_t epoch) noexcept;

 private:
  std::optional<RecordProtection> protection_;
  std::array<std::uint64_t, 2> next_sequence_{};
};

/// Our last flight of handshake messages (RFC 6347 section 4.2.4), kept until the peer answers it, to be sent as often
/// as needed: each time split to the MTU and in new records. Owned by Connection.
class Flight {
 public:
  /// Replaces the flight and sends it from its start.
  void begin(std::vector<Message> messages) {
    messages_ = std::move(messages);
    rewind();
  }
  void rewind() noexcept { message_ = offset_ = 0; }
  void clear() noexcept {
    messages_.clear();
    rewind();
  }
  [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
  [[nodiscard]] bool pending() const noexcept { return message_ < messages_.size(); }
  [[nodiscard]] std::size_t messages() const noexcept { return messages_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (const Message& message : messages_) sum += message.bytes.size();
    return sum;
  }
  [[nodiscard]] std::uint16_t last_epoch() const noexcept { return messages_.empty() ? 0 : messages_.back().epoch; }

  /// Fills one datagram; 0 when nothing is pending or not even a small fragment fits.
  [[nodiscard]] std::size_t write(std::span<std::byte> datagram, RecordWriter& writer) noexcept;

 private:
  [[nodiscard]] std::size_t write_record(std::span<std::byte> out, RecordWriter& writer) noexcept;

  std::vector<Message> messages_;
  std::size_t message_ = 0;  // the next to send,
  std::size_t offset_ = 0;   // from this byte of its body
};

}  // namespace linnet::dtls
