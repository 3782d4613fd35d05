#include "stun/message_builder.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/bytes.hpp"
#include "crypto/hmac.hpp"
#include "stun/wire.hpp"

namespace linnet::stun {

using wire::attribute_header;
using wire::padded;

MessageBuilder::MessageBuilder(std::span<std::byte> out, Class message_class, Method method,
                               const TransactionId& id) noexcept
    : out_(out) {
  if (out.size() < header_size) {
    ok_ = false;
    return;
  }
  // The class lies in bits 4 and 8, the method in the others (RFC 8489 section 5).
  const auto m = static_cast<unsigned>(std::to_underlying(method));
  const auto c = static_cast<unsigned>(std::to_underlying(message_class));
  const unsigned type =
      (m & 0x000FU) | ((m & 0x0070U) << 1U) | ((m & 0x0F80U) << 2U) | ((c & 1U) << 4U) | ((c & 2U) << 7U);
  store_be(out.data(), static_cast<std::uint16_t>(type));
  store_be(out.data() + 2, std::uint16_t{0});
  store_be(out.data() + 4, magic_cookie);
  std::ranges::copy(id.bytes, out.begin() + 8);
  size_ = header_size;
}

MessageBuilder::MessageBuilder(std::span<std::byte> out, std::span<const std::byte> begun) noexcept
    : out_(out), size_(begun.size()), ok_(begun.size() >= header_size && begun.size() <= out.size()) {
  if (ok_) std::ranges::copy(begun, out.begin());
}

std::span<std::byte> MessageBuilder::begin_attribute(AttributeType type, std::size_t size) noexcept {
  const std::size_t whole = attribute_header + padded(size);
  if (!ok_ || whole > out_.size() - size_ || size_ - header_size + whole > std::numeric_limits<std::uint16_t>::max()) {
    ok_ = false;
    return {};
  }
  std::byte* const at = out_.data() + size_;
  store_be(at, std::to_underlying(type));
  store_be(at + 2, static_cast<std::uint16_t>(size));
  const auto value = out_.subspan(size_ + attribute_header, padded(size));
  std::ranges::fill(value.subspan(size), std::byte{0});
  size_ += whole;
  store_be(out_.data() + 2, static_cast<std::uint16_t>(size_ - header_size));
  return value.first(size);
}

MessageBuilder& MessageBuilder::attribute(AttributeType type, std::span<const std::byte> value) noexcept {
  const auto out = begin_attribute(type, value.size());
  if (ok_) std::ranges::copy(value, out.begin());
  return *this;
}

MessageBuilder& MessageBuilder::text(AttributeType type, std::string_view value) noexcept {
  return attribute(type, as_bytes(value));
}

MessageBuilder& MessageBuilder::u32(AttributeType type, std::uint32_t value) noexcept {
  std::array<std::byte, 4> bytes{};
  store_be(bytes.data(), value);
  return attribute(type, bytes);
}

MessageBuilder& MessageBuilder::u64(AttributeType type, std::uint64_t value) noexcept {
  std::array<std::byte, 8> bytes{};
  store_be(bytes.data(), value);
  return attribute(type, bytes);
}

MessageBuilder& MessageBuilder::address(AttributeType type, const Endpoint& endpoint) noexcept {
  const auto ip = endpoint.address.bytes();
  const auto out = begin_attribute(type, 4 + ip.size());
  if (!ok_) return *this;
  out[0] = std::byte{0};
  out[1] = endpoint.address.is_v4() ? std::byte{1} : std::byte{2};
  store_be(out.data() + 2, endpoint.port);
  std::ranges::copy(std::as_bytes(ip), out.begin() + 4);
  return *this;
}

MessageBuilder& MessageBuilder::xor_address(AttributeType type, const Endpoint& endpoint) noexcept {
  const std::size_t at = size_ + attribute_header;
  address(type, endpoint);
  if (!ok_) return *this;
  const std::byte* const mask = out_.data() + 4;
  for (std::size_t i = 0; i < 2; ++i) out_[at + 2 + i] ^= mask[i];
  for (std::size_t i = 0; i < endpoint.address.bytes().size(); ++i) out_[at + 4 + i] ^= mask[i];
  return *this;
}

MessageBuilder& MessageBuilder::error_code(ErrorCode code, std::string_view reason) noexcept {
  const auto out = begin_attribute(AttributeType::ErrorCode, 4 + reason.size());
  if (!ok_) return *this;
  const unsigned number = std::to_underlying(code);
  out[0] = out[1] = std::byte{0};
  out[2] = static_cast<std::byte>(number / 100);
  out[3] = static_cast<std::byte>(number % 100);
  std::ranges::copy(as_bytes(reason), out.begin() + 4);
  return *this;
}

MessageBuilder& MessageBuilder::unknown_attributes(std::span<const std::uint16_t> types) noexcept {
  const auto out = begin_attribute(AttributeType::UnknownAttributes, types.size() * 2);
  if (!ok_) return *this;
  for (std::size_t i = 0; i < types.size(); ++i) store_be(out.data() + 2 * i, types[i]);
  return *this;
}

MessageBuilder& MessageBuilder::integrity(std::span<const std::byte> key) {
  const std::size_t at = size_;
  const auto out = begin_attribute(AttributeType::MessageIntegrity, 20);
  if (!ok_) return *this;
  const wire::IntegrityInput input{out_, at, out.size()};
  std::ranges::copy(crypto::hmac_sha1(key, input.parts()), out.begin());
  return *this;
}

MessageBuilder& MessageBuilder::integrity_sha256(std::span<const std::byte> key) {
  const std::size_t at = size_;
  const auto out = begin_attribute(AttributeType::MessageIntegritySha256, 32);
  if (!ok_) return *this;
  const wire::IntegrityInput input{out_, at, out.size()};
  std::ranges::copy(crypto::hmac_sha256(key, input.parts()), out.begin());
  return *this;
}

MessageBuilder& MessageBuilder::fingerprint() noexcept {
  const std::size_t at = size_;
  const auto out = begin_attribute(AttributeType::Fingerprint, 4);
  // The CRC covers the header with the final length, which begin_attribute has written.
  if (ok_) store_be(out.data(), wire::crc32(out_.first(at)) ^ wire::fingerprint_mask);
  return *this;
}

}  // namespace linnet::stun
