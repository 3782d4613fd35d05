#include "turn_server/peer_policy.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace linnet::turn_server {
namespace {

bool allows(const PeerOptions& options, std::string_view address) {
  return PeerPolicy{options}.allows(*IpAddress::parse(address));
}

TEST(PeerPolicy, LetsAClientReachPublicAddresses) {
  for (const auto* address : {"8.8.8.8", "203.0.113.7", "172.32.0.1", "100.128.0.1", "2001:db8::1", "2a00:1450::1"})
    EXPECT_TRUE(allows({}, address)) << address;
}

TEST(PeerPolicy, DeniesTheServersOwnNetworkUnlessAllowed) {
  for (const auto* address : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
                              "169.254.169.254", "198.18.0.1", "192.0.0.8", "fd00::1", "fe80::1", "fec0::1"}) {
    EXPECT_FALSE(allows({}, address)) << address;
    EXPECT_FALSE(allows({.allow_loopback = true}, address)) << address;
    EXPECT_TRUE(allows({.allow_private = true}, address)) << address;
  }
}

TEST(PeerPolicy, DeniesLoopbackUnlessAllowedApart) {
  for (const auto* address : {"127.0.0.1", "127.255.255.255", "::1"}) {
    EXPECT_FALSE(allows({}, address)) << address;
    EXPECT_FALSE(allows({.allow_private = true}, address)) << address;
    EXPECT_TRUE(allows({.allow_loopback = true}, address)) << address;
  }
}

TEST(PeerPolicy, TakesTheServersOwnAddressesForPrivateOnes) {
  const std::vector<IpAddress> own{*IpAddress::parse("203.0.113.5"), *IpAddress::parse("2001:db8::5"),
                                   *IpAddress::parse("127.0.0.1")};
  for (const auto* address : {"203.0.113.5", "2001:db8::5"}) {
    EXPECT_FALSE(allows({.allow_loopback = true, .own = own}, address)) << address;
    EXPECT_TRUE(allows({.allow_private = true, .own = own}, address)) << address;
  }
  EXPECT_TRUE(allows({.own = own}, "203.0.113.6"));
  EXPECT_TRUE(allows({.allow_loopback = true, .own = own}, "127.0.0.1"));
}

TEST(PeerPolicy, NeverAllowsWhatNamesNoHostOrHidesAnIpv4Address) {
  for (const auto* address :
       {"0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:0:10.0.0.1", "2001:db8::5efe:a00:1", "2001:db8::200:5efe:a00:1", "::ffff:8.8.8.8",
        "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:1::1"})
    EXPECT_FALSE(allows({.allow_private = true, .allow_loopback = true}, address)) << address;
}

}  // namespace
}  // namespace linnet::turn_server
