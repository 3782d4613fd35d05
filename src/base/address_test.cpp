#include "linnet/core/address.hpp"

#include <gtest/gtest.h>

namespace linnet {
namespace {

std::string round_trip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? to_string(*address) : "not an address";
}

TEST(IpAddress, ReadsAndWritesTheCanonicalText) {
  EXPECT_EQ(round_trip("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(round_trip("::"), "::");
  EXPECT_EQ(round_trip("::1"), "::1");
  EXPECT_EQ(round_trip("2001:0DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  EXPECT_EQ(round_trip("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  EXPECT_EQ(round_trip("fe80::"), "fe80::");
  EXPECT_EQ(round_trip("::ffff:192.0.2.1"), "::ffff:c000:201");
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
  for (const auto* text :
       {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d", ":", ":::", "1::2::3",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "::g", "1.2.3.4::", "::1%lo", "1:2:3:4:5:6:7:"}) {
    EXPECT_EQ(round_trip(text), "not an address") << text;
  }
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(IpAddress::parse("127.0.0.2")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("fe80::1")->is_link_local());
  EXPECT_TRUE(IpAddress::parse("169.254.1.1")->is_link_local());
  EXPECT_TRUE(IpAddress::parse("172.31.0.1")->is_private());
  EXPECT_FALSE(IpAddress::parse("172.32.0.1")->is_private());
  EXPECT_TRUE(IpAddress::parse("fd00::1")->is_private());
  EXPECT_TRUE(IpAddress::parse("224.0.0.251")->is_multicast());
  EXPECT_EQ(to_string(IpAddress::parse("::ffff:192.0.2.1")->unmapped()), "192.0.2.1");
}

TEST(Endpoint, BracketsIpv6) {
  EXPECT_EQ(to_string(Endpoint{*IpAddress::parse("2001:db8::1"), 3478}), "[2001:db8::1]:3478");
  EXPECT_EQ(to_string(Endpoint{*IpAddress::parse("192.0.2.1"), 80}), "192.0.2.1:80");
}

}  // namespace
}  // namespace linnet
