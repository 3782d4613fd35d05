#include "base/ip_prefix.hpp"

#include <gtest/gtest.h>

namespace linnet {
namespace {

bool contains(std::string_view prefix, std::string_view address) {
  const auto parsed = IpPrefix::parse(prefix);
  EXPECT_TRUE(parsed) << prefix;
  return parsed && parsed->contains(IpAddress::parse(address).value());
}

TEST(IpPrefix, HoldsTheAddressesWithItsFirstBitsAndNoOthers) {
  EXPECT_TRUE(contains("192.0.2.0/24", "192.0.2.255"));
  EXPECT_FALSE(contains("192.0.2.0/24", "192.0.3.0"));
  EXPECT_TRUE(contains("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(contains("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(IpPrefix, OfAnAddressAloneHoldsThatAddress) {
  EXPECT_TRUE(contains("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(contains("192.0.2.1", "192.0.2.0"));
  EXPECT_TRUE(contains("2001:db8::1", "2001:db8::1"));
  EXPECT_FALSE(contains("2001:db8::1", "2001:db8::2"));
}

TEST(IpPrefix, OfNoBitsHoldsItsWholeFamilyAlone) {
  EXPECT_TRUE(contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
  EXPECT_TRUE(contains("::/0", "ffff::1"));
  EXPECT_FALSE(contains("::/0", "192.0.2.1"));
}

TEST(NetworkOf, CountsAllAddressesOfAnIpv6NetworkAsOne) {
  const auto of = [](const char* text) { return network_of(IpAddress::parse(text).value()); };
  EXPECT_EQ(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
  EXPECT_NE(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
  EXPECT_NE(of("192.0.2.1"), of("192.0.2.2"));
}

TEST(IpPrefix, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0/8", "::/129", "eth0",
        "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.0/4294967304", "fe80::1%eth0/10"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

}  // namespace
}  // namespace linnet
