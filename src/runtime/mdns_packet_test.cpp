#include "runtime/mdns_packet.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mdns/resolver.hpp"

namespace linnet::runtime {
namespace {

IpAddress at(const char* text) { return IpAddress::parse(text).value(); }

std::vector<io::InterfaceAddress> machine() {
  const auto one = [](std::uint32_t index, const char* address, std::uint8_t length) {
    io::InterfaceAddress a;
    a.index = index;
    a.address = at(address);
    a.loopback = a.address.is_loopback();
    a.prefix_length = length;
    return a;
  };
  return {one(1, "127.0.0.1", 8), one(2, "192.168.7.4", 24), one(2, "2001:db8::4", 64), one(3, "10.8.0.2", 32)};
}

std::optional<MdnsPacket> judged(std::uint32_t interface, const char* from, const char* to) {
  const IpAddress destination = at(to);
  const Endpoint group = destination.is_v4() ? mdns::group_v4() : mdns::group_v6();
  return MdnsPacket::judge({.bytes = {}, .from = {at(from), mdns::port}, .to = destination, .interface = interface},
                           group.address, machine());
}

TEST(MdnsPacket, IsTakenFromTheGroupWhoeverSentIt) {
  for (const char* const from : {"192.168.7.9", "203.0.113.9"}) {
    const auto packet = judged(2, from, "224.0.0.251");
    ASSERT_TRUE(packet) << from;
    EXPECT_EQ(packet->link, 2U);
    EXPECT_EQ(packet->on_link, std::string{from} == "192.168.7.9");
  }
  EXPECT_TRUE(judged(2, "fe80::9", "ff02::fb")->on_link);
}

TEST(MdnsPacket, ThatWasSentToThisMachineAloneIsTakenFromItsOwnLinkOnly) {
  EXPECT_TRUE(judged(2, "192.168.7.9", "192.168.7.4"));
  EXPECT_TRUE(judged(2, "2001:db8::9", "2001:db8::4"));
  EXPECT_TRUE(judged(2, "fe80::9", "2001:db8::4"));
  for (const char* const from : {"203.0.113.9", "192.168.8.9", "10.8.0.2"})
    EXPECT_FALSE(judged(2, from, "192.168.7.4")) << from;
  EXPECT_FALSE(judged(2, "2001:db8:1::9", "2001:db8::4"));
  EXPECT_FALSE(judged(3, "10.8.0.9", "10.8.0.2"));
  EXPECT_FALSE(judged(3, "fe80::9", "10.8.0.2")) << "a link without IPv6";
  EXPECT_FALSE(judged(0, "192.168.7.9", "192.168.7.4")) << "an unknown link";
}

TEST(MdnsPacket, ThatThisMachineSendsToItselfIsOfTheLinkThatItIsSentTo) {
  const auto packet = judged(1, "192.168.7.4", "192.168.7.4");
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->link, 2U);
  EXPECT_TRUE(packet->on_link);
  EXPECT_EQ(judged(1, "127.0.0.1", "127.0.0.1")->link, 1U);
}

}  // namespace
}  // namespace linnet::runtime
