#include "stun/message_view.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.hpp"
#include "crypto/constant_time.hpp"
#include "crypto/hash.hpp"
#include "crypto/hmac.hpp"
#include "stun/wire.hpp"

namespace linnet::stun {
namespace {

using wire::attribute_header;
using wire::padded;

std::uint16_t raw_type(std::span<const std::byte> message, std::size_t at) noexcept {
  return load_be<std::uint16_t>(message.data() + at);
}
std::size_t value_size(std::span<const std::byte> message, std::size_t at) noexcept {
  return load_be<std::uint16_t>(message.data() + at + 2);
}

bool is_known(AttributeType type) noexcept {
  switch (type) {
    case AttributeType::MappedAddress:
    case AttributeType::Username:
    case AttributeType::MessageIntegrity:
    case AttributeType::ErrorCode:
    case AttributeType::UnknownAttributes:
    case AttributeType::ChannelNumber:
    case AttributeType::Lifetime:
    case AttributeType::XorPeerAddress:
    case AttributeType::Data:
    case AttributeType::Realm:
    case AttributeType::Nonce:
    case AttributeType::XorRelayedAddress:
    case AttributeType::RequestedAddressFamily:
    case AttributeType::EvenPort:
    case AttributeType::RequestedTransport:
    case AttributeType::DontFragment:
    case AttributeType::MessageIntegritySha256:
    case AttributeType::PasswordAlgorithm:
    case AttributeType::Userhash:
    case AttributeType::XorMappedAddress:
    case AttributeType::ReservationToken:
    case AttributeType::Priority:
    case AttributeType::UseCandidate: return true;
    default: return false;
  }
}

/// RFC 8489 sections 14.1 and 14.2: a zero byte, the family (1 or 2), the port, the address.
std::optional<Endpoint> read_address(std::span<const std::byte> value, std::span<const std::byte> mask) noexcept {
  ByteReader in{value};
  in.skip(1);
  const std::uint8_t family = in.u8();
  std::uint16_t port = in.u16();
  const std::size_t size = family == 1 ? 4 : family == 2 ? 16 : 0;
  if (size == 0 || in.remaining() != size) return std::nullopt;
  const auto raw = in.bytes(size);
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = std::to_integer<std::uint8_t>(mask.empty() ? raw[i] : raw[i] ^ mask[i]);
  }
  if (!mask.empty()) port = static_cast<std::uint16_t>(port ^ load_be<std::uint16_t>(mask.data()));
  if (size == 4) return Endpoint{IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}), port};
  return Endpoint{IpAddress::v6(bytes), port};
}

}  // namespace

bool is_stun(std::span<const std::byte> datagram) noexcept {
  if (datagram.size() < header_size) return false;
  if ((std::to_integer<unsigned>(datagram[0]) & 0xC0U) != 0) return false;
  if (load_be<std::uint32_t>(datagram.data() + 4) != magic_cookie) return false;
  const std::size_t length = load_be<std::uint16_t>(datagram.data() + 2);
  return length % 4 == 0 && length + header_size <= datagram.size();
}

std::optional<std::string_view> username(std::span<const std::byte> datagram) noexcept {
  const auto message = MessageView::parse(datagram);
  return message ? message->text(AttributeType::Username) : std::nullopt;
}

std::expected<MessageView, ParseError> MessageView::parse(std::span<const std::byte> datagram) noexcept {
  if (!is_stun(datagram)) return std::unexpected(ParseError::NotStun);
  if (load_be<std::uint16_t>(datagram.data() + 2) + header_size != datagram.size()) {
    return std::unexpected(ParseError::Length);
  }
  for (std::size_t at = header_size; at < datagram.size();) {
    const std::size_t left = datagram.size() - at;
    if (left < attribute_header) return std::unexpected(ParseError::Attribute);
    const std::size_t size = attribute_header + padded(value_size(datagram, at));
    if (size > left) return std::unexpected(ParseError::Attribute);
    at += size;
  }
  return MessageView{datagram};
}

MessageView::Attribute MessageView::Iterator::operator*() const noexcept {
  return {static_cast<AttributeType>(raw_type(message_, at_)),
          message_.subspan(at_ + attribute_header, value_size(message_, at_))};
}

MessageView::Iterator& MessageView::Iterator::operator++() noexcept {
  switch (static_cast<AttributeType>(raw_type(message_, at_))) {
    case AttributeType::MessageIntegrity: protected_by_ = 1; break;
    case AttributeType::MessageIntegritySha256: protected_by_ = 2; break;
    case AttributeType::Fingerprint: protected_by_ = 3; break;
    default: break;
  }
  at_ += attribute_header + padded(value_size(message_, at_));
  skip_unseen();
  return *this;
}

void MessageView::Iterator::skip_unseen() noexcept {
  while (protected_by_ != 0 && at_ < message_.size()) {
    const auto type = static_cast<AttributeType>(raw_type(message_, at_));
    if (protected_by_ < 3 && type == AttributeType::Fingerprint) return;
    if (protected_by_ < 2 && type == AttributeType::MessageIntegritySha256) return;
    at_ += attribute_header + padded(value_size(message_, at_));
  }
}

Class MessageView::message_class() const noexcept {
  const auto type = load_be<std::uint16_t>(bytes_.data());
  return static_cast<Class>(((type >> 4U) & 1U) | ((type >> 7U) & 2U));
}

Method MessageView::method() const noexcept {
  const auto type = load_be<std::uint16_t>(bytes_.data());
  return static_cast<Method>((type & 0x000FU) | ((type & 0x00E0U) >> 1U) | ((type & 0x3E00U) >> 2U));
}

TransactionId MessageView::transaction_id() const noexcept {
  TransactionId id;
  std::ranges::copy(bytes_.subspan(8, id.bytes.size()), id.bytes.begin());
  return id;
}

std::optional<std::size_t> MessageView::offset_of(AttributeType type) const noexcept {
  for (auto it = begin(); it != end(); ++it) {
    if ((*it).type == type) return it.offset();
  }
  return std::nullopt;
}

std::optional<std::span<const std::byte>> MessageView::find(AttributeType type) const noexcept {
  for (const Attribute attribute : *this) {
    if (attribute.type == type) return attribute.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> MessageView::text(AttributeType type) const noexcept {
  const auto value = find(type);
  return value ? std::optional{as_text(*value)} : std::nullopt;
}

std::optional<std::uint32_t> MessageView::u32(AttributeType type) const noexcept {
  const auto value = find(type);
  if (!value || value->size() != 4) return std::nullopt;
  return load_be<std::uint32_t>(value->data());
}

std::optional<std::uint64_t> MessageView::u64(AttributeType type) const noexcept {
  const auto value = find(type);
  if (!value || value->size() != 8) return std::nullopt;
  return load_be<std::uint64_t>(value->data());
}

std::optional<Endpoint> MessageView::address(AttributeType type) const noexcept {
  const auto value = find(type);
  return value ? read_address(*value, {}) : std::nullopt;
}

std::optional<Endpoint> MessageView::xor_address(AttributeType type) const noexcept {
  // The mask is the magic cookie followed by the transaction id, as they stand in the header.
  const auto value = find(type);
  return value ? read_address(*value, bytes_.subspan(4, 16)) : std::nullopt;
}

std::optional<Endpoint> MessageView::xor_address(const Attribute& attribute) const noexcept {
  return read_address(attribute.value, bytes_.subspan(4, 16));
}

std::optional<Endpoint> MessageView::mapped_address() const noexcept {
  const auto mapped = xor_address(AttributeType::XorMappedAddress);
  return mapped ? mapped : address(AttributeType::MappedAddress);
}

std::optional<MessageView::ErrorCodeValue> MessageView::error_code() const noexcept {
  // RFC 8489 section 14.8: 21 bits of zero, the hundreds (3 to 6), the rest (0 to 99), a reason phrase.
  const auto value = find(AttributeType::ErrorCode);
  if (!value || value->size() < 4) return std::nullopt;
  const unsigned hundreds = std::to_integer<unsigned>((*value)[2]) & 7U;
  const unsigned rest = std::to_integer<unsigned>((*value)[3]);
  if (hundreds < 3 || hundreds > 6 || rest > 99) return std::nullopt;
  return ErrorCodeValue{static_cast<std::uint16_t>(hundreds * 100 + rest), as_text(value->subspan(4))};
}

std::optional<MessageView::NetworkCost> MessageView::network_cost() const noexcept {
  const auto value = u32(AttributeType::NetworkCost);
  if (!value) return std::nullopt;
  return NetworkCost{static_cast<std::uint16_t>(*value >> 16U), static_cast<std::uint16_t>(*value & 0xFFFFU)};
}

std::size_t MessageView::unknown_attributes(std::span<std::uint16_t> out) const noexcept {
  std::size_t count = 0;
  for (const Attribute attribute : *this) {
    const auto type = std::to_underlying(attribute.type);
    if (!comprehension_required(type) || is_known(attribute.type)) continue;
    if (count < out.size()) out[count++] = type;
  }
  return count;
}

bool MessageView::verify_integrity(std::span<const std::byte> key) const {
  const auto at = offset_of(AttributeType::MessageIntegrity);
  if (!at) return false;
  const auto value = bytes_.subspan(*at + attribute_header, value_size(bytes_, *at));
  if (value.size() != 20) return false;
  const wire::IntegrityInput input{bytes_, *at, value.size()};
  return crypto::constant_time_equal(crypto::hmac_sha1(key, input.parts()), value);
}

bool MessageView::verify_integrity_sha256(std::span<const std::byte> key) const {
  const auto at = offset_of(AttributeType::MessageIntegritySha256);
  if (!at) return false;
  const auto value = bytes_.subspan(*at + attribute_header, value_size(bytes_, *at));
  if (value.size() < 16 || value.size() > 32 || value.size() % 4 != 0) return false;
  const wire::IntegrityInput input{bytes_, *at, value.size()};
  const auto expected = crypto::hmac_sha256(key, input.parts());
  return crypto::constant_time_equal(std::span{expected}.first(value.size()), value);
}

bool MessageView::has_fingerprint() const noexcept { return has(AttributeType::Fingerprint); }

bool MessageView::verify_fingerprint() const noexcept {
  const auto at = offset_of(AttributeType::Fingerprint);
  if (!at || value_size(bytes_, *at) != 4 || *at + attribute_header + 4 != bytes_.size()) return false;
  const auto value = load_be<std::uint32_t>(bytes_.data() + *at + attribute_header);
  return value == (wire::crc32(bytes_.first(*at)) ^ wire::fingerprint_mask);
}

std::array<std::byte, 16> long_term_key(std::string_view username, std::string_view realm, std::string_view password) {
  const std::array<std::span<const std::byte>, 5> parts{as_bytes(username), as_bytes(":"), as_bytes(realm),
                                                        as_bytes(":"), as_bytes(password)};
  const auto digest = crypto::hash(crypto::Hash::Md5, std::span<const std::span<const std::byte>>{parts});
  std::array<std::byte, 16> key{};
  std::ranges::copy(digest.bytes().first(key.size()), key.begin());
  return key;
}

}  // namespace linnet::stun
