#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/bytes.hpp"
#include "stun/message_builder.hpp"
#include "stun/message_view.hpp"

namespace linnet::stun {
namespace {

std::vector<std::byte> hex(std::string_view text) {
  std::vector<std::byte> out;
  unsigned value = 0;
  int digits = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) {
      out.push_back(static_cast<std::byte>(value & 0xFFU));
      value = 0;
    }
  }
  return out;
}

// RFC 5769 sections 2.1 to 2.4.
const auto sample_request =
    hex("00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74"
        "00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"
        "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf");
const auto response_v4 =
    hex("0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200008 0001a147e112a643"
        "00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96");
const auto response_v6 =
    hex("01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
        "00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
        "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c");
const auto long_term_request =
    hex("00010060 2112a442 78ad3433c6ad72c029da412e"
        "00060012 e3839ee38388e383aae38383e382af e382b90000"
        "0015001c 662f2f3439396b39353464364f4c33346f4c394653547679363473 41"
        "0014000b 6578616d706c652e6f726700"
        "00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666");

constexpr std::string_view sample_password = "VOkJxbRl1RmTxUk/WvJxBt";

TEST(Message, ReadsTheSampleRequestOfRfc5769) {
  const auto message = MessageView::parse(sample_request);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class(), Class::Request);
  EXPECT_EQ(message->method(), Method::Binding);
  EXPECT_EQ(message->text(AttributeType::Software), "STUN test client");
  EXPECT_EQ(message->text(AttributeType::Username), "evtj:h6vY");
  EXPECT_EQ(username(sample_request), "evtj:h6vY");
  EXPECT_EQ(message->priority(), 0x6e0001ffU);
  EXPECT_EQ(message->u64(AttributeType::IceControlled), 0x932ff9b151263b36ULL);
  EXPECT_TRUE(message->verify_integrity(as_bytes(sample_password)));
  EXPECT_TRUE(message->verify_fingerprint());
  EXPECT_FALSE(message->verify_integrity(as_bytes("another password")));
}

TEST(Message, ReadsTheSampleResponsesOfRfc5769) {
  const auto v4 = MessageView::parse(response_v4);
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->message_class(), Class::Success);
  EXPECT_EQ(v4->mapped_address(), (Endpoint{IpAddress::v4({192, 0, 2, 1}), 32'853}));
  EXPECT_TRUE(v4->verify_integrity(as_bytes(sample_password)));
  EXPECT_TRUE(v4->verify_fingerprint());
  const auto v6 = MessageView::parse(response_v6);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->mapped_address(), (Endpoint{*IpAddress::parse("2001:db8:1234:5678:11:2233:4455:6677"), 32'853}));
  EXPECT_TRUE(v6->verify_integrity(as_bytes(sample_password)));
  EXPECT_TRUE(v6->verify_fingerprint());
}

TEST(Message, ReadsTheLongTermRequestOfRfc5769) {
  const auto message = MessageView::parse(long_term_request);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text(AttributeType::Realm), "example.org");
  EXPECT_EQ(message->text(AttributeType::Nonce), "f//499k954d6OL34oL9FSTvy64sA");
  const auto key = long_term_key(*message->text(AttributeType::Username), "example.org", "TheMatrIX");
  EXPECT_TRUE(message->verify_integrity(key));
  EXPECT_FALSE(message->has_fingerprint());
}

TEST(Message, EveryFlippedBitIsNoticed) {
  for (std::size_t bit = 0; bit < sample_request.size() * 8; ++bit) {
    auto bytes = sample_request;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto message = MessageView::parse(bytes);
    EXPECT_FALSE(message && message->verify_integrity(as_bytes(sample_password)) && message->verify_fingerprint())
        << bit;
  }
}

TEST(Message, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < sample_request.size(); ++size) {
    EXPECT_FALSE(MessageView::parse(std::span{sample_request}.first(size))) << size;
  }
  auto longer = sample_request;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(MessageView::parse(longer));
}

TEST(Message, AnAttributeThatReachesBeyondTheMessageIsRefused) {
  auto bytes = hex("00010008 2112a442 000000000000000000000000 00060005 61626364");
  EXPECT_EQ(MessageView::parse(bytes).error(), ParseError::Attribute);
  bytes[23] = std::byte{4};
  EXPECT_TRUE(MessageView::parse(bytes));
}

class RoundTrip : public testing::Test {
 protected:
  std::span<const std::byte> written(const MessageBuilder& builder) {
    return std::span{buffer}.first(builder.finish());
  }
  std::array<std::byte, 512> buffer{};
  TransactionId id{{std::byte{1}, std::byte{2}, std::byte{3}}};
  std::span<const std::byte> key = as_bytes("the password");
};

TEST_F(RoundTrip, KeepsEveryAttribute) {
  const Endpoint v4{IpAddress::v4({1, 2, 3, 4}), 5};
  const Endpoint v6{*IpAddress::parse("2001:db8::1"), 65'535};
  const std::array<std::uint16_t, 2> unknown{0x7001, 0x7002};
  MessageBuilder builder{buffer, Class::Error, Method::Allocate, id};
  builder.address(AttributeType::MappedAddress, v4)
      .xor_address(AttributeType::XorMappedAddress, v6)
      .error_code(ErrorCode::RoleConflict)
      .unknown_attributes(unknown)
      .text(AttributeType::Realm, "r")
      .u32(AttributeType::NetworkCost, 0x0003'000A)
      .flag(AttributeType::UseCandidate)
      .integrity(key)
      .integrity_sha256(key)
      .fingerprint();
  const auto message = MessageView::parse(written(builder));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->message_class(), Class::Error);
  EXPECT_EQ(message->method(), Method::Allocate);
  EXPECT_EQ(message->transaction_id(), id);
  EXPECT_EQ(message->address(AttributeType::MappedAddress), v4);
  EXPECT_EQ(message->mapped_address(), v6);
  EXPECT_EQ(message->error_code()->code, 487);
  EXPECT_EQ(message->error_code()->reason, "Role Conflict");
  EXPECT_EQ(message->find(AttributeType::UnknownAttributes)->size(), 4U);
  EXPECT_EQ(message->network_cost()->network_id, 3);
  EXPECT_EQ(message->network_cost()->cost, 10);
  EXPECT_TRUE(message->use_candidate());
  EXPECT_TRUE(message->verify_integrity(key));
  EXPECT_TRUE(message->verify_integrity_sha256(key));
  EXPECT_TRUE(message->verify_fingerprint());
  EXPECT_FALSE(message->verify_integrity_sha256(as_bytes("wrong")));
}

TEST_F(RoundTrip, EveryMethodAndClassSurvives) {
  for (unsigned method = 0; method < 0x1000; method += 7) {
    for (const auto cls : {Class::Request, Class::Indication, Class::Success, Class::Error}) {
      const MessageBuilder builder{buffer, cls, static_cast<Method>(method), id};
      const auto message = MessageView::parse(written(builder));
      ASSERT_TRUE(message);
      EXPECT_EQ(message->message_class(), cls);
      EXPECT_EQ(message->method(), static_cast<Method>(method));
    }
  }
}

TEST_F(RoundTrip, AttributesAfterTheIntegrityAreNotSeen) {
  MessageBuilder builder{buffer, Class::Request, Method::Binding, id};
  builder.integrity(key).flag(AttributeType::UseCandidate).u32(AttributeType::Priority, 1).fingerprint();
  const auto message = MessageView::parse(written(builder));
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->verify_integrity(key));
  EXPECT_FALSE(message->use_candidate());
  EXPECT_FALSE(message->priority());
  EXPECT_TRUE(message->verify_fingerprint());
}

TEST_F(RoundTrip, TheFirstOfTwoEqualAttributesCounts) {
  MessageBuilder builder{buffer, Class::Request, Method::Binding, id};
  builder.u32(AttributeType::Priority, 1).u32(AttributeType::Priority, 2);
  EXPECT_EQ(MessageView::parse(written(builder))->priority(), 1U);
}

TEST_F(RoundTrip, ListsUnknownAttributesThatMustBeUnderstood) {
  MessageBuilder builder{buffer, Class::Request, Method::Binding, id};
  builder.flag(static_cast<AttributeType>(0x7FFF)).flag(static_cast<AttributeType>(0xFFFF));
  builder.flag(AttributeType::UseCandidate).flag(static_cast<AttributeType>(0x0099));
  std::array<std::uint16_t, 4> unknown{};
  const auto message = MessageView::parse(written(builder));
  ASSERT_EQ(message->unknown_attributes(unknown), 2U);
  EXPECT_EQ(unknown[0], 0x7FFF);
  EXPECT_EQ(unknown[1], 0x0099);
  EXPECT_EQ(message->unknown_attributes(std::span{unknown}.first(1)), 1U);
}

TEST_F(RoundTrip, AMessageThatWasBegunIsGoneOnWith) {
  std::array<std::byte, 256> whole{};
  const std::array data{std::byte{22}, std::byte{1}, std::byte{2}};
  MessageBuilder at_once{whole, Class::Request, Method::Binding, id};
  const std::size_t size = at_once.u32(AttributeType::Priority, 7)
                               .attribute(AttributeType::MetaDtlsInStun, data)
                               .integrity(as_bytes("key"))
                               .fingerprint()
                               .finish();
  std::array<std::byte, 256> first{};
  MessageBuilder begun{first, Class::Request, Method::Binding, id};
  const std::size_t begun_size = begun.u32(AttributeType::Priority, 7).finish();
  std::array<std::byte, 256> second{};
  MessageBuilder rest{second, std::span{first}.first(begun_size)};
  EXPECT_EQ(rest.attribute(AttributeType::MetaDtlsInStun, data).integrity(as_bytes("key")).fingerprint().finish(),
            size);
  EXPECT_EQ(second, whole);
  EXPECT_EQ((MessageBuilder{std::span{second}.first(20), std::span{first}.first(begun_size)}.finish()), 0U);
}

TEST_F(RoundTrip, WhatDoesNotFitIsNotWritten) {
  for (std::size_t room = 0; room < 64; ++room) {
    MessageBuilder builder{std::span{buffer}.first(room), Class::Request, Method::Binding, id};
    builder.text(AttributeType::Username, "abcde").integrity(key).fingerprint();
    EXPECT_EQ(builder.finish(), 0U) << room;
  }
}

TEST_F(RoundTrip, MalformedValuesAreMissing) {
  MessageBuilder builder{buffer, Class::Error, Method::Binding, id};
  builder.text(AttributeType::Priority, "abc").text(AttributeType::XorMappedAddress, "abcdefgh");
  builder.text(AttributeType::ErrorCode, "ab").text(AttributeType::MessageIntegrity, "short");
  const auto message = MessageView::parse(written(builder));
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->priority());
  EXPECT_FALSE(message->mapped_address());
  EXPECT_FALSE(message->error_code());
  EXPECT_FALSE(message->verify_integrity(key));
}

TEST(IsStun, TellsStunFromTheOtherProtocols) {
  EXPECT_TRUE(is_stun(sample_request));
  for (const int first : {20, 63, 64, 79, 128, 191}) {
    auto bytes = sample_request;
    bytes[0] = static_cast<std::byte>(first);
    EXPECT_EQ(is_stun(bytes), first < 64) << first;
  }
  auto bytes = sample_request;
  bytes[4] = std::byte{0};
  EXPECT_FALSE(is_stun(bytes));
  EXPECT_FALSE(is_stun({}));
}

}  // namespace
}  // namespace linnet::stun
