#include "io/interfaces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace linnet::io {
namespace {

using ::testing::ElementsAre;

InterfaceAddress on(std::uint32_t index, const char* address) {
  InterfaceAddress a;
  a.index = index;
  a.address = *IpAddress::parse(address);
  a.loopback = a.address.is_loopback();
  return a;
}
std::vector<std::string> chosen(const std::vector<InterfaceAddress>& all, const HostAddressPolicy& policy = {}) {
  std::vector<std::string> out;
  for (const auto& a : host_addresses(all, policy)) out.push_back(to_string(a.address));
  return out;
}

TEST(HostAddresses, LeaveLoopbackOutUnlessItIsAllThereIsOrWanted) {
  EXPECT_THAT(chosen({on(1, "127.0.0.1"), on(2, "192.0.2.1")}), ElementsAre("192.0.2.1"));
  EXPECT_THAT(chosen({on(1, "127.0.0.1"), on(1, "::1")}), ElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(chosen({on(1, "127.0.0.1"), on(2, "192.0.2.1")}, {.loopback = true}),
              ElementsAre("127.0.0.1", "192.0.2.1"));
}

TEST(HostAddresses, TakeLoopbackAloneWhereThatIsAllThatIsWanted) {
  EXPECT_THAT(
      chosen({on(1, "127.0.0.1"), on(1, "::1"), on(2, "192.0.2.1"), on(2, "2001:db8::1")}, {.loopback_only = true}),
      ElementsAre("127.0.0.1", "::1"));
}

TEST(HostAddresses, TakeLinkLocalOnlyWhereAnInterfaceHasNothingBetter) {
  EXPECT_THAT(chosen({on(2, "fe80::1"), on(2, "2001:db8::1"), on(3, "fe80::2")}),
              ElementsAre("2001:db8::1", "fe80::2"));
}

TEST(HostAddresses, KeepLoopbackWhenThereIsOnlyLinkLocalBesides) {
  EXPECT_THAT(chosen({on(1, "127.0.0.1"), on(2, "fe80::1")}), ElementsAre("127.0.0.1", "fe80::1"));
}

TEST(HostAddresses, LeaveForbiddenFormsOut) {
  auto deprecated = on(2, "2001:db8::2");
  deprecated.deprecated = true;
  EXPECT_THAT(
      chosen({on(2, "fec0::1"), on(2, "::ffff:192.0.2.1"), on(2, "::192.0.2.1"), on(2, "192.0.2.7"), deprecated}),
      ElementsAre("192.0.2.7"));
}

TEST(HostAddresses, LeaveAFamilyOut) {
  EXPECT_THAT(chosen({on(2, "192.0.2.1"), on(2, "2001:db8::1")}, {.ipv4 = false}), ElementsAre("2001:db8::1"));
  EXPECT_THAT(chosen({on(2, "192.0.2.1"), on(2, "2001:db8::1")}, {.ipv6 = false}), ElementsAre("192.0.2.1"));
}

TEST(Interfaces, AlwaysYieldSomethingToBindTo) { EXPECT_FALSE(host_addresses(interfaces(), {}).empty()); }

}  // namespace
}  // namespace linnet::io
