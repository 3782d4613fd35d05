#include "dtls/record.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace linnet::dtls {
namespace {

using Bytes = std::vector<std::byte>;

Bytes record(ContentType type, std::uint16_t version, std::size_t length) {
  Bytes bytes(record_header_size + length);
  write_record_header(std::span{bytes}.first<record_header_size>(), type, version, 1, 0x0102'0304'0506, length);
  return bytes;
}

TEST(Record, IsReadAsItWasWritten) {
  Bytes datagram = record(ContentType::Alert, version_1_2, 2);
  const Bytes next = record(ContentType::ApplicationData, version_1_0, 0);
  datagram.insert(datagram.end(), next.begin(), next.end());
  std::span<std::byte> rest = datagram;
  const auto first = next_record(rest);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, ContentType::Alert);
  EXPECT_EQ(first->epoch, 1);
  EXPECT_EQ(first->sequence, 0x0102'0304'0506U);
  EXPECT_EQ(first->fragment.size(), 2U);
  const auto second = next_record(rest);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->version, version_1_0);
  EXPECT_TRUE(second->fragment.empty());
  EXPECT_FALSE(next_record(rest));
}

TEST(Record, IsNotReadWhenCutOrOfAnotherKind) {
  const Bytes good = record(ContentType::Handshake, version_1_2, 20);
  for (std::size_t size = 0; size < good.size(); ++size) {
    Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    std::span<std::byte> rest = cut;
    EXPECT_FALSE(next_record(rest)) << size;
    EXPECT_TRUE(rest.empty());
  }
  for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{19}, std::uint8_t{24}, std::uint8_t{128}}) {
    Bytes bad = good;
    bad[0] = std::byte{type};
    std::span<std::byte> rest = bad;
    EXPECT_FALSE(next_record(rest));
  }
  Bytes tls = record(ContentType::Handshake, 0x0303, 20);
  std::span<std::byte> rest = tls;
  EXPECT_FALSE(next_record(rest));
  Bytes huge = record(ContentType::ApplicationData, version_1_2, max_ciphertext + 1);
  rest = huge;
  EXPECT_FALSE(next_record(rest));
}

TEST(HandshakeHeader, IsReadAsItWasWritten) {
  std::array<std::byte, handshake_header_size + 3> bytes{};
  write_handshake_header(std::span{bytes}.first<handshake_header_size>(), {11, 0x010203, 0x0405, 0x010200, 3});
  const auto header = read_handshake_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, 11);
  EXPECT_EQ(header->length, 0x010203U);
  EXPECT_EQ(header->message_sequence, 0x0405);
  EXPECT_EQ(header->fragment_offset, 0x010200U);
  EXPECT_EQ(header->fragment_length, 3U);
}

TEST(HandshakeHeader, IsNotReadWhenItsFragmentIsOutside) {
  std::array<std::byte, handshake_header_size + 3> bytes{};
  const auto header = std::span{bytes}.first<handshake_header_size>();
  write_handshake_header(header, {1, 10, 0, 8, 3});
  EXPECT_FALSE(read_handshake_header(bytes));
  write_handshake_header(header, {1, 10, 0, 11, 0});
  EXPECT_FALSE(read_handshake_header(bytes));
  write_handshake_header(header, {1, 10, 0, 0, 4});
  EXPECT_FALSE(read_handshake_header(bytes));
  EXPECT_FALSE(read_handshake_header(std::span{bytes}.first(11)));
}

}  // namespace
}  // namespace linnet::dtls
