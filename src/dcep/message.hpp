#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "linnet/states.hpp"

namespace linnet::dcep {

/// RFC 8831 section 8: what a payload protocol identifier says about a message on a data channel. SCTP cannot carry an
/// empty message, so one is sent as a single zero byte under an identifier of its own.
enum class PayloadType : std::uint32_t {
  Control = 50,
  Text = 51,
  BinaryPartial = 52,  ///< Deprecated: joined with what follows.
  Binary = 53,
  TextPartial = 54,  ///< Deprecated: joined with what follows.
  TextEmpty = 56,
  BinaryEmpty = 57,
};

/// RFC 8832 section 5.1: DATA_CHANNEL_OPEN.
struct Open {
  bool ordered = true;
  /// At most one of the two has a value; both are 32 bits on the wire.
  std::optional<std::uint32_t> max_retransmits{};
  std::optional<std::uint32_t> max_packet_life_time{};  ///< Milliseconds.
  std::uint16_t priority = 256;
  std::string label{};
  std::string protocol{};

  friend bool operator==(const Open&, const Open&) = default;
};

/// RFC 8832 section 5.2: DATA_CHANNEL_ACK.
struct Ack {
  friend bool operator==(const Ack&, const Ack&) = default;
};

using Message = std::variant<Open, Ack>;

enum class ParseError : std::uint8_t {
  Empty,
  UnknownMessageType,
  Truncated,
  TrailingBytes,
  UnknownChannelType,
  BadUtf8,  ///< RFC 8832 section 5.1: label and protocol are UTF-8.
};

/// Reads one control message. Never allocates more than the message is long.
[[nodiscard]] std::expected<Message, ParseError> parse(std::span<const std::byte> bytes);

/// Label and protocol are at most 65,535 bytes each: the caller has checked it.
[[nodiscard]] std::vector<std::byte> write(const Open& open);
[[nodiscard]] std::vector<std::byte> write(const Ack& ack);

/// RFC 8831 section 6.4 and W3C webrtc-priority section 4.1: very-low 128, low 256, medium 512, high 1024.
[[nodiscard]] std::uint16_t wire_priority(Priority priority) noexcept;
/// W3C webrtc-priority: up to 128 is very-low, up to 256 low, up to 512 medium, else high.
[[nodiscard]] Priority priority_of(std::uint16_t wire) noexcept;

}  // namespace linnet::dcep
