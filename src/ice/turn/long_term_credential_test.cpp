#include "ice/turn/long_term_credential.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.hpp"
#include "base/bytes.hpp"
#include "crypto/hash.hpp"

namespace linnet::ice::turn {
namespace {

using Challenge = LongTermCredential::Challenge;
using stun::AttributeType;

std::vector<std::byte> error(std::string_view realm, std::string_view nonce, std::vector<std::byte> algorithms = {}) {
  std::vector<std::byte> out(2'000);
  stun::MessageBuilder m{out, stun::Class::Error, stun::Method::Allocate, {}};
  m.error_code(stun::ErrorCode::Unauthenticated);
  if (!realm.empty()) m.text(AttributeType::Realm, realm);
  if (!nonce.empty()) m.text(AttributeType::Nonce, nonce);
  if (!algorithms.empty()) m.attribute(AttributeType::PasswordAlgorithms, algorithms);
  out.resize(m.finish());
  return out;
}
Challenge challenge(LongTermCredential& credential, const std::vector<std::byte>& bytes, bool stale = false) {
  return credential.challenged(*stun::MessageView::parse(bytes), stale);
}
std::vector<std::byte> signed_request(const LongTermCredential& credential) {
  std::vector<std::byte> out(2'600);
  stun::MessageBuilder m{out, stun::Class::Request, stun::Method::Allocate, {}};
  credential.sign(m);
  out.resize(m.finish());
  return out;
}
std::string cookie(std::uint8_t features) {
  const std::array bits{static_cast<std::byte>(features), std::byte{0}, std::byte{0}};
  return "obMatJos2" + base64(bits) + "rest";
}
std::vector<std::byte> list(std::initializer_list<std::uint8_t> bytes) {
  std::vector<std::byte> out;
  for (const auto b : bytes) out.push_back(static_cast<std::byte>(b));
  return out;
}
const auto both = list({0, 2, 0, 0, 0, 1, 0, 0});
const auto md5_only = list({0, 1, 0, 0});

// RFC 5769 section 2.4.
constexpr std::string_view vector_user = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9";
constexpr std::string_view vector_nonce = "f//499k954d6OL34oL9FSTvy64sA";
constexpr std::array<std::uint8_t, 116> vector_message{
    0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
    0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3,
    0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f,
    0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46,
    0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70,
    0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6,
    0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66};

TEST(LongTermCredential, AcceptsTheSampleOfRfc5769) {
  LongTermCredential credential{std::string{vector_user}, "TheMatrIX"};
  ASSERT_EQ(challenge(credential, error("example.org", vector_nonce)), Challenge::Accepted);
  const auto message = stun::MessageView::parse(std::as_bytes(std::span{vector_message}));
  ASSERT_TRUE(message);
  EXPECT_TRUE(credential.verify(*message));
  LongTermCredential other{std::string{vector_user}, "TheMatrIx"};
  ASSERT_EQ(challenge(other, error("example.org", vector_nonce)), Challenge::Accepted);
  EXPECT_FALSE(other.verify(*message));
}

TEST(LongTermCredential, SignsWithWhatTheChallengeSays) {
  LongTermCredential credential{"user", "secret"};
  EXPECT_FALSE(credential.ready());
  ASSERT_EQ(challenge(credential, error("example.org", "n1")), Challenge::Accepted);
  ASSERT_TRUE(credential.ready());
  const auto bytes = signed_request(credential);
  const auto m = *stun::MessageView::parse(bytes);
  EXPECT_EQ(m.text(AttributeType::Username), "user");
  EXPECT_EQ(m.text(AttributeType::Realm), "example.org");
  EXPECT_EQ(m.text(AttributeType::Nonce), "n1");
  EXPECT_FALSE(m.has(AttributeType::PasswordAlgorithm));
  EXPECT_TRUE(m.verify_integrity(stun::long_term_key("user", "example.org", "secret")));
}

TEST(LongTermCredential, TheSameChallengeAgainMeansThatThePasswordIsWrong) {
  LongTermCredential credential{"user", "secret"};
  ASSERT_EQ(challenge(credential, error("example.org", "n1")), Challenge::Accepted);
  EXPECT_EQ(challenge(credential, error("example.org", "n2")), Challenge::Repeated);
  EXPECT_EQ(challenge(credential, error("example.net", "n3")), Challenge::Accepted) << "another realm has another key";
  EXPECT_EQ(challenge(credential, error("", "n4"), true), Challenge::Accepted) << "a stale nonce";
  const auto bytes = signed_request(credential);
  EXPECT_EQ(stun::MessageView::parse(bytes)->text(AttributeType::Nonce), "n4");
  EXPECT_EQ(stun::MessageView::parse(bytes)->text(AttributeType::Realm), "example.net");
}

TEST(LongTermCredential, RefusesAChallengeThatLacksSomethingOrIsTooLong) {
  LongTermCredential credential{"user", "secret"};
  EXPECT_EQ(challenge(credential, error("", "n1")), Challenge::Unusable);
  EXPECT_EQ(challenge(credential, error("example.org", "")), Challenge::Unusable);
  EXPECT_EQ(challenge(credential, error("", "n1"), true), Challenge::Unusable) << "stale before there was any";
  EXPECT_EQ(challenge(credential, error(std::string(764, 'r'), "n1")), Challenge::Unusable);
  EXPECT_EQ(challenge(credential, error("example.org", std::string(764, 'n'))), Challenge::Unusable);
  EXPECT_FALSE(credential.ready());
}

TEST(LongTermCredential, TheLongestOfEverythingFitsIntoARequest) {
  LongTermCredential credential{std::string(508, 'u'), std::string(500, 'p')};
  ASSERT_EQ(challenge(credential, error(std::string(763, 'r'), std::string(763, 'n'))), Challenge::Accepted);
  EXPECT_FALSE(signed_request(credential).empty());
}

TEST(LongTermCredential, UsesSha256WhenTheServerOffersIt) {
  LongTermCredential credential{"user", "secret"};
  ASSERT_EQ(challenge(credential, error("example.org", cookie(0x80), both)), Challenge::Accepted);
  const auto bytes = signed_request(credential);
  const auto m = *stun::MessageView::parse(bytes);
  EXPECT_EQ(m.u32(AttributeType::PasswordAlgorithm), 0x0002'0000U);
  const auto echoed = m.find(AttributeType::PasswordAlgorithms);
  ASSERT_TRUE(echoed);
  EXPECT_TRUE(std::ranges::equal(*echoed, both));
  EXPECT_FALSE(m.has(AttributeType::MessageIntegrity));
  const auto key = crypto::hash(crypto::Hash::Sha256, as_bytes("user:example.org:secret"));
  EXPECT_TRUE(m.verify_integrity_sha256(key.bytes()));
  EXPECT_TRUE(credential.verify(m));
}

TEST(LongTermCredential, TakesTheFirstAlgorithmOfTheListThatItKnows) {
  LongTermCredential credential{"user", "secret"};
  // An unknown one with parameters, MD5, SHA-256.
  const auto odd = list({0, 9, 0, 3, 1, 2, 3, 0, 0, 1, 0, 0, 0, 2, 0, 0});
  ASSERT_EQ(challenge(credential, error("example.org", cookie(0x80), odd)), Challenge::Accepted);
  const auto bytes = signed_request(credential);
  const auto m = *stun::MessageView::parse(bytes);
  EXPECT_EQ(m.u32(AttributeType::PasswordAlgorithm), 0x0001'0000U);
  // RFC 8489 section 9.2.5: with the list in it, the integrity is of the newer kind all the same.
  EXPECT_TRUE(m.verify_integrity_sha256(stun::long_term_key("user", "example.org", "secret")));
}

TEST(LongTermCredential, ANonceThatPromisesAlgorithmsMustComeWithThem) {
  LongTermCredential credential{"user", "secret"};
  EXPECT_EQ(challenge(credential, error("example.org", cookie(0x80))), Challenge::Unusable);
  EXPECT_EQ(challenge(credential, error("example.org", cookie(0x80), list({0, 9, 0, 0}))), Challenge::Unusable);
  EXPECT_EQ(challenge(credential, error("example.org", cookie(0x80), list({0, 2, 0}))), Challenge::Unusable);
  EXPECT_FALSE(credential.ready());
}

TEST(LongTermCredential, NobodyTalksItOutOfTheBetterAlgorithm) {
  LongTermCredential credential{"user", "secret"};
  ASSERT_EQ(challenge(credential, error("example.org", cookie(0x80), both)), Challenge::Accepted);
  EXPECT_EQ(challenge(credential, error("example.org", "plain"), true), Challenge::Unusable);
  EXPECT_EQ(challenge(credential, error("example.net", "plain")), Challenge::Unusable);
}

TEST(LongTermCredential, HidesTheUserNameWhenTheServerWantsIt) {
  LongTermCredential credential{"user", "secret"};
  ASSERT_EQ(challenge(credential, error("example.org", cookie(0xC0), both)), Challenge::Accepted);
  const auto bytes = signed_request(credential);
  const auto m = *stun::MessageView::parse(bytes);
  EXPECT_FALSE(m.has(AttributeType::Username));
  const auto hash = crypto::hash(crypto::Hash::Sha256, as_bytes("user:example.org"));
  const auto shown = m.find(AttributeType::Userhash);
  ASSERT_TRUE(shown);
  EXPECT_TRUE(std::ranges::equal(*shown, hash.bytes()));
}

TEST(LongTermCredential, ANonceThatOnlyLooksLikeACookieIsJustANonce) {
  LongTermCredential credential{"user", "secret"};
  EXPECT_EQ(challenge(credential, error("example.org", "obMatJos2")), Challenge::Accepted);
  LongTermCredential other{"user", "secret"};
  EXPECT_EQ(challenge(other, error("example.org", "obMatJos2!!!!")), Challenge::Accepted);
}

}  // namespace
}  // namespace linnet::ice::turn
