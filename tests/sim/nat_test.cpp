#include "sim/nat.hpp"

#include <gtest/gtest.h>

#include "sim/random.hpp"

namespace linnet::sim {
namespace {

using namespace std::chrono_literals;
using enum NatBehavior;

Endpoint endpoint(const char* address, std::uint16_t port) {
  return {.address = *IpAddress::parse(address), .port = port};
}

const IpAddress outside = *IpAddress::parse("198.51.100.1");
const Endpoint inside = endpoint("192.168.0.2", 5'000);
const Endpoint server = endpoint("203.0.113.1", 3'478);
const Endpoint same_address = endpoint("203.0.113.1", 3'479);
const Endpoint stranger = endpoint("203.0.113.9", 3'478);

class NatTest : public testing::Test {
 protected:
  NatTable make(NatOptions options) { return NatTable{options, outside, random_}; }
  SeededGenerator random_{3};
};

TEST_F(NatTest, EndpointIndependentMappingIsTheSameForAll) {
  NatTable nat = make({.mapping = EndpointIndependent});
  const auto mapped = nat.outbound(start, inside, server);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->address, outside);
  EXPECT_EQ(nat.outbound(start, inside, same_address), mapped);
  EXPECT_EQ(nat.outbound(start, inside, stranger), mapped);
}

TEST_F(NatTest, AddressDependentMappingDiffersByAddressOnly) {
  NatTable nat = make({.mapping = AddressDependent});
  const auto mapped = nat.outbound(start, inside, server);
  EXPECT_EQ(nat.outbound(start, inside, same_address), mapped);
  EXPECT_NE(nat.outbound(start, inside, stranger), mapped);
}

TEST_F(NatTest, AddressAndPortDependentMappingDiffersByBoth) {
  NatTable nat = make({.mapping = AddressAndPortDependent});
  const auto mapped = nat.outbound(start, inside, server);
  EXPECT_NE(nat.outbound(start, inside, same_address), mapped);
  EXPECT_NE(nat.outbound(start, inside, stranger), mapped);
  EXPECT_EQ(nat.outbound(start, inside, server), mapped);
}

TEST_F(NatTest, FiltersAsItIsTold) {
  struct Case {
    NatBehavior filtering;
    bool lets_same_address;
    bool lets_stranger;
  };
  for (const Case c : {Case{EndpointIndependent, true, true}, Case{AddressDependent, true, false},
                       Case{AddressAndPortDependent, false, false}}) {
    NatTable nat = make({.filtering = c.filtering});
    const auto mapped = nat.outbound(start, inside, server);
    ASSERT_TRUE(mapped);
    EXPECT_EQ(nat.inbound(start, *mapped, server), inside);
    EXPECT_EQ(nat.inbound(start, *mapped, same_address).has_value(), c.lets_same_address);
    EXPECT_EQ(nat.inbound(start, *mapped, stranger).has_value(), c.lets_stranger);
  }
}

TEST_F(NatTest, LetsNothingInWithoutAMapping) {
  NatTable nat = make({.filtering = EndpointIndependent});
  EXPECT_FALSE(nat.inbound(start, {.address = outside, .port = 5'000}, server));
}

TEST_F(NatTest, PreservesThePortWhenItIsFree) {
  NatTable nat = make({.ports = PortAllocation::Preserve});
  EXPECT_EQ(nat.outbound(start, inside, server)->port, inside.port);
  const auto second = nat.outbound(start, endpoint("192.168.0.3", inside.port), server);
  ASSERT_TRUE(second);
  EXPECT_NE(second->port, inside.port);
}

TEST_F(NatTest, CountsPortsUpWhenSequential) {
  NatTable nat = make({.mapping = AddressAndPortDependent, .ports = PortAllocation::Sequential});
  const auto first = nat.outbound(start, inside, server)->port;
  EXPECT_EQ(nat.outbound(start, inside, stranger)->port, first + 1);
}

TEST_F(NatTest, ForgetsAMappingAfterItsTimeout) {
  NatTable nat = make({.mapping_timeout = 30s});
  const auto mapped = nat.outbound(start, inside, server);
  EXPECT_TRUE(nat.inbound(start + 29s, *mapped, server));
  EXPECT_FALSE(nat.inbound(start + 30s, *mapped, server)) << "inbound traffic must not refresh";
  (void)nat.outbound(start + 40s, inside, server);
  (void)nat.outbound(start + 60s, inside, server);
  EXPECT_TRUE(nat.inbound(start + 80s, *mapped, server)) << "outbound traffic refreshes";
}

TEST_F(NatTest, InboundTrafficRefreshesWhenToldSo) {
  NatTable nat = make({.mapping_timeout = 30s, .inbound_refreshes = true});
  const auto mapped = nat.outbound(start, inside, server);
  EXPECT_TRUE(nat.inbound(start + 20s, *mapped, server));
  EXPECT_TRUE(nat.inbound(start + 45s, *mapped, server));
}

TEST_F(NatTest, RebindGivesAnotherPortAndForgetsTheOld) {
  for (const auto ports : {PortAllocation::Preserve, PortAllocation::Sequential, PortAllocation::Random}) {
    NatTable nat = make({.filtering = EndpointIndependent, .ports = ports});
    const auto before = nat.outbound(start, inside, server);
    nat.rebind();
    EXPECT_FALSE(nat.inbound(start, *before, server));
    const auto after = nat.outbound(start, inside, server);
    EXPECT_NE(after, before);
    EXPECT_EQ(nat.inbound(start, *after, server), inside);
  }
}

TEST_F(NatTest, IsBounded) {
  NatTable nat = make({.max_mappings = 10});
  for (std::uint16_t i = 0; i < 20; ++i) (void)nat.outbound(start, endpoint("192.168.0.2", 2'000 + i), server);
  EXPECT_EQ(nat.size(), 10u);
}

}  // namespace
}  // namespace linnet::sim
