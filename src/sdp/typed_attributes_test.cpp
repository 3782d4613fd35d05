#include "sdp/typed_attributes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linnet::sdp {
namespace {

using testing::ElementsAre;

TEST(Fingerprint, IsReadInAnyCaseAndWrittenInOne) {
  const auto f = parse_fingerprint("SHA-256 ab:Cd:01");
  ASSERT_TRUE(f);
  EXPECT_EQ(to_string(*f), "sha-256 AB:CD:01");
}

TEST(Fingerprint, IsRefusedWhenMisshapen) {
  for (const char* bad : {"", "sha-256", "sha-256 ", "sha-256 A", "sha-256 AB:", "sha-256 AB:C", "sha-256 ABCD",
                          "sha-256 AG:00", "sha-256 AB CD", "sh:a AB"})
    EXPECT_FALSE(parse_fingerprint(bad)) << bad;
  std::string long_one = "sha-512 AB";
  for (int i = 0; i < 64; ++i) long_one += ":AB";
  EXPECT_FALSE(parse_fingerprint(long_one));
}

TEST(Setup, KnowsTheThreeRolesOfDtls) {
  for (const sdp::Setup setup : {sdp::Setup::Actpass, sdp::Setup::Active, sdp::Setup::Passive})
    EXPECT_EQ(parse_setup(to_string(setup)), setup);
  EXPECT_FALSE(parse_setup("holdconn"));
  EXPECT_FALSE(parse_setup("ACTIVE"));
}

TEST(CandidateLine, IsReadWithAndWithoutPrefix) {
  for (const char* prefix : {"", "candidate:", "a=candidate:"}) {
    const std::string text =
        std::string{prefix} + "842163049 1 udp 1677729535 203.0.113.9 50000 typ srflx raddr 192.0.2.1 rport 5";
    const auto c = parse_candidate(text);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->priority, 1677729535u);
    EXPECT_EQ(c->port, 50000);
    EXPECT_EQ(c->type, "srflx");
  }
}

TEST(CandidateLine, FindsExtensionsByName) {
  const std::string text = "candidate:1 1 udp 1 a.local 9 typ host  generation 0 ufrag abcd odd";
  const auto c = parse_candidate(text);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->extension("generation"), "0");
  EXPECT_EQ(c->extension("ufrag"), "abcd");
  EXPECT_EQ(c->extension("0"), std::nullopt);
  EXPECT_EQ(c->extension("odd"), std::nullopt);
}

TEST(CandidateLine, IsRefusedWhenMisshapen) {
  for (const char* bad :
       {"", "candidate:", "1 1 udp 1 192.0.2.1 9 typ", "1 1 udp 1 192.0.2.1 9 type host",
        "1 0 udp 1 192.0.2.1 9 typ host", "1 257 udp 1 192.0.2.1 9 typ host", "1 1 udp 4294967296 192.0.2.1 9 typ host",
        "1 1 udp x 192.0.2.1 9 typ host", "1 1 udp 1 192.0.2.1 65536 typ host",
        "1 1 udp 1 192.0.2.1 99999999999999999999 typ host", "1 1 u/dp 1 192.0.2.1 9 typ host",
        "1 1 udp 1 192.0.2.1 9 typ host\r\na=x", "123456789012345678901234567890123 1 udp 1 192.0.2.1 9 typ host"})
    EXPECT_FALSE(parse_candidate(bad)) << bad;
}

TEST(Group, IsReadAndWritten) {
  const auto g = parse_group("BUNDLE 0 audio  data");
  ASSERT_TRUE(g);
  EXPECT_THAT(g->mids, ElementsAre("0", "audio", "data"));
  EXPECT_EQ(to_string(*g), "BUNDLE 0 audio data");
  EXPECT_TRUE(parse_group("BUNDLE"));
  EXPECT_FALSE(parse_group(""));
  EXPECT_FALSE(parse_group("BUNDLE a:b"));
}

TEST(IceCredentials, HaveTheSizesOfTheRfc) {
  EXPECT_FALSE(is_ice_ufrag("abc"));
  EXPECT_TRUE(is_ice_ufrag("ab+/"));
  EXPECT_TRUE(is_ice_ufrag(std::string(256, 'a')));
  EXPECT_FALSE(is_ice_ufrag(std::string(257, 'a')));
  EXPECT_FALSE(is_ice_ufrag("ab:d"));
  EXPECT_FALSE(is_ice_password(std::string(21, 'a')));
  EXPECT_TRUE(is_ice_password(std::string(22, 'a')));
}

TEST(Number, IsDecimalDigitsThatFit) {
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615u);
  for (const char* bad : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1", "1e3"})
    EXPECT_FALSE(parse_number(bad)) << bad;
}

}  // namespace
}  // namespace linnet::sdp
