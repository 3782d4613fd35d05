#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "crypto/aead.hpp"
#include "crypto/certificate.hpp"
#include "crypto/constant_time.hpp"
#include "crypto/handshake_context.hpp"
#include "crypto/hash.hpp"
#include "crypto/hmac.hpp"
#include "crypto/system_generator.hpp"

namespace linnet::crypto {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view hex) {
  Bytes out;
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return out;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (const std::byte b : bytes) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

TEST(Hash, GivesTheKnownValues) {  // FIPS 180-4 and RFC 1321 examples
  const auto abc = as_bytes("abc");
  EXPECT_EQ(hex(hash(Hash::Md5, abc).bytes()), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(hex(hash(Hash::Sha1, abc).bytes()), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(hash(Hash::Sha256, abc).bytes()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(hash(Hash::Sha384, abc).bytes()),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(hash(Hash::Sha512, abc).size(), 64U);
}

TEST(Sha256, TakesPiecesAndStartsAnew) {
  Sha256 sha;
  for (int i = 0; i < 2; ++i) {
    sha.update(as_bytes("a"));
    sha.update({});
    sha.update(as_bytes("bc"));
    EXPECT_EQ(hex(sha.finish()), hex(hash(Hash::Sha256, as_bytes("abc")).bytes()));
  }
}

TEST(Hmac, GivesTheValuesOfRfc2202) {
  EXPECT_EQ(hex(hmac_sha1(Bytes(20, std::byte{0x0b}), as_bytes("Hi There"))),
            "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(hex(hmac_sha1(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex(hmac_sha1(Bytes(20, std::byte{0xaa}), Bytes(50, std::byte{0xdd}))),
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
  EXPECT_EQ(hex(hmac_sha1(Bytes(80, std::byte{0xaa}),
                          as_bytes("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"))),
            "e8e99d0f45237d786d6bbaa7965c7808bbff1a91");
}

TEST(Hmac, GivesTheValuesOfRfc4231) {
  EXPECT_EQ(hex(hmac_sha256(Bytes(20, std::byte{0x0b}), as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      hex(hmac_sha256(Bytes(131, std::byte{0xaa}), as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, TakesAnyNumberOfParts) {
  const std::string text = "what do ya want for nothing?";
  std::vector<std::span<const std::byte>> parts;
  for (const char& c : text) parts.push_back(std::as_bytes(std::span{&c, 1}));
  EXPECT_EQ(hmac_sha1(as_bytes("Jefe"), parts), hmac_sha1(as_bytes("Jefe"), as_bytes(text)));
}

TEST(ConstantTime, ComparesBytesAndSizes) {
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
}

TEST(SystemGenerator, FillsWithChangingBytes) {
  SystemGenerator random;
  Bytes a(100'000), b(100'000);
  random.fill(a);
  random.fill(b);
  EXPECT_NE(a, b);
  EXPECT_NE(Bytes(a.end() - 64, a.end()), Bytes(64));
}

TEST(SystemGenerator, GivesNoByteTwice) {
  SystemGenerator random;
  std::set<std::array<std::byte, 8>> seen;
  for (int i = 0; i < 1'000; ++i) {
    std::array<std::byte, 8> piece{};
    random.fill(piece);
    seen.insert(piece);
    // Other sizes between, which use up the supply unevenly.
    std::vector<std::byte> other(static_cast<std::size_t>(i) % 150);
    random.fill(other);
    if (other.size() >= 8)
      seen.insert({other[0], other[1], other[2], other[3], other[4], other[5], other[6], other[7]});
  }
  EXPECT_EQ(seen.size(), 1'000U + 1'000U - 7U * 8U);
}

TEST(Aead, GivesTheValuesOfRfc8439) {  // section 2.8.2
  const auto words = as_bytes(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.");
  Bytes text(words.begin(), words.end());
  Bytes key(32);
  for (std::size_t i = 0; i < 32; ++i) key[i] = static_cast<std::byte>(0x80 + i);
  const Bytes nonce = from_hex("070000004041424344454647");
  const Bytes additional = from_hex("50515253c0c1c2c3c4c5c6c7");
  const Bytes plain = text;
  Aead seal{{}, AeadAlgorithm::ChaCha20Poly1305, Aead::Direction::Seal, key};
  Aead open{{}, AeadAlgorithm::ChaCha20Poly1305, Aead::Direction::Open, key};
  std::array<std::byte, 16> tag{};
  ASSERT_TRUE(seal.seal(std::span{nonce}.first<12>(), additional, text, tag));
  EXPECT_EQ(hex(std::span{text}.first(16)), "d31a8d34648e60db7b86afbc53ef7ec2");
  EXPECT_EQ(hex(tag), "1ae10b594f09e26a7e902ecbd0600691");
  ASSERT_TRUE(open.open(std::span{nonce}.first<12>(), additional, text, tag));
  EXPECT_EQ(text, plain);
}

TEST(Aead, RefusesEachChangedBit) {
  for (const auto algorithm : {AeadAlgorithm::Aes128Gcm, AeadAlgorithm::Aes256Gcm, AeadAlgorithm::ChaCha20Poly1305}) {
    const Bytes key(key_size(algorithm), std::byte{1});
    Aead seal{{}, algorithm, Aead::Direction::Seal, key};
    Aead open{{}, algorithm, Aead::Direction::Open, key};
    const std::array<std::byte, 12> nonce{};
    std::array<std::byte, 13> additional{};
    Bytes text(5);
    std::array<std::byte, 16> tag{};
    ASSERT_TRUE(seal.seal(nonce, additional, text, tag));
    for (std::size_t bit = 0; bit < 16 * 8; ++bit) {
      auto copy = text;
      auto bad = tag;
      bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_FALSE(open.open(nonce, additional, copy, bad));
    }
    auto copy = text;
    copy[2] ^= std::byte{1};
    EXPECT_FALSE(open.open(nonce, additional, copy, tag));
    additional[0] = std::byte{1};
    copy = text;
    EXPECT_FALSE(open.open(nonce, additional, copy, tag));
    additional[0] = {};
    EXPECT_TRUE(open.open(nonce, additional, text, tag));
    EXPECT_EQ(text, Bytes(5));
  }
}

constexpr std::chrono::sys_seconds now{std::chrono::seconds{1'790'000'000}};

TEST(Certificate, IsNewEachTimeAndValidFor30Days) {
  SystemGenerator random;
  const auto a = Certificate::generate({}, random, now);
  const auto b = Certificate::generate({}, random, now);
  ASSERT_TRUE(a && b);
  EXPECT_NE(*a, *b);
  EXPECT_EQ(a->expires(), now + std::chrono::hours{24 * 30});
  EXPECT_EQ(a->fingerprint().value.size(), 32U);
  EXPECT_EQ(a->fingerprint().algorithm, "sha-256");
}

TEST(Certificate, GoesThroughPemAndBack) {
  SystemGenerator random;
  const auto a = Certificate::generate({}, random, now).value();
  const auto b = Certificate::from_pem({}, a.pem(), a.private_key_pem());
  ASSERT_TRUE(b);
  EXPECT_EQ(a, *b);
  EXPECT_EQ(a.fingerprint(Hash::Sha512), b->fingerprint(Hash::Sha512));
  EXPECT_EQ(a.expires(), b->expires());
}

// As others read it: nothing of the key that signed it but what is in the bytes.
TEST(Certificate, IsSignedByItsOwnKeyOnTheNamedCurve) {
  SystemGenerator random;
  SeededGenerator seed{3};
  for (const auto& context : {LibraryContext::system(), LibraryContext::seeded(seed)}) {
    const auto certificate = Certificate::generate(context, random, now).value();
    const auto* der = reinterpret_cast<const unsigned char*>(certificate.der().data());
    X509* x509 = d2i_X509(nullptr, &der, static_cast<long>(certificate.der().size()));
    ASSERT_NE(x509, nullptr);
    EVP_PKEY* key = X509_get0_pubkey(x509);
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(X509_verify(x509, key), 1);
    EXPECT_EQ(X509_get_version(x509), X509_VERSION_3);
    EXPECT_EQ(EVP_PKEY_is_a(key, "EC"), 1);
    char group[32]{};
    EXPECT_EQ(EVP_PKEY_get_group_name(key, group, sizeof group, nullptr), 1);
    EXPECT_STREQ(group, "prime256v1");
    char encoding[32]{};
    EXPECT_EQ(EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof encoding, nullptr), 1);
    EXPECT_STREQ(encoding, OSSL_PKEY_EC_ENCODING_GROUP);
    X509_free(x509);
  }
}

TEST(Certificate, RefusesWhatIsNotAPair) {
  SystemGenerator random;
  const auto a = Certificate::generate({}, random, now).value();
  const auto b = Certificate::generate({}, random, now).value();
  EXPECT_EQ(Certificate::from_pem({}, a.pem(), b.private_key_pem()).error().name, ErrorName::InvalidAccessError);
  EXPECT_EQ(Certificate::from_pem({}, "", a.private_key_pem()).error().name, ErrorName::SyntaxError);
  EXPECT_EQ(Certificate::from_pem({}, a.pem(), "-----BEGIN PRIVATE KEY-----\nAAAA\n").error().name,
            ErrorName::SyntaxError);
  EXPECT_EQ(Certificate::from_pem({}, a.private_key_pem(), a.pem()).error().name, ErrorName::SyntaxError);
}

TEST(LibraryContext, RepeatsItselfWithTheSameSeed) {
  std::vector<Bytes> ders;
  std::vector<std::string> keys;
  for (const std::uint64_t seed : {7U, 7U, 8U}) {
    SeededGenerator random{seed};
    const auto context = LibraryContext::seeded(random);
    const auto certificate = Certificate::generate(context, random, now).value();
    ders.emplace_back(certificate.der().begin(), certificate.der().end());
    keys.push_back(certificate.private_key_pem());
  }
  EXPECT_EQ(ders[0], ders[1]);  // the ECDSA nonce, too
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_NE(ders[0], ders[2]);
}

// What a peer may show and a handshake may use, RFC 8827 section 6.5; reading any other key takes time from all.
TEST(HandshakeContext, HasTheKeysOfCertificatesAndNoOthers) {
  OSSL_LIB_CTX* const context = handshake_context();
  ASSERT_NE(context, nullptr);
  for (const char* const kind : {"EC", "RSA", "RSA-PSS", "ED25519", "ED448", "X25519"}) {
    EVP_KEYMGMT* const found = EVP_KEYMGMT_fetch(context, kind, nullptr);
    EXPECT_NE(found, nullptr) << kind;
    EVP_KEYMGMT_free(found);
  }
  for (const char* const kind : {"DH", "DSA", "SM2"}) EXPECT_EQ(EVP_KEYMGMT_fetch(context, kind, nullptr), nullptr);
  ERR_clear_error();
}

TEST(HandshakeContext, ReadsTheKeyOfACertificate) {
  SystemGenerator random;
  const auto made = Certificate::generate(LibraryContext::system(), random, now).value();
  X509* x509 = X509_new_ex(handshake_context(), nullptr);
  const auto* bytes = reinterpret_cast<const unsigned char*>(made.der().data());
  ASSERT_NE(d2i_X509(&x509, &bytes, static_cast<long>(made.der().size())), nullptr);
  EVP_PKEY* const key = X509_get0_pubkey(x509);
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(X509_verify(x509, key), 1);
  X509_free(x509);
}

TEST(Fingerprint, ReadsAndWritesItsTextForm) {
  const auto f = Fingerprint::parse("SHA-256 aB:01:ff");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->algorithm, "sha-256");
  EXPECT_EQ(to_string(*f), "sha-256 AB:01:FF");
  for (const char* bad : {"", "sha-256", "sha-256 ", "sha-256 A", "sha-256 AB:", "sha-256 AB-CD", "sha-256 AB:C", " AB",
                          "sha 256 AB", "sha-256 GG", "sha-256  AB", "sha-256 AB:CD "}) {
    EXPECT_FALSE(Fingerprint::parse(bad)) << bad;
  }
}

TEST(Fingerprint, IsMatchedByTheStrongestKnownHash) {
  const auto der = as_bytes("certificate");
  const auto of = [&](Hash h) {
    const auto d = hash(h, der);
    return Fingerprint{std::string{textual_name(h)}, {d.bytes().begin(), d.bytes().end()}};
  };
  auto wrong = of(Hash::Sha512);
  wrong.value[0] ^= std::byte{1};
  EXPECT_TRUE(matches(std::vector{of(Hash::Sha256)}, der));
  EXPECT_TRUE(matches(std::vector{of(Hash::Sha384), Fingerprint{"sha-999", {}}}, der));
  EXPECT_TRUE(matches(std::vector{wrong, of(Hash::Sha512)}, der));
  EXPECT_FALSE(matches(std::vector{of(Hash::Sha256), wrong}, der));
  EXPECT_FALSE(matches(std::vector{of(Hash::Sha1)}, der));
  EXPECT_FALSE(matches(std::vector<Fingerprint>{}, der));
  EXPECT_FALSE(matches(std::vector{of(Hash::Sha256)}, {}));
}

}  // namespace
}  // namespace linnet::crypto
