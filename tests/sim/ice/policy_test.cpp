#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"

// What the owner of an agent allows, prefers and shows of its machine.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
const IpAddress inside = v4(10, 0, 0, 2);
const IpAddress outside = v4(203, 0, 113, 2);

/// A client behind a NAT that only answers get through, and a server whose cloud has a 1:1 NAT before it.
struct Cloud {
  explicit Cloud(Options server)
      : client_nat(network.add_nat(v4(198, 51, 100, 1), {.mapping = sim::NatBehavior::AddressAndPortDependent,
                                                         .ports = sim::PortAllocation::Random})),
        cloud_nat(network.add_nat(outside, {.filtering = sim::NatBehavior::EndpointIndependent})),
        peers(network, network.add_host("client", v4(10, 0, 0, 1), &client_nat),
              network.add_host("server", inside, &cloud_nat), random, {}, std::move(server)) {}
  [[nodiscard]] bool connect() {
    peers.connect();
    return peers.run_until([&] { return peers.agree(); }, 20s) == Stop::Done;
  }
  SeededGenerator random{5};
  sim::Network network{random};
  sim::Nat& client_nat;
  sim::Nat& cloud_nat;
  Agents peers;
};

TEST(PublicAddress, IsWhereAServerBehindAOneToOneNatIsReached) {
  Cloud without{{}};
  EXPECT_FALSE(without.connect()) << "or this test proves nothing";
  Cloud cloud{{.public_addresses = {{.shown = outside, .local = inside}}}};
  ASSERT_TRUE(cloud.connect()) << cloud.peers.describe();
  EXPECT_EQ(cloud.peers.a.agent.selected()->remote.address, outside);
  EXPECT_EQ(cloud.peers.a.agent.selected_pair()->remote.type, IceCandidateType::Host);
  EXPECT_EQ(cloud.peers.b.agent.selected_pair()->local.type, IceCandidateType::Host) << "what the client sees is known";
  ASSERT_EQ(cloud.peers.b.candidates.size(), 1U);
  EXPECT_EQ(to_string(cloud.peers.b.candidates[0]).find("10.0.0.2"), std::string::npos);
}

TEST(PublicAddress, IsServerReflexiveWhenThePrivateOneIsShownToo) {
  Cloud cloud{{.public_addresses = {{.shown = outside}}, .show_private_addresses = true}};
  ASSERT_TRUE(cloud.connect()) << cloud.peers.describe();
  ASSERT_EQ(cloud.peers.b.candidates.size(), 2U);
  const Candidate& host = cloud.peers.b.candidates[0];
  const Candidate& public_one = cloud.peers.b.candidates[1];
  EXPECT_EQ(host.type, IceCandidateType::Host);
  EXPECT_EQ(host.endpoint()->address, inside);
  EXPECT_EQ(public_one.type, IceCandidateType::Srflx);
  EXPECT_EQ(public_one.endpoint(), (Endpoint{outside, host.port}));
  EXPECT_EQ(public_one.related, host.endpoint());
}

/// What an agent with these sockets tells.
std::vector<std::string> told(Options options, const std::vector<LocalSocket>& sockets) {
  SeededGenerator random{1};
  Agent agent{std::move(options), random};
  agent.gather(TimePoint{1s});
  for (const LocalSocket& socket : sockets) agent.add_socket(TimePoint{1s}, socket);
  agent.sockets_done(TimePoint{1s});
  std::vector<std::string> out;
  while (const auto event = agent.poll_event()) {
    const auto* const found = std::get_if<LocalCandidate>(&*event);
    if (found == nullptr) continue;
    const Candidate& c = found->candidate;
    out.push_back(std::string(linnet::to_string(c.type)) + ' ' + std::string(linnet::to_string(c.protocol)) + ' ' +
                  to_string(*c.endpoint()) + (c.related ? " from " + to_string(*c.related) : ""));
  }
  return out;
}

TEST(PublicAddress, StandsForOneAddressOrForEachOfItsFamilyThatAnybodyCouldReach) {
  const std::vector<LocalSocket> sockets{{.local = {inside, 1'000}},
                                         {.local = {v4(10, 0, 0, 3), 1'001}},
                                         {.local = {address("2001:db8::2"), 1'002}},
                                         {.local = {v4(127, 0, 0, 1), 1'003}}};
  EXPECT_THAT(told({.public_addresses = {{.shown = outside, .local = inside}}}, sockets),
              ElementsAre("host udp 203.0.113.2:1000", "host udp 10.0.0.3:1001", "host udp [2001:db8::2]:1002",
                          "host udp 127.0.0.1:1003"));
  EXPECT_THAT(told({.public_addresses = {{.shown = outside}}}, sockets),
              ElementsAre("host udp 203.0.113.2:1000", "host udp 203.0.113.2:1001", "host udp [2001:db8::2]:1002",
                          "host udp 127.0.0.1:1003"));
}

TEST(PublicAddress, IsToldForTcpAsWell) {
  const std::vector<LocalSocket> sockets{{.local = {inside, 1'000}, .protocol = Protocol::Tcp}};
  Options options{.tcp = IceTcp::ActivePassive, .public_addresses = {{.shown = outside, .local = inside}}};
  EXPECT_THAT(told(options, sockets), ElementsAre("host tcp 203.0.113.2:1000"));
  options.show_private_addresses = true;
  EXPECT_THAT(told(options, sockets),
              ElementsAre("host tcp 10.0.0.2:1000", "srflx tcp 203.0.113.2:1000 from 10.0.0.2:1000"));
}

TEST(PublicAddress, LeavesARelayOnlyAgentHidden) {
  EXPECT_THAT(told({.policy = IceTransportPolicy::Relay, .public_addresses = {{.shown = outside}}},
                   {{.local = {inside, 1'000}}}),
              IsEmpty());
}

TEST(PublicAddress, HidesThePrivateOneOfServerReflexiveCandidates) {
  SeededGenerator random{5};
  sim::Network network{random};
  network.add_stun_server({v4(192, 0, 2, 1), 3'478});
  auto& nat = network.add_nat(outside, {.ports = sim::PortAllocation::Random});
  Agents peers{network,
               network.add_host("client", v4(198, 51, 100, 1)),
               network.add_host("server", inside, &nat),
               random,
               {},
               {.servers = {*parse_server_url("stun:192.0.2.1")}, .public_addresses = {{.shown = outside}}}};
  peers.connect();
  peers.run_for(5s);
  ASSERT_EQ(peers.b.candidates.size(), 2U) << "the NAT is no 1:1 one, so the server sees another port";
  for (const Candidate& c : peers.b.candidates) EXPECT_EQ(to_string(c).find("10.0.0.2"), std::string::npos);
}

class AddressFamily : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Of, AddressFamily, testing::Bool(),
                         [](const auto& made) { return made.param ? "Ipv4First" : "Ipv6First"; });

TEST_P(AddressFamily, ThatIsPreferredCarriesTheData) {
  SeededGenerator random{5};
  sim::Network network{random};
  sim::Host& a = network.add_host("a", v4(192, 0, 2, 1)).add_address(address("2001:db8::1"));
  sim::Host& b = network.add_host("b", v4(192, 0, 2, 2)).add_address(address("2001:db8::2"));
  Agents peers{network, a, b, random, {.ipv4_first = GetParam()}, {.ipv4_first = GetParam()}};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 20s), Stop::Done) << peers.describe();
  EXPECT_EQ(peers.a.agent.selected()->remote.address.is_v4(), GetParam());
}

std::vector<std::string> streams_from(Options options, const std::vector<LocalSocket>& sockets) {
  Server server = *parse_server_url("turn:198.51.100.1?transport=tcp");
  server.username = server.credential = "x";
  options.servers = {server};
  SeededGenerator random{1};
  Agent agent{std::move(options), random};
  agent.gather(TimePoint{1s});
  for (const LocalSocket& socket : sockets) agent.add_socket(TimePoint{1s}, socket);
  agent.sockets_done(TimePoint{1s});
  std::vector<std::string> out;
  while (const auto event = agent.poll_event()) {
    if (const auto* const connect = std::get_if<Connect>(&*event))
      out.push_back(to_string(connect->path.local.address));
  }
  return out;
}

TEST(BoundStreams, LeaveFromTheAddressesThatAreAllowedAndNoOther) {
  const std::vector<LocalSocket> sockets{{.local = {v4(10, 0, 0, 1), 1'000}, .network_id = 1},
                                         {.local = {v4(10, 8, 0, 1), 1'001}, .network_id = 2}};
  EXPECT_THAT(streams_from({}, sockets), ElementsAre("0.0.0.0"));
  EXPECT_THAT(streams_from({.bound_streams = true}, sockets), ElementsAre("10.0.0.1", "10.8.0.1"));
}

TEST(WithoutUdp, AnAddressWithoutASocketIsEnoughForStreams) {
  const std::vector<LocalSocket> addresses{{.local = {v4(10, 0, 0, 1), 0}}};
  EXPECT_THAT(streams_from({.udp = false}, addresses), ElementsAre("0.0.0.0"));
  EXPECT_THAT(told({.tcp = IceTcp::Active}, addresses), ElementsAre("host tcp 10.0.0.1:9"));
}

}  // namespace
}  // namespace linnet::ice
