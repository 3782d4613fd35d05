#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "linnet/core/address.hpp"
#include "stun/types.hpp"

namespace linnet::stun {

/// Whether a datagram looks like STUN: first two bits zero, the cookie, and a length that is a multiple
/// of 4 and fits (RFC 8489 section 6.3, RFC 7983).
[[nodiscard]] bool is_stun(std::span<const std::byte> datagram) noexcept;

/// The USERNAME of a message, for finding the connection that a first check is for.
[[nodiscard]] std::optional<std::string_view> username(std::span<const std::byte> datagram) noexcept;

enum class ParseError : std::uint8_t { NotStun, Length, Attribute };

/// A STUN message in borrowed bytes. `parse` checks every bound once; nothing allocates or copies. Of an
/// attribute that appears twice the first counts, and what follows the integrity attributes is not seen
/// (RFC 8489 sections 14, 14.5 and 14.6).
class MessageView {
 public:
  struct Attribute {
    AttributeType type;
    std::span<const std::byte> value;
  };
  struct ErrorCodeValue {
    std::uint16_t code;
    std::string_view reason;
  };
  struct NetworkCost {
    std::uint16_t network_id;
    std::uint16_t cost;
  };
  /// Walks the attributes that count.
  class Iterator {
   public:
    using value_type = Attribute;
    using difference_type = std::ptrdiff_t;
    Iterator() noexcept = default;
    Iterator(std::span<const std::byte> message, std::size_t at) noexcept : message_(message), at_(at) {
      skip_unseen();
    }
    [[nodiscard]] Attribute operator*() const noexcept;
    Iterator& operator++() noexcept;
    Iterator operator++(int) noexcept {
      Iterator old = *this;
      ++*this;
      return old;
    }
    [[nodiscard]] std::size_t offset() const noexcept { return at_; }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.at_ == b.at_; }

   private:
    void skip_unseen() noexcept;
    std::span<const std::byte> message_;
    std::size_t at_ = 0;
    std::uint8_t protected_by_ = 0;  ///< 1: an integrity attribute was passed, 2: the SHA-256 one, 3: the fingerprint.
  };

  [[nodiscard]] static std::expected<MessageView, ParseError> parse(std::span<const std::byte> datagram) noexcept;

  [[nodiscard]] Class message_class() const noexcept;
  [[nodiscard]] Method method() const noexcept;
  [[nodiscard]] TransactionId transaction_id() const noexcept;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

  [[nodiscard]] Iterator begin() const noexcept { return {bytes_, header_size}; }
  [[nodiscard]] Iterator end() const noexcept { return {bytes_, bytes_.size()}; }
  [[nodiscard]] std::optional<std::span<const std::byte>> find(AttributeType type) const noexcept;
  [[nodiscard]] bool has(AttributeType type) const noexcept { return find(type).has_value(); }

  // Typed reads: empty when the attribute is missing or malformed.
  [[nodiscard]] std::optional<std::string_view> text(AttributeType type) const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> u32(AttributeType type) const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> u64(AttributeType type) const noexcept;
  [[nodiscard]] std::optional<Endpoint> address(AttributeType type) const noexcept;  ///< MAPPED-ADDRESS and its like.
  [[nodiscard]] std::optional<Endpoint> xor_address(
      AttributeType type) const noexcept;  ///< XOR-MAPPED-ADDRESS and its like.
  /// The same of an attribute of this message, for one that may appear more than once.
  [[nodiscard]] std::optional<Endpoint> xor_address(const Attribute& attribute) const noexcept;
  /// XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS.
  [[nodiscard]] std::optional<Endpoint> mapped_address() const noexcept;
  [[nodiscard]] std::optional<ErrorCodeValue> error_code() const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> priority() const noexcept { return u32(AttributeType::Priority); }
  [[nodiscard]] bool use_candidate() const noexcept { return has(AttributeType::UseCandidate); }
  [[nodiscard]] std::optional<NetworkCost> network_cost() const noexcept;

  /// Comprehension-required attributes that this codec does not know, in order; at most `out.size()` of them.
  [[nodiscard]] std::size_t unknown_attributes(std::span<std::uint16_t> out) const noexcept;

  /// True when MESSAGE-INTEGRITY is there and right for `key`.
  [[nodiscard]] bool verify_integrity(std::span<const std::byte> key) const;
  /// True when MESSAGE-INTEGRITY-SHA256 (16 to 32 bytes, a multiple of 4) is there and right for `key`.
  [[nodiscard]] bool verify_integrity_sha256(std::span<const std::byte> key) const;
  /// True when the message ends with a FINGERPRINT that is right.
  [[nodiscard]] bool verify_fingerprint() const noexcept;
  [[nodiscard]] bool has_fingerprint() const noexcept;

 private:
  explicit MessageView(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::optional<std::size_t> offset_of(AttributeType type) const noexcept;
  std::span<const std::byte> bytes_;
};

/// The key of a long-term credential: MD5(username ":" realm ":" password), RFC 8489 section 9.2.2.
[[nodiscard]] std::array<std::byte, 16> long_term_key(std::string_view username, std::string_view realm,
                                                      std::string_view password);

}  // namespace linnet::stun
