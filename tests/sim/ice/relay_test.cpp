#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"
#include "sim/seed_trace.hpp"
#include "sim/seeds.hpp"
#include "sim/turn_server.hpp"

// Two agents and TURN servers between them.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
const Endpoint turn_at{v4(198, 51, 100, 1), 3478};
const Endpoint turn_b_at{v4(198, 51, 100, 2), 3478};

Server turn_server(std::string_view url = "turn:198.51.100.1") {
  Server server = *parse_server_url(url);
  server.username = "user";
  server.credential = "secret";
  return server;
}
Options with_turn(IceTransportPolicy policy = IceTransportPolicy::All) {
  Options options;
  options.policy = policy;
  options.servers = {turn_server()};
  return options;
}
/// The server answers Binding, too: without a server-reflexive candidate nobody knows whom to permit.
Options with_stun() {
  Options options;
  options.servers = {*parse_server_url("stun:198.51.100.1")};
  return options;
}
sim::NatOptions symmetric() {
  return {.mapping = sim::NatBehavior::AddressAndPortDependent, .ports = sim::PortAllocation::Random};
}

/// Two hosts behind two symmetric NATs, which only a relay can join.
struct Rig {
  explicit Rig(Options options_a, Options options_b, std::uint64_t seed = 1, sim::LinkOptions access = {})
      : random(seed),
        network(random),
        turn(network.add_host("turn", turn_at.address), turn_at),
        nat_a(network.add_nat(v4(203, 0, 113, 1), symmetric())),
        nat_b(network.add_nat(v4(203, 0, 113, 2), symmetric())),
        peers(network, network.add_host("a", v4(10, 0, 0, 1), &nat_a, access),
              network.add_host("b", v4(10, 0, 0, 2), &nat_b, access), random, std::move(options_a),
              std::move(options_b)) {}
  SeededGenerator random;
  sim::Network network;
  sim::TurnServer turn;
  sim::Nat& nat_a;
  sim::Nat& nat_b;
  Agents peers;
};

bool is_relayed(const std::optional<Agent::SelectedPair>& pair) {
  return pair && (pair->local.type == IceCandidateType::Relay || pair->remote.type == IceCandidateType::Relay);
}
bool all_relay(const std::vector<Candidate>& candidates) {
  return !candidates.empty() &&
         std::ranges::all_of(candidates, [](const Candidate& c) { return c.type == IceCandidateType::Relay; });
}

TEST(IceRelay, JoinsTwoAgentsBehindSymmetricNats) {
  Rig rig{with_turn(), with_turn()};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 60s), Stop::Done) << rig.peers.describe();
  EXPECT_TRUE(rig.peers.agree());
  EXPECT_TRUE(is_relayed(rig.peers.a.agent.selected_pair())) << rig.peers.describe();
}

TEST(IceRelay, OneSideWithAServerIsEnough) {
  for (const bool a_has_it : {true, false}) {
    Rig rig{a_has_it ? with_turn() : with_stun(), a_has_it ? with_stun() : with_turn()};
    rig.peers.connect();
    ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
    EXPECT_EQ(rig.turn.counts.allocations, 1U);
    EXPECT_TRUE(is_relayed(rig.peers.b.agent.selected_pair()));
  }
}

TEST(IceRelay, ARelayOnlyAgentShowsAndUsesNothingElse) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 60s), Stop::Done) << rig.peers.describe();
  for (const Agents::Peer* peer : {&rig.peers.a, &rig.peers.b}) {
    ASSERT_TRUE(all_relay(peer->candidates));
    const Candidate& c = peer->candidates.front();
    EXPECT_EQ(c.endpoint()->address, turn_at.address);
    EXPECT_EQ(c.related, (Endpoint{IpAddress{}, 0})) << "it would tell where the agent is";
    EXPECT_EQ(c.url, "turn:198.51.100.1");
    EXPECT_EQ(to_w3c(c).relay_protocol, "udp");
    for (const CandidatePair& pair : peer->agent.pairs()) EXPECT_EQ(pair.path.local, *c.endpoint());
  }
}

TEST(IceRelay, ACandidateTellsWhereItsServerSeesTheAgent) {
  Rig rig{with_turn(), {}};
  rig.peers.connect();
  ASSERT_EQ(
      rig.peers.run_until([&] { return rig.peers.a.agent.gathering_state() == IceGatheringState::Complete; }, 12s),
      Stop::Done);
  const auto& found = rig.peers.a.candidates;
  ASSERT_EQ(found.size(), 3U) << "host, and what one Allocate gives: server-reflexive and relayed";
  EXPECT_EQ(found[1].type, IceCandidateType::Srflx);
  EXPECT_EQ(found[1].endpoint()->address, v4(203, 0, 113, 1));
  EXPECT_EQ(found[2].type, IceCandidateType::Relay);
  EXPECT_EQ(found[2].related, found[1].endpoint());
  EXPECT_LT(found[2].priority, found[1].priority);
  EXPECT_TRUE(rig.peers.a.errors.empty());
}

TEST(IceRelay, LosesAgainstADirectPathThatTakesLongerToOpen) {
  SeededGenerator random{1};
  sim::Network network{random};
  sim::TurnServer turn{network.add_host("turn", turn_at.address, nullptr, {.latency = 1ms}), turn_at};
  auto& nat_a = network.add_nat(v4(203, 0, 113, 1), {}, nullptr, {.latency = 60ms});
  auto& nat_b = network.add_nat(v4(203, 0, 113, 2), {}, nullptr, {.latency = 60ms});
  Agents peers{network,
               network.add_host("a", v4(10, 0, 0, 1), &nat_a),
               network.add_host("b", v4(10, 0, 0, 2), &nat_b),
               random,
               with_turn(),
               with_turn()};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 60s), Stop::Done) << peers.describe();
  EXPECT_FALSE(is_relayed(peers.a.agent.selected_pair())) << peers.describe();
}

TEST(IceRelay, ComesUpThroughHeavyLoss) {
  for (const std::uint64_t seed : sim::seeds(20)) {
    const sim::SeedTrace trace{seed};
    Rig rig{with_turn(), with_turn(IceTransportPolicy::Relay), seed, {.loss = 0.15, .reorder = 0.1, .duplicate = 0.1}};
    rig.peers.connect();
    ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
    EXPECT_TRUE(is_relayed(rig.peers.a.agent.selected_pair()));
  }
}

TEST(IceRelay, LastsForHoursAndRenewsEverythingThatRunsOut) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  rig.turn.script.nonce_uses = 7;
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 60s), Stop::Done);
  const auto denied = rig.turn.counts.denied;
  rig.peers.run_for(5h);
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Completed);
  EXPECT_EQ(rig.peers.b.agent.state(), IceConnectionState::Completed);
  EXPECT_EQ(rig.peers.a.selections, 1U);
  EXPECT_EQ(rig.turn.counts.denied, denied) << "a permission ran out";
  EXPECT_EQ(rig.turn.counts.allocations, 2U);
  EXPECT_GE(rig.turn.counts.refreshes, 60U);
  EXPECT_LE(rig.turn.counts.refreshes, 70U) << "each nine minutes, two of them";
  EXPECT_GE(rig.turn.counts.channels, 60U);
  // Nearly all goes in channels.
  EXPECT_LT(rig.turn.counts.send_indications, 100U);
  EXPECT_TRUE(rig.peers.a.errors.empty());
}

TEST(IceRelay, AShortLifetimeIsRefreshedInTime) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  rig.turn.script.lifetime = 20;
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 60s), Stop::Done);
  rig.peers.run_for(10min);
  EXPECT_TRUE(rig.peers.completed());
  EXPECT_EQ(rig.turn.counts.allocations, 2U);
}

TEST(IceRelay, AnIdleMappingTowardsTheServerIsKeptOpen) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  rig.peers.a.agent.gather(rig.peers.now());
  // Gathered long before the peer answers, behind NATs that forget after 120 s.
  rig.peers.run_for(1h);
  rig.peers.connect();
  for (const Candidate& c : rig.peers.a.candidates) (void)rig.peers.b.agent.add_remote_candidate(rig.peers.now(), c);
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
  EXPECT_EQ(rig.turn.counts.allocations, 2U);
}

TEST(IceRelay, AServerThatDiesIsNoticedAndARestartFindsAnother) {
  Options options = with_turn(IceTransportPolicy::Relay);
  options.servers.push_back(turn_server("turn:198.51.100.2"));
  Rig rig{options, options};
  sim::TurnServer second{rig.network.add_host("turn2", turn_b_at.address), turn_b_at};
  second.script.dead = true;
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
  rig.turn.script.dead = true;
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.a.agent.state() == IceConnectionState::Disconnected; }, 15s),
            Stop::Done);
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.a.agent.state() == IceConnectionState::Failed; }, 40s),
            Stop::Done);
  second.script.dead = false;
  rig.peers.restart();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
  EXPECT_EQ(rig.peers.a.agent.selected_pair()->local.url, "turn:198.51.100.2");
}

TEST(IceRelay, AServerThatForgetsTheAllocationEndsItAtOnce) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done);
  rig.turn.restart();
  rig.peers.a.agent.restart(rig.peers.now());  // Asks whether it is still there.
  rig.peers.b.agent.restart(rig.peers.now());
  rig.peers.exchange();
  ASSERT_EQ(rig.peers.run_until([&] { return !rig.peers.a.errors.empty(); }, 60s), Stop::Done);
  EXPECT_EQ(rig.peers.a.errors.front().error_code, 437);
}

TEST(IceRelay, ADeadServerDelaysNobody) {
  Options options = with_turn(IceTransportPolicy::Relay);
  options.servers.insert(options.servers.begin(), turn_server("turn:198.51.100.2"));
  Rig rig{options, options};
  (void)rig.network.add_host("silent", turn_b_at.address);
  rig.peers.connect();
  const TimePoint begin = rig.peers.now();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.up(); }, 60s), Stop::Done) << rig.peers.describe();
  EXPECT_LT(rig.peers.now() - begin, 700ms);
  EXPECT_TRUE(rig.peers.a.errors.empty());
  rig.peers.run_for(12s);
  ASSERT_EQ(rig.peers.a.errors.size(), 1U);
  EXPECT_EQ(rig.peers.a.errors.front().error_code, 701);
  EXPECT_EQ(rig.peers.a.errors.front().url, "turn:198.51.100.2");
  EXPECT_TRUE(rig.peers.a.errors.front().address.empty()) << "a relay-only agent does not tell its address";
  EXPECT_EQ(rig.peers.a.agent.gathering_state(), IceGatheringState::Complete);
}

TEST(IceRelay, AWrongPasswordIsAnErrorThatSaysSo) {
  Rig rig{with_turn(), {}};
  rig.turn.script.password = "another";
  rig.peers.connect();
  ASSERT_EQ(
      rig.peers.run_until([&] { return rig.peers.a.agent.gathering_state() == IceGatheringState::Complete; }, 12s),
      Stop::Done);
  ASSERT_EQ(rig.peers.a.errors.size(), 1U);
  const CandidateError& error = rig.peers.a.errors.front();
  EXPECT_EQ(error.error_code, 401);
  EXPECT_EQ(error.address, "10.0.0.1");
  EXPECT_NE(error.error_text.find("user name or the password"), std::string::npos) << error.error_text;
  EXPECT_LE(rig.turn.counts.requests, 2U) << "the same again cannot help";
}

TEST(IceRelay, FollowsAServerThatPointsToAnother) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  sim::TurnServer second{rig.network.add_host("turn2", turn_b_at.address), turn_b_at};
  rig.turn.script.alternate = turn_b_at;
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
  EXPECT_EQ(rig.turn.counts.allocations, 0U);
  EXPECT_EQ(second.counts.allocations, 2U);
}

TEST(IceRelay, DoesNotFollowServersInACircleNorHome) {
  for (const Endpoint& to :
       {turn_at, turn_b_at, Endpoint{v4(127, 0, 0, 1), 3478}, Endpoint{v4(169, 254, 0, 1), 3478},
        Endpoint{v4(10, 0, 0, 1), 3478}, Endpoint{v4(192, 168, 1, 1), 3478}, Endpoint{v4(1, 2, 3, 4), 0}}) {
    Rig rig{with_turn(), {}};
    sim::TurnServer second{rig.network.add_host("turn2", turn_b_at.address), turn_b_at};
    second.script.alternate = turn_at;
    rig.turn.script.alternate = to;
    rig.peers.connect();
    ASSERT_EQ(
        rig.peers.run_until([&] { return rig.peers.a.agent.gathering_state() == IceGatheringState::Complete; }, 12s),
        Stop::Done);
    ASSERT_EQ(rig.peers.a.errors.size(), 1U) << to_string(to);
    EXPECT_EQ(rig.peers.a.errors.front().error_code, 300);
    EXPECT_LE(rig.turn.counts.requests + second.counts.requests, 2U);
  }
}

TEST(IceRelay, AnAddressThatIsSomebodyElsesIsNoCandidate) {
  // Our own socket, the server's own, one that cannot be.
  for (const Endpoint& lie : {Endpoint{v4(10, 0, 0, 1), 49'152}, turn_at, Endpoint{v4(224, 0, 0, 1), 5'000},
                              Endpoint{v4(0, 0, 0, 0), 5'000}, Endpoint{v4(198, 51, 100, 1), 0}}) {
    Rig rig{with_turn(), {}};
    rig.turn.script.lie = lie;
    rig.peers.connect();
    ASSERT_EQ(
        rig.peers.run_until([&] { return rig.peers.a.agent.gathering_state() == IceGatheringState::Complete; }, 12s),
        Stop::Done);
    EXPECT_TRUE(std::ranges::none_of(rig.peers.a.candidates, [](const Candidate& c) {
      return c.type == IceCandidateType::Relay;
    })) << to_string(lie);
    ASSERT_EQ(rig.peers.a.errors.size(), 1U);
    EXPECT_EQ(rig.peers.a.errors.front().error_code, 701);
  }
}

TEST(IceRelay, AnAddressThatIsOurOwnLeavesOurCandidateAlone) {
  Rig rig{with_turn(), {}};
  rig.turn.script.lie = Endpoint{v4(10, 0, 0, 1), 49'152};
  rig.peers.connect();
  rig.peers.run_for(12s);
  const auto locals = rig.peers.a.agent.local_candidates();
  EXPECT_EQ(std::ranges::count(locals, IceCandidateType::Host, [](const auto& l) { return l.candidate.type; }), 1);
}

TEST(IceRelay, AServerThatGivesTheAddressOfAnothersRelayDoesNoHarmToThat) {
  Options options = with_turn(IceTransportPolicy::Relay);
  Rig rig{options, options};
  sim::TurnServer liar{rig.network.add_host("turn2", turn_b_at.address), turn_b_at};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 60s), Stop::Done);
  liar.script.lie = rig.peers.a.candidates.front().endpoint();
  options.servers.push_back(turn_server("turn:198.51.100.2"));
  rig.peers.a.agent.set_servers(options.servers);
  rig.peers.restart();
  ASSERT_EQ(rig.peers.run_until([&] { return !rig.peers.a.errors.empty(); }, 10s), Stop::Done);
  EXPECT_EQ(rig.peers.a.errors.front().url, "turn:198.51.100.2");
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed() && rig.peers.agree(); }, 30s), Stop::Done)
      << rig.peers.describe();
  rig.peers.run_for(1min);
  EXPECT_TRUE(rig.peers.completed()) << rig.peers.describe();
  EXPECT_EQ(rig.turn.counts.given_back, 0U);
  EXPECT_EQ(liar.counts.given_back, 1U);
}

TEST(IceRelay, ThePeersAddressIsNotOurRelay) {
  Rig rig{with_turn(IceTransportPolicy::Relay), {}};
  const Endpoint peer{v4(198, 51, 100, 77), 7'000};
  rig.turn.script.lie = peer;
  rig.peers.a.agent.set_role(rig.peers.now(), IceRole::Controlling);
  rig.peers.tell_credentials(rig.peers.b, rig.peers.a);
  rig.peers.a.agent.gather(rig.peers.now());
  // The peer tells of it only later: there is no pair of it with itself.
  rig.peers.run_for(1s);
  ASSERT_EQ(rig.peers.a.candidates.size(), 1U);
  Candidate theirs = rig.peers.a.candidates.front();
  theirs.type = IceCandidateType::Host;
  theirs.ufrag.reset();
  ASSERT_TRUE(rig.peers.a.agent.add_remote_candidate(rig.peers.now(), theirs));
  EXPECT_TRUE(rig.peers.a.agent.pairs().empty());
}

TEST(IceRelay, APeerThatTheServerForbidsFailsAtOnce) {
  Rig rig{with_turn(IceTransportPolicy::Relay), {}};
  rig.turn.script.refuse = [](stun::Method method, const stun::MessageView&) {
    return method == stun::Method::CreatePermission ? 403U : 0U;
  };
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until(
                [&] {
                  const auto pairs = rig.peers.a.agent.pairs();
                  return !pairs.empty() && std::ranges::all_of(pairs, [](const CandidatePair& pair) {
                    return pair.state == PairState::Failed;
                  });
                },
                3s),
            Stop::Done)
      << rig.peers.describe();
}

TEST(IceRelay, APermissionThatIsRefusedForTheMomentIsAskedForAgain) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  unsigned refused = 0;
  rig.turn.script.refuse = [&](stun::Method method, const stun::MessageView&) {
    return method == stun::Method::CreatePermission && ++refused <= 4 ? 508U : 0U;
  };
  rig.peers.connect();
  EXPECT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 20s), Stop::Done) << rig.peers.describe();
}

TEST(IceRelay, ClosingGivesTheAllocationBack) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done);
  EXPECT_EQ(rig.turn.allocations(rig.peers.now()), 2U);
  rig.peers.a.agent.close(rig.peers.now());
  EXPECT_TRUE(rig.peers.a.agent.has_goodbyes());
  EXPECT_EQ(rig.peers.a.agent.next_timeout(), never);
  rig.peers.run_for(1s);
  EXPECT_EQ(rig.turn.counts.given_back, 1U);
  EXPECT_EQ(rig.turn.allocations(rig.peers.now()), 1U);
}

TEST(IceRelay, FailureGivesTheAllocationBack) {
  Rig rig{with_turn(IceTransportPolicy::Relay), {}};
  rig.peers.a.agent.set_role(rig.peers.now(), IceRole::Controlling);
  rig.peers.tell_credentials(rig.peers.b, rig.peers.a);
  rig.peers.a.agent.gather(rig.peers.now());
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.a.agent.state() == IceConnectionState::Failed; }, 5min),
            Stop::Done);
  rig.peers.run_for(1s);
  EXPECT_EQ(rig.turn.counts.given_back, 1U);
}

TEST(IceRelay, ARestartKeepsTheAllocationAndItsCandidates) {
  Rig rig{with_turn(IceTransportPolicy::Relay), with_turn(IceTransportPolicy::Relay)};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done);
  for (int i = 0; i < 5; ++i) {
    const unsigned before = rig.peers.a.selections;
    rig.peers.restart();
    ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.a.selections > before && rig.peers.agree(); }, 60s),
              Stop::Done)
        << rig.peers.describe();
    rig.peers.run_for(1s);
  }
  EXPECT_EQ(rig.turn.counts.allocations, 2U);
  EXPECT_EQ(rig.peers.a.candidates.size(), 6U);
  EXPECT_EQ(rig.peers.a.candidates.front().endpoint(), rig.peers.a.candidates.back().endpoint());
}

TEST(IceRelay, AServerThatIsNoLongerConfiguredGoesAtTheNextGathering) {
  Rig rig{with_turn(), with_turn()};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done);
  rig.peers.b.agent.set_servers({*parse_server_url("stun:198.51.100.1")});
  const unsigned before = rig.peers.b.selections;
  rig.peers.restart();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.b.selections > before && rig.peers.agree(); }, 60s), Stop::Done)
      << rig.peers.describe();
  EXPECT_EQ(rig.peers.b.agent.selected_pair()->remote.type, IceCandidateType::Relay);
  EXPECT_EQ(rig.peers.b.candidates.back().type, IceCandidateType::Srflx);
  rig.peers.run_for(1s);
  EXPECT_EQ(rig.turn.allocations(rig.peers.now()), 1U);
}

TEST(IceRelay, AnAllocationWithBothFamiliesReachesAPeerWithoutIpv4) {
  SeededGenerator random{1};
  sim::Network network{random};
  const IpAddress v6_of_turn = *IpAddress::parse("2001:db8::1");
  auto& host = network.add_host("turn", turn_at.address).add_address(v6_of_turn);
  sim::TurnServer turn{host, turn_at};
  turn.script.second_address = v6_of_turn;
  Agents peers{network, network.add_host("a", v4(10, 0, 0, 1)), network.add_host("b", *IpAddress::parse("2001:db8::b")),
               random, with_turn()};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.agree(); }, 60s), Stop::Done) << peers.describe();
  EXPECT_EQ(peers.a.agent.selected()->local.address, v6_of_turn);
  EXPECT_EQ(turn.counts.allocations, 1U);
}

TEST(IceRelay, OneServerUnderTwoNamesIsAskedOnce) {
  Options options = with_turn();
  options.servers.push_back(turn_server("turn:198.51.100.1:3478?transport=udp"));
  Rig rig{options, {}};
  rig.peers.connect();
  rig.peers.run_for(12s);
  EXPECT_EQ(rig.turn.counts.allocations, 1U);
  EXPECT_TRUE(rig.peers.a.errors.empty());
}

TEST(IceRelay, AllocationsAreBounded) {
  Options options;
  options.max_relays = 3;
  for (int i = 0; i < 20; ++i) options.servers.push_back(turn_server("turn:198.51.100.1:" + std::to_string(4'000 + i)));
  Rig rig{options, {}};
  rig.peers.connect();
  rig.peers.run_for(1s);
  EXPECT_EQ(rig.peers.a.agent.statistics().limits_hit, 17U);
  rig.peers.run_for(20s);
  EXPECT_EQ(rig.peers.a.errors.size(), 3U);
  EXPECT_EQ(rig.peers.a.agent.gathering_state(), IceGatheringState::Complete);
}

}  // namespace
}  // namespace linnet::ice
