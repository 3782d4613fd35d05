#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "linnet/core/address.hpp"
#include "stun/types.hpp"

namespace linnet::stun {

/// Writes one STUN message into memory of the caller. What does not fit makes `finish()` return 0. The
/// integrity attributes and the fingerprint cover what was written before them, so they come last, in
/// the order of the RFC: integrity, integrity_sha256, fingerprint.
class MessageBuilder {
 public:
  MessageBuilder(std::span<std::byte> out, Class message_class, Method method, const TransactionId& id) noexcept;

  /// Goes on with a message that was finished before any integrity; a copy of it is made.
  MessageBuilder(std::span<std::byte> out, std::span<const std::byte> begun) noexcept;

  MessageBuilder& attribute(AttributeType type, std::span<const std::byte> value) noexcept;
  MessageBuilder& text(AttributeType type, std::string_view value) noexcept;
  MessageBuilder& flag(AttributeType type) noexcept { return attribute(type, {}); }
  MessageBuilder& u32(AttributeType type, std::uint32_t value) noexcept;
  MessageBuilder& u64(AttributeType type, std::uint64_t value) noexcept;
  MessageBuilder& address(AttributeType type, const Endpoint& endpoint) noexcept;
  MessageBuilder& xor_address(AttributeType type, const Endpoint& endpoint) noexcept;
  MessageBuilder& error_code(ErrorCode code) noexcept { return error_code(code, reason(code)); }
  MessageBuilder& error_code(ErrorCode code, std::string_view reason) noexcept;
  MessageBuilder& unknown_attributes(std::span<const std::uint16_t> types) noexcept;

  MessageBuilder& integrity(std::span<const std::byte> key);
  MessageBuilder& integrity_sha256(std::span<const std::byte> key);
  MessageBuilder& fingerprint() noexcept;

  /// The size of the message, 0 when it did not fit.
  [[nodiscard]] std::size_t finish() const noexcept { return ok_ ? size_ : 0; }

 private:
  [[nodiscard]] std::span<std::byte> begin_attribute(AttributeType type, std::size_t size) noexcept;
  std::span<std::byte> out_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace linnet::stun
