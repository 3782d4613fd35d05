#include <gtest/gtest.h>

#include "ice/priority.hpp"
#include "sim/ice/agents.hpp"
#include "sim/seed_trace.hpp"
#include "sim/turn_server.hpp"

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
IpAddress v6(std::uint8_t last) {
  return IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
}
const IpAddress stun_address = v4(198, 51, 100, 1);

Options with_stun() {
  Options options;
  options.servers = {*parse_server_url("stun:198.51.100.1:3478")};
  return options;
}
sim::LinkOptions lan() { return {.latency = 500us}; }

TEST(IceConnect, TwoHostsMeetInOneRoundTripOnceCandidatesAreKnown) {
  SeededGenerator random{1};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1), nullptr, lan()),
               network.add_host("b", v4(10, 0, 0, 2), nullptr, lan()), random};
  peers.connect();
  const TimePoint begin = peers.now();
  ASSERT_EQ(peers.run_until([&] { return peers.up(); }, 5s), Stop::Done);
  // 20 ms of signaling and one round trip of 2 ms, not a pacing interval more.
  EXPECT_LE(peers.now() - begin, 25ms);
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 5s), Stop::Done);
  EXPECT_TRUE(peers.agree());
  EXPECT_LE(peers.now() - begin, 50ms);
  EXPECT_EQ(peers.a.states,
            (std::vector{IceConnectionState::Checking, IceConnectionState::Connected, IceConnectionState::Completed}));
  EXPECT_EQ(peers.a.selections, 1U);
  EXPECT_EQ(peers.a.agent.selected()->remote, peers.b.agent.selected()->local);
  EXPECT_TRUE(peers.a.agent.selected_pair()->pair.statistics.current_round_trip_time);
}

TEST(IceConnect, PrefersIpv6) {
  SeededGenerator random{2};
  sim::Network network{random};
  auto& a = network.add_host("a", v4(10, 0, 0, 1)).add_address(v6(1));
  auto& b = network.add_host("b", v4(10, 0, 0, 2)).add_address(v6(2));
  Agents peers{network, a, b, random};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 5s), Stop::Done);
  EXPECT_FALSE(peers.a.agent.selected()->local.address.is_v4());
}

TEST(IceConnect, FallsBackToIpv4WhenIpv6IsDead) {
  SeededGenerator random{3};
  sim::Network network{random};
  auto& a = network.add_host("a", v4(10, 0, 0, 1)).add_address(v6(1));
  auto& b = network.add_host("b", v4(10, 0, 0, 2)).add_address(v6(2), nullptr, {.loss = 1});
  Agents peers{network, a, b, random};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 5s), Stop::Done);
  EXPECT_TRUE(peers.a.agent.selected()->local.address.is_v4());
}

struct Nats {
  const char* name;
  sim::NatBehavior a, b;
  IceCandidateType local_b, remote_b;  ///< What the pair of the side behind B is made of.
};
class IceNat : public testing::TestWithParam<Nats> {};

TEST_P(IceNat, TwoAgentsMeetThroughTheirBoxes) {
  SeededGenerator random{4};
  sim::Network network{random};
  network.add_stun_server({stun_address, 3478});
  auto& nat_a = network.add_nat(v4(203, 0, 113, 1), {.mapping = GetParam().a, .ports = sim::PortAllocation::Random});
  auto& nat_b = network.add_nat(v4(203, 0, 113, 2), {.mapping = GetParam().b, .ports = sim::PortAllocation::Random});
  Agents peers{network,
               network.add_host("a", v4(192, 168, 1, 2), &nat_a),
               network.add_host("b", v4(192, 168, 7, 2), &nat_b),
               random,
               with_stun(),
               with_stun()};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 20s), Stop::Done);
  EXPECT_EQ(peers.a.agent.selected()->remote.address, v4(203, 0, 113, 2));
  const auto pair = *peers.b.agent.selected_pair();
  EXPECT_EQ(pair.local.type, GetParam().local_b);
  EXPECT_EQ(pair.remote.type, GetParam().remote_b);
}

INSTANTIATE_TEST_SUITE_P(Boxes, IceNat,
                         testing::Values(Nats{"both_independent", sim::NatBehavior::EndpointIndependent,
                                              sim::NatBehavior::EndpointIndependent, IceCandidateType::Srflx,
                                              IceCandidateType::Srflx}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(IceConnect, ASymmetricNatIsPassedWithAPeerReflexiveCandidate) {
  SeededGenerator random{5};
  sim::Network network{random};
  network.add_stun_server({stun_address, 3478});
  auto& nat_a = network.add_nat(v4(203, 0, 113, 1), {.filtering = sim::NatBehavior::AddressDependent});
  auto& nat_b = network.add_nat(
      v4(203, 0, 113, 2), {.mapping = sim::NatBehavior::AddressAndPortDependent, .ports = sim::PortAllocation::Random});
  Agents peers{network,
               network.add_host("a", v4(192, 168, 1, 2), &nat_a),
               network.add_host("b", v4(192, 168, 7, 2), &nat_b),
               random,
               with_stun(),
               with_stun()};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 20s), Stop::Done);
  EXPECT_EQ(peers.a.agent.selected_pair()->remote.type, IceCandidateType::Prflx);
  EXPECT_EQ(peers.b.agent.selected_pair()->local.type, IceCandidateType::Prflx);
}

TEST(IceConnect, ServerReflexiveCandidatesAreToldOnceAndNotWithoutANat) {
  SeededGenerator random{6};
  sim::Network network{random};
  network.add_stun_server({stun_address, 3478});
  auto& nat = network.add_nat(v4(203, 0, 113, 1));
  Options twice = with_stun();
  twice.servers.push_back(twice.servers.front());
  Agents peers{network,
               network.add_host("a", v4(192, 168, 1, 2), &nat),
               network.add_host("b", v4(10, 0, 0, 2)),
               random,
               twice,
               with_stun()};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 20s), Stop::Done);
  ASSERT_EQ(peers.a.candidates.size(), 2U);
  EXPECT_EQ(peers.a.candidates[1].type, IceCandidateType::Srflx);
  EXPECT_EQ(peers.a.candidates[1].url, "stun:198.51.100.1:3478");
  ASSERT_TRUE(peers.a.candidates[1].related);
  EXPECT_EQ(peers.a.candidates[1].related->address, v4(192, 168, 1, 2));
  EXPECT_EQ(peers.b.candidates.size(), 1U);
}

TEST(IceConnect, AServerThatDoesNotAnswerIsAnErrorAndDelaysNothing) {
  SeededGenerator random{7};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random,
               with_stun()};
  peers.connect();
  const TimePoint begin = peers.now();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 20s), Stop::Done);
  EXPECT_LE(peers.now() - begin, 300ms);
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 20s), Stop::Done);
  ASSERT_EQ(peers.a.errors.size(), 1U);
  EXPECT_EQ(peers.a.errors[0].error_code, 701);
  EXPECT_EQ(peers.a.errors[0].url, "stun:198.51.100.1:3478");
}

TEST(IceConnect, HiddenHostCandidatesAreResolved) {
  SeededGenerator random{8};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random};
  peers.a.hide = peers.b.hide = true;
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 20s), Stop::Done);
  EXPECT_EQ(peers.a.agent.selected_pair()->remote.type, IceCandidateType::Host);
}

TEST(IceConnect, AFullAgentLeavesAPathThatDiesTowardsALiteOne) {
  const auto v6 = [](std::uint8_t last) {
    return IpAddress::v6({0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
  };
  SeededGenerator random{5};
  sim::Network network{random};
  sim::Host& client = network.add_host("client", v4(203, 0, 113, 1));
  sim::Host& server = network.add_host("server", v4(203, 0, 113, 2));
  client.add_address(v6(1));
  server.add_address(v6(2));
  Options lite;
  lite.lite = true;
  Agents peers{network, client, server, random, {}, lite};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.up() && peers.agree(); }, 10s), Stop::Done) << peers.describe();
  for (int i = 0; i < 4; ++i) {
    const IpAddress dead = peers.a.agent.selected()->remote.address;
    sim::Access& access = server.access(dead);
    access.up.set_down(true);
    access.down.set_down(true);
    const auto moved = [&] { return peers.a.agent.selected()->remote.address != dead && peers.up() && peers.agree(); };
    ASSERT_EQ(peers.run_until(moved, 15s), Stop::Done) << i << '\n' << peers.describe();
    EXPECT_EQ(peers.b.agent.selected()->local, peers.a.agent.selected()->remote);
    peers.run_for(1min);
    EXPECT_TRUE(peers.up()) << peers.describe();
    access.up.set_down(false);
    access.down.set_down(false);
  }
  EXPECT_EQ(std::ranges::count(peers.a.states, IceConnectionState::Failed), 0);
}

TEST(IceConnect, AskForNoNamesOfPeersButThoseOfMulticastDns) {
  SeededGenerator random{8};
  Agent agent{{}, random};
  const TimePoint now{};
  const auto tell = [&](const std::string& host) {
    const auto candidate = parse_candidate("candidate:1 1 udp 1 " + host + " 5000 typ host");
    ASSERT_TRUE(candidate) << host;
    EXPECT_TRUE(agent.add_remote_candidate(now, *candidate));
  };
  for (int i = 0; i < 256; ++i) tell("host-" + std::to_string(i) + ".slow.example.com");
  tell("a.b.local");
  EXPECT_FALSE(agent.poll_event());
  EXPECT_TRUE(agent.remote_candidates().empty());
  tell("6ff0a1b2.Local");
  const auto event = agent.poll_event();
  ASSERT_TRUE(event);
  const auto* const resolve = std::get_if<Resolve>(&*event);
  ASSERT_NE(resolve, nullptr);
  EXPECT_EQ(resolve->host, "6ff0a1b2.Local");
  EXPECT_TRUE(resolve->mdns);
}

TEST(IceConnect, OneHiddenSideThatCannotBeResolvedIsFoundByItsChecks) {
  SeededGenerator random{9};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random};
  peers.connect();
  // B never hears the credentials of A's generation late; A's candidates never arrive at all.
  peers.a.hide = true;
  ASSERT_EQ(peers.run_until([&] { return !peers.a.names.empty(); }, 1s), Stop::Done);
  peers.a.names.clear();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 20s), Stop::Done);
  EXPECT_EQ(peers.b.agent.selected_pair()->remote.type, IceCandidateType::Prflx);

  // When signaling tells at last what was at that address, that is told on: it may be a relay.
  const auto told = peers.b.selections;
  const auto changes = peers.b.agent.selected_pair_changes();
  Candidate late = peers.a.candidates.front();
  late.address = peers.b.agent.selected()->remote.address;
  late.type = IceCandidateType::Relay;
  ASSERT_TRUE(peers.b.agent.add_remote_candidate(peers.now(), late));
  peers.run_for(10ms);
  EXPECT_EQ(peers.b.selections, told + 1);
  EXPECT_EQ(peers.b.agent.selected_pair_changes(), changes);
  EXPECT_EQ(peers.b.agent.selected_pair()->remote.type, IceCandidateType::Relay);
}

TEST(IceConnect, ARelayThatIsFoundByItsChecksGoesBehindWhatIsDirect) {
  SeededGenerator random{12};
  sim::Network network{random};
  const Endpoint turn_at{v4(198, 51, 100, 1), 3478};
  sim::TurnServer turn{network.add_host("turn", turn_at.address), turn_at};
  Server server = *parse_server_url("turn:198.51.100.1");
  server.username = "user";
  server.credential = "secret";
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random,
               Options{.policy = IceTransportPolicy::Relay, .servers = {server}}};
  peers.a.silent = true;
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 20s), Stop::Done);
  const auto found = peers.b.agent.selected_pair()->remote;
  EXPECT_EQ(found.type, IceCandidateType::Prflx);
  EXPECT_EQ(found.priority, peers.a.candidates.front().priority);
  EXPECT_LT(found.priority, candidate_priority(IceCandidateType::Srflx, 0));
}

TEST(IceConnect, ChecksThatOvertakeTheAnswerAreAnsweredAtOnce) {
  SeededGenerator random{10};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random};
  peers.a.agent.set_role(peers.now(), IceRole::Controlling);
  peers.b.agent.set_role(peers.now(), IceRole::Controlled);
  peers.a.agent.gather(peers.now());
  peers.b.agent.gather(peers.now());
  peers.run_for(30ms);
  // B has the offer; A has not got the answer for another second.
  peers.tell_credentials(peers.a, peers.b);
  ASSERT_EQ(peers.run_until([&] { return peers.b.agent.can_send(); }, 500ms), Stop::Done);
  EXPECT_FALSE(peers.a.agent.can_send());
  peers.run_for(1s);
  peers.tell_credentials(peers.b, peers.a);
  const TimePoint begin = peers.now();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 5s), Stop::Done);
  EXPECT_LE(peers.now() - begin, 200ms);
}

class IceRoles : public testing::TestWithParam<IceRole> {};
TEST_P(IceRoles, AConflictIsSettledByTheTiebreaker) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const sim::SeedTrace trace{seed};
    SeededGenerator random{seed};
    sim::Network network{random};
    Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random};
    peers.a.agent.set_role(peers.now(), GetParam());
    peers.b.agent.set_role(peers.now(), GetParam());
    peers.exchange();
    ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 10s), Stop::Done);
    EXPECT_TRUE(peers.agree());
    EXPECT_NE(peers.a.agent.role(), peers.b.agent.role());
    EXPECT_EQ(peers.a.role_changes + peers.b.role_changes, 3U);
  }
}
INSTANTIATE_TEST_SUITE_P(Both, IceRoles, testing::Values(IceRole::Controlling, IceRole::Controlled));

TEST(IceConnect, ALitePeerOnlyAnswersAndIsNominated) {
  SeededGenerator random{11};
  sim::Network network{random};
  network.add_stun_server({stun_address, 3478});
  auto& nat = network.add_nat(v4(203, 0, 113, 1), {.mapping = sim::NatBehavior::AddressAndPortDependent});
  Options lite;
  lite.lite = true;
  Agents peers{network,
               network.add_host("a", v4(192, 168, 1, 2), &nat),
               network.add_host("b", v4(203, 0, 113, 9)),
               random,
               with_stun(),
               lite};
  // The lite side offers: the full one controls nevertheless.
  peers.a.agent.set_role(peers.now(), IceRole::Controlled);
  peers.b.agent.set_role(peers.now(), IceRole::Controlling);
  peers.exchange();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 10s), Stop::Done);
  EXPECT_EQ(peers.a.agent.role(), IceRole::Controlling);
  EXPECT_EQ(peers.b.agent.role(), IceRole::Controlled);
  peers.run_for(120s);
  EXPECT_TRUE(peers.completed());
}

TEST(IceConnect, RelayOnlyWithoutARelayShowsNothingAndDoesNotConnect) {
  SeededGenerator random{12};
  sim::Network network{random};
  Options relay = with_stun();
  relay.policy = IceTransportPolicy::Relay;
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", v4(10, 0, 0, 2)), random, relay};
  peers.connect();
  EXPECT_EQ(peers.run_until([&] { return peers.up(); }, 20s), Stop::TimeLimit);
  EXPECT_TRUE(peers.a.candidates.empty());
  EXPECT_EQ(peers.a.agent.gathering_state(), IceGatheringState::Complete);
}

TEST(IceConnect, FailsInBoundedTimeWhenThePeerIsOutOfReach) {
  SeededGenerator random{13};
  sim::Network network{random};
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)),
               network.add_host("b", v4(10, 0, 0, 2), nullptr, {.loss = 1}), random};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.a.agent.state() == IceConnectionState::Failed; }, 60s), Stop::Done);
  EXPECT_EQ(peers.a.agent.next_timeout(), never);
  EXPECT_FALSE(peers.a.agent.can_send());
}

TEST(IceConnect, SurvivesHostilePathsOnEverySeed) {
  for (const std::uint64_t seed : sim::seeds(150)) {
    const sim::SeedTrace trace{seed};
    SeededGenerator random{seed};
    sim::Network network{random};
    network.add_stun_server({stun_address, 3478});
    const sim::LinkOptions bad{
        .latency = 20ms, .jitter = 30ms, .loss = 0.1, .reorder = 0.1, .duplicate = 0.1, .corrupt = 0.05};
    auto& nat = network.add_nat(v4(203, 0, 113, 1));
    auto& a = network.add_host("a", v4(192, 168, 1, 2), &nat, bad);
    auto& b = network.add_host("b", v4(203, 0, 113, 9), nullptr, bad);
    Agents peers{network, a, b, random, with_stun(), with_stun()};
    if (random.below(2) == 0) {
      peers.connect();
    } else {
      peers.a.agent.set_role(peers.now(), IceRole::Controlled);
      peers.b.agent.set_role(peers.now(), IceRole::Controlling);
      peers.exchange();
    }
    ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 60s), Stop::Done) << peers.describe();
    peers.run_for(60s);
    EXPECT_TRUE(peers.a.agent.can_send() && peers.b.agent.can_send());
  }
}

}  // namespace
}  // namespace linnet::ice
