#include "io/interfaces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>

#include "io/socket_address.hpp"

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

TEST(HostAddresses, LeaveOutWhatHasNoLink) {
  auto unplugged = on(2, "192.0.2.1");
  unplugged.running = false;
  EXPECT_THAT(chosen({on(1, "127.0.0.1"), unplugged}), ElementsAre("127.0.0.1"));
}

bool lost(const char* address, const std::vector<InterfaceAddress>& all) {
  return is_lost(*IpAddress::parse(address), all, host_addresses(all, {}));
}

TEST(IsLost, SaysSoOfAnAddressThatWentAway) {
  EXPECT_FALSE(lost("192.0.2.1", {on(2, "192.0.2.1"), on(3, "198.51.100.1")}));
  EXPECT_TRUE(lost("192.0.2.1", {on(3, "198.51.100.1")}));
  EXPECT_TRUE(lost("192.0.2.1", {}));
}

TEST(IsLost, TakesNoNoticeOfWhatNewSocketsWouldBeOn) {
  EXPECT_FALSE(lost("127.0.0.1", {on(1, "127.0.0.1"), on(2, "192.0.2.1")})) << "a network came";
  EXPECT_FALSE(lost("fe80::1", {on(2, "fe80::1"), on(2, "2001:db8::1")})) << "a better address came";
  auto old = on(2, "2001:db8::1");
  old.deprecated = true;
  EXPECT_FALSE(lost("2001:db8::1", {old, on(2, "2001:db8::2")})) << "a temporary address grew old";
}

TEST(IsLost, WaitsForALinkUnlessThereIsAnotherNetwork) {
  auto unplugged = on(2, "192.0.2.1");
  unplugged.running = false;
  EXPECT_FALSE(lost("192.0.2.1", {on(1, "127.0.0.1"), unplugged}));
  EXPECT_FALSE(lost("192.0.2.1", {on(1, "127.0.0.1"), unplugged, on(4, "fe80::1")}));
  EXPECT_TRUE(lost("192.0.2.1", {on(1, "127.0.0.1"), unplugged, on(3, "198.51.100.1")}));
}

TEST(Matches, TakesAStarForAnyTextAndTheRestForItself) {
  for (const auto& [pattern, name] : std::vector<std::pair<std::string_view, std::string_view>>{{"eth0", "eth0"},
                                                                                                {"docker*", "docker0"},
                                                                                                {"docker*", "docker"},
                                                                                                {"*", "lo"},
                                                                                                {"*", ""},
                                                                                                {"", ""},
                                                                                                {"*tun*", "my-tun-7"},
                                                                                                {"v*h*1", "veth11"},
                                                                                                {"a*a*a", "aaaa"},
                                                                                                {"**", "x"}}) {
    EXPECT_TRUE(matches(pattern, name)) << pattern << ' ' << name;
  }
  for (const auto& [pattern, name] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"eth0", "eth01"},
                                                                  {"eth0", "ETH0"},
                                                                  {"eth", "eth0"},
                                                                  {"docker*", "br-docker0"},
                                                                  {"", "lo"},
                                                                  {"*tun", "tun0"},
                                                                  {"v*h*1", "veth2"},
                                                                  {"a*a*a", "aa"},
                                                                  {"eth?", "eth0"}}) {
    EXPECT_FALSE(matches(pattern, name)) << pattern << ' ' << name;
  }
}

std::vector<InterfaceAddress> machine() {
  const auto named = [](InterfaceAddress a, const char* name) {
    a.name = name;
    return a;
  };
  return {named(on(1, "127.0.0.1"), "lo"), named(on(2, "192.0.2.1"), "eth0"), named(on(2, "2001:db8::1"), "eth0"),
          named(on(3, "172.17.0.1"), "docker0"), named(on(4, "10.8.0.2"), "tun0")};
}

TEST(HostAddresses, LeaveOutInterfacesThatAreDeniedOrNotAllowed) {
  EXPECT_THAT(chosen(machine(), {.deny_interfaces = {"docker*", "tun*"}}), ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_THAT(chosen(machine(), {.allow_interfaces = {"tun0"}}), ElementsAre("10.8.0.2"));
  EXPECT_THAT(chosen(machine(), {.allow_interfaces = {"*"}, .deny_interfaces = {"eth0", "docker0"}}),
              ElementsAre("10.8.0.2"));
}

TEST(HostAddresses, LeaveOutAddressesThatAreDeniedOrNotAllowed) {
  const IpPrefix ten{IpAddress::v4({10, 0, 0, 0}), 8};
  const IpPrefix docker{IpAddress::v4({172, 16, 0, 0}), 12};
  EXPECT_THAT(chosen(machine(), {.deny_addresses = {ten, docker}}), ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_THAT(chosen(machine(), {.allow_addresses = {ten, docker}}), ElementsAre("172.17.0.1", "10.8.0.2"));
  EXPECT_THAT(chosen(machine(), {.allow_addresses = {ten, docker}, .deny_addresses = {ten}}),
              ElementsAre("172.17.0.1"));
}

TEST(HostAddresses, LetLoopbackInOnlyWhereThePolicyDoes) {
  EXPECT_THAT(chosen(machine(), {.allow_interfaces = {"nothing"}}), ElementsAre());
  EXPECT_THAT(chosen(machine(), {.allow_interfaces = {"lo"}}), ElementsAre("127.0.0.1"));
}

std::string row(const std::string& name, const IpAddress& address, std::uint32_t index, unsigned flags) {
  std::string out = name + ' ' + to_string(address) + ' ' + std::to_string(index);
  if ((flags & IFF_LOOPBACK) != 0) out += " loopback";
  if ((flags & IFF_RUNNING) != 0) out += " running";
  if ((flags & IFF_MULTICAST) != 0) out += " multicast";
  if ((flags & IFF_POINTOPOINT) != 0) out += " point-to-point";
  return out;
}

std::vector<std::string> rows_of_getifaddrs() {
  ifaddrs* head = nullptr;
  if (::getifaddrs(&head) != 0) return {};
  std::vector<std::string> out;
  for (const ifaddrs* it = head; it != nullptr; it = it->ifa_next) {
    const auto found = from_system(it->ifa_addr);
    if (found && (it->ifa_flags & IFF_UP) != 0)
      out.push_back(row(it->ifa_name, found->address, ::if_nametoindex(it->ifa_name), it->ifa_flags));
  }
  ::freeifaddrs(head);
  return out;
}

std::vector<std::string> rows_of_ours() {
  std::vector<std::string> out;
  for (const auto& a : interfaces()) {
    const auto flag = [](bool is, unsigned value) { return is ? value : 0U; };
    out.push_back(row(a.name, a.address, a.index,
                      flag(a.loopback, IFF_LOOPBACK) | flag(a.running, IFF_RUNNING) | flag(a.multicast, IFF_MULTICAST) |
                          flag(a.point_to_point, IFF_POINTOPOINT)));
  }
  return out;
}

TEST(Interfaces, AreThoseOfGetifaddrs) {
  std::vector<std::string> expected;
  std::vector<std::string> found;
  // Other programs may change the machine's addresses meanwhile.
  for (int attempt = 0; attempt < 20; ++attempt) {
    expected = rows_of_getifaddrs();
    found = rows_of_ours();
    if (found == expected) break;
  }
  EXPECT_FALSE(found.empty());
  EXPECT_EQ(found, expected);
}

TEST(Interfaces, AlwaysYieldSomethingToBindTo) { EXPECT_FALSE(host_addresses(interfaces(), {}).empty()); }

TEST(IsOnLink, HoldsForAddressesThatBeginAsAnInterfacesOwn) {
  auto lan = on(2, "192.168.7.4");
  lan.prefix_length = 24;
  auto second = on(2, "2001:db8:7::4");
  second.prefix_length = 64;
  auto unknown = on(4, "10.9.0.1");
  const std::vector all{on(1, "127.0.0.1"), lan, second, on(3, "10.8.0.2"), unknown};
  const auto holds = [&](const char* source, std::uint32_t interface) {
    return is_on_link(*IpAddress::parse(source), interface, all);
  };
  EXPECT_TRUE(holds("192.168.7.250", 2));
  EXPECT_TRUE(holds("2001:db8:7::9", 2));
  EXPECT_TRUE(holds("fe80::9", 2));
  EXPECT_FALSE(holds("fe80::9", 4)) << "it has no IPv6";
  EXPECT_FALSE(holds("192.168.8.1", 2));
  EXPECT_FALSE(holds("2001:db8:8::9", 2));
  EXPECT_FALSE(holds("192.168.7.250", 3));
  EXPECT_FALSE(holds("10.9.0.2", 4)) << "an unknown prefix";
  EXPECT_FALSE(holds("192.168.7.250", 9));
  EXPECT_TRUE(holds("192.168.7.4", 1)) << "from this machine";
}

TEST(Interfaces, TellThePrefixOfLoopback) {
  const auto all = interfaces();
  const auto lo = std::ranges::find(all, *IpAddress::parse("127.0.0.1"), &InterfaceAddress::address);
  if (lo == all.end()) GTEST_SKIP() << "no loopback of IPv4";
  EXPECT_EQ(lo->prefix_length, 8);
}

}  // namespace
}  // namespace linnet::io
