#include "sim/network.hpp"

#include <gtest/gtest.h>

#include <array>

#include "base/bytes.hpp"
#include "sim/random.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;

IpAddress address(const char* text) { return *IpAddress::parse(text); }

class NetworkTest : public testing::Test {
 protected:
  // Sends one byte and lets a second pass; what the receiver sees, if it does.
  std::optional<Packet> reach(Host& from, const Endpoint& local, Host& to, const Endpoint& remote) {
    from.send(local, remote, std::array{std::byte{42}});
    network_.advance(network_.now() + 1s);
    Packet packet;
    if (!to.receive(packet)) return std::nullopt;
    EXPECT_EQ(packet.bytes, std::vector{std::byte{42}});
    return packet;
  }
  SeededGenerator random_{5};
  Network network_{random_};
};

TEST_F(NetworkTest, HostsOnTheInternetReachEachOther) {
  Host& a = network_.add_host("a", address("203.0.113.1"));
  Host& b = network_.add_host("b", address("203.0.113.2"));
  const auto at_a = a.bind({.address = address("203.0.113.1")});
  const auto at_b = b.bind({.address = address("203.0.113.2"), .port = 9});
  ASSERT_TRUE(at_a && at_b);
  const auto packet = reach(a, *at_a, b, *at_b);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->from, *at_a);
  EXPECT_EQ(packet->to, *at_b);
  EXPECT_EQ(packet->at, start + 20ms) << "up and down at 10 ms each";
}

TEST_F(NetworkTest, CarriesIpv6AndCongestionMarks) {
  Host& a = network_.add_host("a", address("2001:db8::1"));
  Host& b = network_.add_host("b", address("2001:db8::2"));
  const auto at_a = a.bind({.address = address("2001:db8::1")});
  const auto at_b = b.bind({.address = address("2001:db8::2")});
  a.send(*at_a, *at_b, std::array{std::byte{1}}, Ecn::Ect1);
  network_.advance(start + 1s);
  Packet packet;
  ASSERT_TRUE(b.receive(packet));
  EXPECT_EQ(packet.ecn, Ecn::Ect1);
}

TEST_F(NetworkTest, AHostBindsOnlyItsOwnAddressesAndFreePorts) {
  Host& a = network_.add_host("a", address("203.0.113.1"));
  EXPECT_FALSE(a.bind({.address = address("203.0.113.2")}));
  EXPECT_TRUE(a.bind({.address = address("203.0.113.1"), .port = 7}));
  EXPECT_FALSE(a.bind({.address = address("203.0.113.1"), .port = 7}));
  a.close({.address = address("203.0.113.1"), .port = 7});
  EXPECT_TRUE(a.bind({.address = address("203.0.113.1"), .port = 7}));
}

TEST_F(NetworkTest, CountsWhatReachesNobody) {
  Host& a = network_.add_host("a", address("203.0.113.1"));
  Host& b = network_.add_host("b", address("203.0.113.2"));
  const auto at_a = a.bind({.address = address("203.0.113.1")});
  EXPECT_FALSE(reach(a, *at_a, b, {.address = address("203.0.113.2"), .port = 9}));
  EXPECT_FALSE(reach(a, *at_a, b, {.address = address("203.0.113.3"), .port = 9}));
  EXPECT_EQ(network_.stats().unbound, 1u);
  EXPECT_EQ(network_.stats().unroutable, 1u);
}

TEST_F(NetworkTest, ANatTranslatesBothWaysAndFilters) {
  Nat& nat = network_.add_nat(address("198.51.100.1"));
  Host& inner = network_.add_host("inner", address("192.168.0.2"), &nat);
  Host& outer = network_.add_host("outer", address("203.0.113.2"));
  Host& stranger = network_.add_host("stranger", address("203.0.113.3"));
  const auto at_inner = inner.bind({.address = address("192.168.0.2")});
  const auto at_outer = outer.bind({.address = address("203.0.113.2")});
  const auto at_stranger = stranger.bind({.address = address("203.0.113.3")});

  const auto out = reach(inner, *at_inner, outer, *at_outer);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->from.address, address("198.51.100.1"));
  const auto back = reach(outer, *at_outer, inner, out->from);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to, *at_inner);
  EXPECT_EQ(back->from, *at_outer);
  EXPECT_FALSE(reach(stranger, *at_stranger, inner, out->from));
  EXPECT_EQ(network_.stats().filtered, 1u);

  nat.rebind();
  EXPECT_FALSE(reach(outer, *at_outer, inner, out->from));
  const auto again = reach(inner, *at_inner, outer, *at_outer);
  ASSERT_TRUE(again);
  EXPECT_NE(again->from, out->from);

  network_.rebind(nat, address("198.51.100.77"));
  const auto moved = reach(inner, *at_inner, outer, *at_outer);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->from.address, address("198.51.100.77"));
  EXPECT_TRUE(reach(outer, *at_outer, inner, moved->from));
}

TEST_F(NetworkTest, NeighboursBehindANatTalkDirectly) {
  Nat& nat = network_.add_nat(address("198.51.100.1"));
  Host& a = network_.add_host("a", address("192.168.0.2"), &nat);
  Host& b = network_.add_host("b", address("192.168.0.3"), &nat);
  const auto at_a = a.bind({.address = address("192.168.0.2")});
  const auto at_b = b.bind({.address = address("192.168.0.3")});
  const auto packet = reach(a, *at_a, b, *at_b);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->from, *at_a);
  EXPECT_EQ(nat.table().size(), 0u);
}

TEST_F(NetworkTest, PrivateAddressesAreUnreachableFromOutside) {
  Nat& nat = network_.add_nat(address("198.51.100.1"));
  Host& inner = network_.add_host("inner", address("192.168.0.2"), &nat);
  Host& outer = network_.add_host("outer", address("203.0.113.2"));
  const auto at_inner = inner.bind({.address = address("192.168.0.2")});
  const auto at_outer = outer.bind({.address = address("203.0.113.2")});
  EXPECT_FALSE(reach(outer, *at_outer, inner, *at_inner));
}

TEST_F(NetworkTest, HairpinsOnlyWhereTheNatDoes) {
  for (const bool hairpin : {true, false}) {
    SeededGenerator random{5};
    Network network{random};
    Nat& nat =
        network.add_nat(address("198.51.100.1"), {.filtering = NatBehavior::EndpointIndependent, .hairpin = hairpin});
    Host& a = network.add_host("a", address("192.168.0.2"), &nat);
    Host& b = network.add_host("b", address("192.168.0.3"), &nat);
    Host& server = network.add_host("server", address("203.0.113.2"));
    const auto at_a = a.bind({.address = address("192.168.0.2")});
    const auto at_b = b.bind({.address = address("192.168.0.3")});
    const auto at_server = server.bind({.address = address("203.0.113.2")});
    b.send(*at_b, *at_server, std::array{std::byte{1}});
    network.advance(start + 1s);
    Packet packet;
    ASSERT_TRUE(server.receive(packet));
    const Endpoint b_outside = packet.from;
    a.send(*at_a, b_outside, std::array{std::byte{2}});
    network.advance(start + 2s);
    ASSERT_EQ(b.receive(packet), hairpin);
    if (hairpin) {
      EXPECT_EQ(packet.from.address, address("198.51.100.1"));
      EXPECT_EQ(packet.to, *at_b);
    }
  }
}

TEST_F(NetworkTest, NatsNest) {
  Nat& carrier = network_.add_nat(address("198.51.100.1"));
  Nat& home = network_.add_nat(address("100.64.0.5"), {}, &carrier);
  Host& inner = network_.add_host("inner", address("192.168.0.2"), &home);
  Host& outer = network_.add_host("outer", address("203.0.113.2"));
  const auto at_inner = inner.bind({.address = address("192.168.0.2")});
  const auto at_outer = outer.bind({.address = address("203.0.113.2")});
  const auto out = reach(inner, *at_inner, outer, *at_outer);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->from.address, address("198.51.100.1"));
  EXPECT_TRUE(reach(outer, *at_outer, inner, out->from));
}

TEST_F(NetworkTest, AnInterfaceCanGoAwayWithItsSockets) {
  Host& a = network_.add_host("a").add_address(address("203.0.113.1")).add_address(address("2001:db8::1"));
  EXPECT_EQ(a.addresses().size(), 2u);
  ASSERT_TRUE(a.bind({.address = address("203.0.113.1"), .port = 1}));
  ASSERT_TRUE(a.bind({.address = address("2001:db8::1"), .port = 1}));
  a.remove_address(address("203.0.113.1"));
  EXPECT_EQ(a.sockets(), (std::vector{Endpoint{.address = address("2001:db8::1"), .port = 1}}));
}

TEST_F(NetworkTest, SendsEachSegmentOfABatch) {
  Host& a = network_.add_host("a", address("203.0.113.1"));
  Host& b = network_.add_host("b", address("203.0.113.2"));
  const Path path{.local = *a.bind({.address = address("203.0.113.1")}),
                  .remote = *b.bind({.address = address("203.0.113.2")})};
  DatagramBatch batch;
  for (const std::size_t size : {100u, 100u, 60u}) {
    (void)batch.begin(path, Ecn::NotEct);
    batch.commit(size);
  }
  a.send(batch);
  network_.advance(start + 1s);
  std::vector<std::size_t> sizes;
  for (Packet packet; b.receive(packet);) sizes.push_back(packet.bytes.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{100, 100, 60}));
}

TEST_F(NetworkTest, AStunServerTellsTheMappedAddress) {
  Nat& nat = network_.add_nat(address("198.51.100.1"), {.ports = PortAllocation::Sequential});
  Host& inner = network_.add_host("inner", address("192.168.0.2"), &nat);
  const Endpoint server{.address = address("203.0.113.2"), .port = 3'478};
  network_.add_stun_server(server);
  const auto local = inner.bind({.address = address("192.168.0.2"), .port = 5'000});
  std::array<std::byte, 20> request{};
  ByteWriter writer{request};
  writer.u16(1);
  writer.u16(0);
  writer.u32(0x2112'A442);
  for (std::uint8_t i = 0; i < 12; ++i) writer.u8(i);
  inner.send(*local, server, request);
  network_.advance(start + 1s);
  Packet packet;
  ASSERT_TRUE(inner.receive(packet));
  EXPECT_EQ(packet.from, server);
  ByteReader reader{packet.bytes};
  EXPECT_EQ(reader.u16(), 0x0101);
  EXPECT_EQ(reader.u16(), 12);
  EXPECT_EQ(reader.u32(), 0x2112'A442u);
  for (std::uint8_t i = 0; i < 12; ++i) EXPECT_EQ(reader.u8(), i);
  EXPECT_EQ(reader.u16(), 0x0020);
  EXPECT_EQ(reader.u16(), 8);
  EXPECT_EQ(reader.u16(), 0x0001);
  const auto mapped = nat.table().outbound(network_.now(), *local, server);
  EXPECT_EQ(reader.u16() ^ 0x2112, mapped->port);
  EXPECT_EQ(reader.u32() ^ 0x2112'A442u, 0xC633'6401u);
  EXPECT_TRUE(reader.ok());
}

TEST_F(NetworkTest, AStunServerIsSilentToEverythingElse) {
  Host& a = network_.add_host("a", address("203.0.113.1"));
  const Endpoint server{.address = address("203.0.113.2"), .port = 3'478};
  network_.add_stun_server(server);
  const auto local = a.bind({.address = address("203.0.113.1")});
  for (std::size_t size = 0; size < 40; ++size) {
    a.send(*local, server, std::vector<std::byte>(size, std::byte{0x42}));
  }
  network_.advance(start + 1s);
  Packet packet;
  EXPECT_FALSE(a.receive(packet));
}

}  // namespace
}  // namespace linnet::sim
