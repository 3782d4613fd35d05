#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"
#include "sim/turn_server.hpp"

// TURN servers that die, come back and forget while there is a connection.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
const Endpoint first_at{v4(198, 51, 100, 1), 3478};
const Endpoint second_at{v4(198, 51, 100, 2), 3478};

Server turn_server(std::string_view url) {
  Server server = *parse_server_url(url);
  server.username = "user";
  server.credential = "secret";
  return server;
}
Options relay_only(std::vector<std::string_view> urls) {
  Options options{.policy = IceTransportPolicy::Relay};
  for (const auto url : urls) options.servers.push_back(turn_server(url));
  return options;
}

/// Two agents that cannot reach each other but through a relay, and two servers.
struct Rig {
  explicit Rig(Options options_a, Options options_b, bool direct = false)
      : nat_a(network.add_nat(v4(203, 0, 113, 1), symmetric())),
        nat_b(network.add_nat(v4(203, 0, 113, 2), symmetric())),
        peers(network,
              direct ? network.add_host("a", v4(203, 0, 113, 3)) : network.add_host("a", v4(10, 0, 0, 1), &nat_a),
              direct ? network.add_host("b", v4(203, 0, 113, 4)) : network.add_host("b", v4(10, 0, 0, 2), &nat_b),
              random, std::move(options_a), std::move(options_b)) {}
  static sim::NatOptions symmetric() {
    return {.mapping = sim::NatBehavior::AddressAndPortDependent, .ports = sim::PortAllocation::Random};
  }
  [[nodiscard]] bool connect() {
    peers.connect();
    return peers.run_until([&] { return peers.completed() && peers.agree(); }, 60s) == Stop::Done;
  }
  [[nodiscard]] bool up_within(Duration limit) {
    return peers.run_until([&] { return peers.up() && peers.agree(); }, limit) == Stop::Done;
  }
  [[nodiscard]] static auto count(const Agents::Peer& peer, IceConnectionState state) {
    return std::ranges::count(peer.states, state);
  }
  /// The first server forgets everything, and its relays are elsewhere from now on.
  void restart() {
    first.restart();
    for (int i = 0; i < 4; ++i) (void)first_host.bind({first_at.address, 0});
  }
  SeededGenerator random{3};
  sim::Network network{random};
  sim::Host& first_host = network.add_host("turn", first_at.address);
  sim::TurnServer first{first_host, first_at};
  sim::TurnServer second{network.add_host("turn2", second_at.address), second_at};
  sim::Nat& nat_a;
  sim::Nat& nat_b;
  Agents peers;
};

TEST(LostRelay, OfAServerThatDiesAndComesBackIsAllocatedAnewInTheMiddleOfACall) {
  Rig rig{relay_only({"turn:198.51.100.1"}), relay_only({"turn:198.51.100.1"})};
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  const auto told = rig.peers.a.candidates.size();
  rig.first.script.dead = true;
  rig.peers.run_for(15s);
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Disconnected);
  rig.restart();
  rig.first.script.dead = false;
  ASSERT_TRUE(rig.up_within(10s)) << rig.peers.describe();
  EXPECT_GT(rig.peers.a.candidates.size(), told) << "the peer is told";
  EXPECT_EQ(rig.peers.a.agent.gathering_state(), IceGatheringState::Complete);
  ASSERT_EQ(rig.peers.a.errors.size(), 1U);
  EXPECT_EQ(rig.peers.a.errors.front().error_code, 437);
  rig.peers.run_for(1h);
  EXPECT_TRUE(rig.peers.completed()) << rig.peers.describe();
  EXPECT_EQ(Rig::count(rig.peers.a, IceConnectionState::Failed), 0);
  EXPECT_EQ(Rig::count(rig.peers.b, IceConnectionState::Failed), 0);
  EXPECT_EQ(rig.first.allocations(rig.peers.now()), 2U);
}

TEST(LostRelay, IsNotHadAgainWhereNothingMayBeToldLater) {
  Options options = relay_only({"turn:198.51.100.1"});
  options.allocate_again = false;
  Rig rig{options, options};
  ASSERT_TRUE(rig.connect());
  rig.restart();
  rig.peers.run_for(1min);
  EXPECT_EQ(rig.peers.a.agent.state(), IceConnectionState::Failed);
}

TEST(LostRelay, IsMissedWithinSecondsWhenItsServerForgetsIt) {
  Rig rig{relay_only({"turn:198.51.100.1"}), relay_only({"turn:198.51.100.1"})};
  ASSERT_TRUE(rig.connect());
  const TimePoint begin = rig.peers.now();
  rig.restart();
  ASSERT_EQ(rig.peers.run_until([&] { return !rig.peers.up(); }, 12s), Stop::Done);
  ASSERT_TRUE(rig.up_within(12s)) << rig.peers.describe();
  EXPECT_LT(rig.peers.now() - begin, 14s);
}

TEST(LostRelay, LeavesAnOutageOfTheNetworkAlone) {
  Rig rig{relay_only({"turn:198.51.100.1"}), relay_only({"turn:198.51.100.1"})};
  ASSERT_TRUE(rig.connect());
  rig.first.script.dead = true;
  rig.peers.run_for(20s);
  rig.first.script.dead = false;  // It has forgotten nothing.
  ASSERT_TRUE(rig.up_within(8s)) << rig.peers.describe();
  EXPECT_TRUE(rig.peers.a.errors.empty());
  EXPECT_EQ(rig.first.counts.allocations, 2U);
}

TEST(LostRelay, GivesWayToThatOfAnotherServerAndIsThereAgainLater) {
  const auto both = relay_only({"turn:198.51.100.1", "turn:198.51.100.2"});
  Rig rig{both, both};
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  const auto on = rig.peers.a.agent.selected_pair()->local.url;
  auto& used = on == "turn:198.51.100.1" ? rig.first : rig.second;
  used.script.dead = true;
  ASSERT_EQ(rig.peers.run_until([&] { return !rig.peers.up(); }, 12s), Stop::Done);
  ASSERT_TRUE(rig.up_within(10s)) << rig.peers.describe();
  EXPECT_NE(rig.peers.a.agent.selected_pair()->local.url, on);
  const auto selections = rig.peers.a.selections;
  rig.peers.run_for(20min);  // Until both have noticed, and long after.
  EXPECT_EQ(Rig::count(rig.peers.a, IceConnectionState::Failed), 0);
  if (&used == &rig.first)
    rig.restart();
  else
    used.restart();
  used.script.dead = false;
  rig.peers.run_for(2min);
  EXPECT_EQ(used.allocations(rig.peers.now()), 2U);
  EXPECT_EQ(rig.peers.a.selections, selections) << "it is no better";
  EXPECT_TRUE(rig.peers.completed()) << rig.peers.describe();
}

TEST(LostRelay, ThatNothingNeedsIsAskedForLessAndLessOften) {
  Options options;
  options.servers = {turn_server("turn:198.51.100.1")};
  Rig rig{options, {}, true};
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  const auto selections = rig.peers.a.selections;
  rig.restart();
  rig.first.script.refuse = [](stun::Method method, const stun::MessageView&) {
    return method == stun::Method::Allocate ? 508U : 0U;
  };
  rig.peers.run_for(10min);  // The refresh that finds out.
  const auto before = rig.first.counts.requests;
  rig.peers.run_for(1h);
  const auto requests = rig.first.counts.requests - before;
  EXPECT_GE(requests, 60U);
  EXPECT_LE(requests, 250U) << "two for each try, one or two tries a minute";
  EXPECT_EQ(rig.peers.a.errors.size(), 1U) << "that it is gone is told once";
  rig.first.script.refuse = nullptr;
  rig.peers.run_for(2min);
  EXPECT_EQ(rig.first.allocations(rig.peers.now()), 1U);
  EXPECT_EQ(rig.peers.a.candidates.back().type, IceCandidateType::Relay);
  EXPECT_EQ(rig.peers.a.selections, selections);
  EXPECT_EQ(Rig::count(rig.peers.a, IceConnectionState::Disconnected), 0);
  EXPECT_TRUE(rig.peers.completed());
}

TEST(LostRelay, IsHadAgainWithTheCredentialsThatTheOwnerHasByThen) {
  Options options;
  options.servers = {turn_server("turn:198.51.100.1")};
  Rig rig{options, {}, true};
  ASSERT_TRUE(rig.connect());
  rig.restart();
  rig.first.script.password = "new";
  rig.peers.run_for(12min);
  EXPECT_EQ(rig.first.allocations(rig.peers.now()), 0U);
  options.servers.front().credential = "new";
  rig.peers.a.agent.set_servers(options.servers);
  rig.peers.run_for(2min);
  EXPECT_EQ(rig.first.allocations(rig.peers.now()), 1U);
}

TEST(LostRelay, IsLookedForWhereItsServersNameLeadsByThen) {
  Rig rig{relay_only({"turn:turn.example.org"}), relay_only({"turn:turn.example.org"})};
  for (Agents::Peer* peer : {&rig.peers.a, &rig.peers.b}) peer->names["turn.example.org"] = first_at.address;
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  rig.restart();
  rig.first.script.refuse = [](stun::Method method, const stun::MessageView&) {
    return method == stun::Method::Allocate ? 508U : 0U;
  };
  for (Agents::Peer* peer : {&rig.peers.a, &rig.peers.b}) peer->names["turn.example.org"] = second_at.address;
  ASSERT_EQ(rig.peers.run_until([&] { return !rig.peers.up(); }, 12s), Stop::Done);
  ASSERT_TRUE(rig.up_within(20s)) << rig.peers.describe();
  EXPECT_EQ(rig.second.counts.allocations, 2U);
}

TEST(LostRelay, ThatIsLostAgainAtOnceIsAskedForLessAndLessOften) {
  Options options;
  options.servers = {turn_server("turn:198.51.100.1")};
  Rig rig{options, {}, true};
  // A server that lies, or several behind one address that do not know of each other.
  rig.first.script.refuse = [](stun::Method method, const stun::MessageView&) {
    return method == stun::Method::CreatePermission ? 437U : 0U;
  };
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  const auto tries = [&](Duration time) {
    const auto before = rig.first.counts.allocations;
    rig.peers.run_for(time);
    return rig.first.counts.allocations - before;
  };
  EXPECT_LE(tries(1min), 8U);
  EXPECT_GE(tries(1h), 30U);
  EXPECT_LE(tries(1h), 125U);
  EXPECT_LE(rig.peers.a.errors.size(), rig.first.counts.allocations);
  EXPECT_LE(rig.peers.a.candidates.size(), 2 + rig.first.counts.allocations);
  rig.first.script.refuse = nullptr;
  rig.peers.run_for(2min);
  EXPECT_EQ(rig.first.allocations(rig.peers.now()), 1U);
  EXPECT_EQ(tries(1h), 0U);
}

TEST(LostRelay, ThatHasHeldForAWhileIsHadAgainAtOnceAsTheFirstTime) {
  Rig rig{relay_only({"turn:198.51.100.1"}), relay_only({"turn:198.51.100.1"})};
  ASSERT_TRUE(rig.connect());
  for (int i = 0; i < 5; ++i) {
    const TimePoint begin = rig.peers.now();
    rig.restart();
    ASSERT_EQ(rig.peers.run_until([&] { return !rig.peers.up(); }, 12s), Stop::Done);
    ASSERT_TRUE(rig.up_within(12s)) << rig.peers.describe();
    EXPECT_LT(rig.peers.now() - begin, 14s);
    rig.peers.run_for(90s);
  }
}

/// Who roams has a way to the peer without a relay, which it wants nevertheless.
class LostRelayOfARoamer : public testing::Test {
 protected:
  explicit LostRelayOfARoamer(Options options = {})
      : rig((options.servers = {turn_server("turn:turn.example.org")}, options), {}, true) {
    name_leads_to(first_at.address);
  }
  void name_leads_to(std::optional<IpAddress> address) {
    rig.peers.server_names["turn.example.org"] = address ? std::vector{*address} : std::vector<IpAddress>{};
  }
  void goes(const IpAddress& address) { rig.peers.network_goes(rig.peers.a, address); }
  void comes(const IpAddress& address) { rig.peers.network_comes(rig.peers.a, address); }
  [[nodiscard]] bool is_served_within(Duration limit, const IpAddress& at) {
    const auto is = [&] {
      return std::ranges::any_of(rig.first.table(), [&](const auto& entry) { return entry.first.address == at; });
    };
    return rig.peers.run_until(is, limit) == Stop::Done;
  }
  void refuse_allocations(bool refuses = true) {
    rig.first.script.refuse = [refuses](stun::Method method, const stun::MessageView&) {
      return refuses && method == stun::Method::Allocate ? 486U : 0U;
    };
  }
  Rig rig;
  const IpAddress home = v4(203, 0, 113, 3);
  const IpAddress next = v4(203, 0, 113, 30);
};

TEST_F(LostRelayOfARoamer, IsHadAgainFromTheNextNetworkThatPassesNothingAtFirst) {
  ASSERT_TRUE(rig.connect()) << rig.peers.describe();
  goes(home);
  rig.first.script.dead = true;
  comes(next);
  rig.peers.run_for(15s);
  EXPECT_EQ(rig.peers.a.errors.size(), 1U);
  rig.first.script.dead = false;
  EXPECT_TRUE(is_served_within(30s, next));
  rig.peers.run_for(1h);
  EXPECT_EQ(rig.first.allocations(rig.peers.now()), 1U);
}

TEST_F(LostRelayOfARoamer, IsHadAgainFromTheNextNetworkWhenItsServerWasDownMeanwhile) {
  ASSERT_TRUE(rig.connect());
  rig.restart();
  rig.first.script.dead = true;
  rig.peers.run_for(15min);
  ASSERT_EQ(rig.peers.a.errors.size(), 1U);
  comes(next);
  goes(home);
  rig.peers.run_for(5min);
  EXPECT_EQ(rig.peers.a.errors.size(), 2U) << "one for each network";
  rig.first.script.dead = false;
  EXPECT_TRUE(is_served_within(2min, next));
}

TEST_F(LostRelayOfARoamer, IsAskedForAgainByAUserWhoseOldOnesAreTooManyYet) {
  ASSERT_TRUE(rig.connect());
  refuse_allocations();
  goes(home);
  comes(next);
  rig.peers.run_for(1min);
  EXPECT_EQ(rig.peers.a.errors.size(), 1U);
  refuse_allocations(false);
  EXPECT_TRUE(is_served_within(2min, next));
}

TEST_F(LostRelayOfARoamer, IsNotAskedForForEverWhereItWasRefusedFromTheBeginning) {
  refuse_allocations();
  ASSERT_TRUE(rig.connect());
  goes(home);
  comes(next);
  rig.peers.run_for(1min);
  const auto asked = rig.first.counts.requests;
  rig.peers.run_for(1h);
  EXPECT_EQ(rig.first.counts.requests, asked);
  EXPECT_EQ(rig.peers.a.errors.size(), 2U);
}

TEST_F(LostRelayOfARoamer, IsStillWantedAfterItsServersNameLedToAnotherFamily) {
  ASSERT_TRUE(rig.connect());
  rig.restart();
  refuse_allocations();
  name_leads_to(IpAddress::parse("2001:db8::1"));
  rig.peers.run_for(30min);
  name_leads_to(first_at.address);
  refuse_allocations(false);
  EXPECT_TRUE(is_served_within(2min, home));
}

TEST_F(LostRelayOfARoamer, IsHadAgainFromANetworkOfAnotherFamilyWhoseNameServerIsLate) {
  const IpAddress six = *IpAddress::parse("2001:db8::3");
  const Endpoint server_six{*IpAddress::parse("2001:db8::1"), 3478};
  sim::TurnServer server{rig.network.add_host("turn6", server_six.address), server_six};
  ASSERT_TRUE(rig.connect());
  name_leads_to({});
  comes(six);
  rig.peers.run_for(1min);
  EXPECT_EQ(server.counts.allocations, 0U);
  name_leads_to(server_six.address);
  rig.peers.run_for(2min);
  EXPECT_EQ(server.allocations(rig.peers.now()), 1U);
}

class LostRelayOfFew : public LostRelayOfARoamer {
 protected:
  LostRelayOfFew() : LostRelayOfARoamer(Options{.max_relays = 1}) {}
};

TEST_F(LostRelayOfFew, IsHadAgainWhenThereIsRoomForIt) {
  ASSERT_TRUE(rig.connect());
  rig.restart();
  rig.first.script.dead = true;
  rig.peers.run_for(15min);
  comes(next);
  rig.first.script.dead = false;
  rig.peers.run_for(10min);
  ASSERT_EQ(rig.first.allocations(rig.peers.now()), 1U);
  const IpAddress taken = rig.first.table().begin()->first.address;
  goes(taken);
  EXPECT_TRUE(is_served_within(3min, taken == home ? next : home));
}

TEST(LostRelay, GoesWithItsSocketToAnotherOneOfTheNetwork) {
  Options options;
  options.servers = {turn_server("turn:198.51.100.1")};
  Rig rig{options, {}, true};
  Agents::Peer& a = rig.peers.a;
  const Endpoint one = *a.host.bind({v4(203, 0, 113, 3), 0});
  const Endpoint two = *a.host.bind({v4(203, 0, 113, 3), 0});
  a.agent.add_socket(rig.peers.now(), {.local = one, .network_id = 7});
  a.agent.add_socket(rig.peers.now(), {.local = two, .network_id = 7});
  ASSERT_TRUE(rig.connect());
  ASSERT_EQ(rig.first.counts.allocations, 1U) << "one does for both";
  rig.restart();
  rig.first.script.dead = true;
  rig.peers.run_for(15min);
  ASSERT_EQ(a.errors.size(), 1U);
  a.agent.remove_socket(rig.peers.now(), one);
  rig.peers.run_for(2min);
  rig.first.script.dead = false;
  rig.peers.run_for(2min);
  EXPECT_EQ(rig.first.table().begin()->first, two);
  EXPECT_EQ(a.errors.size(), 1U) << "that it is gone is known";
}

TEST(LostRelay, DoesNotComeBackWhenTheAgentIsClosedOrBeginsAnew) {
  Rig rig{relay_only({"turn:198.51.100.1"}), relay_only({"turn:198.51.100.1"})};
  ASSERT_TRUE(rig.connect());
  rig.first.script.dead = true;
  rig.peers.run_for(8s);
  rig.restart();
  rig.first.script.dead = false;
  rig.peers.restart();
  ASSERT_TRUE(rig.up_within(30s)) << rig.peers.describe();
  rig.peers.run_for(1min);
  EXPECT_EQ(rig.first.allocations(rig.peers.now()), 2U);
  EXPECT_EQ(rig.peers.a.agent.local_candidates().size(), 1U);
  rig.peers.a.agent.close(rig.peers.now());
  EXPECT_EQ(rig.peers.a.agent.next_timeout(), never);
}

}  // namespace
}  // namespace linnet::ice
