#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"
#include "sim/turn_server.hpp"

// Addresses that are told as names of multicast DNS.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;
using ::testing::Each;
using ::testing::Not;
using ::testing::SizeIs;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
const Endpoint turn_at{v4(198, 51, 100, 1), 3478};

MATCHER(ShowsTheAddress, "") { return to_string(arg).find("10.0.0.2") != std::string::npos; }

std::vector<Server> servers() {
  Server turn = *parse_server_url("turn:198.51.100.1");
  turn.username = "user";
  turn.credential = "secret";
  return {*parse_server_url("stun:198.51.100.1"), turn};
}

struct Rig {
  explicit Rig(sim::Nat* nat = nullptr, bool with_servers = true)
      : peers(network, network.add_host("a", v4(203, 0, 113, 9)), network.add_host("b", v4(10, 0, 0, 2), nat), random,
              {}, {.servers = with_servers ? servers() : std::vector<Server>{}}) {
    peers.b.hide = true;
  }
  [[nodiscard]] static const Candidate* of(const Agents::Peer& peer, IceCandidateType type) {
    const auto found = std::ranges::find(peer.candidates, type, &Candidate::type);
    return found == peer.candidates.end() ? nullptr : &*found;
  }
  SeededGenerator random{5};
  sim::Network network{random};
  sim::TurnServer turn{network.add_host("turn", turn_at.address), turn_at};
  Agents peers;
};

TEST(HiddenAddress, IsToldNowhereAndThePeerFindsIt) {
  Rig rig;
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 20s), Stop::Done) << rig.peers.describe();
  const Candidate* const host = Rig::of(rig.peers.b, IceCandidateType::Host);
  ASSERT_NE(host, nullptr);
  EXPECT_EQ(std::get<std::string>(host->address), "host-0.local");
  EXPECT_EQ(to_w3c(*host).address, "host-0.local");
  const auto pair = rig.peers.a.agent.selected_pair();
  EXPECT_EQ(pair->remote.type, IceCandidateType::Host) << "resolved, not found out by a check";
  EXPECT_EQ(pair->pair.path.remote.address, v4(10, 0, 0, 2));
}

TEST(HiddenAddress, IsNoRelatedAddressEither) {
  SeededGenerator random{5};
  sim::Network network{random};
  sim::TurnServer turn{network.add_host("turn", turn_at.address), turn_at};
  auto& nat = network.add_nat(v4(203, 0, 113, 1));
  Agents peers{network,
               network.add_host("a", v4(203, 0, 113, 9)),
               network.add_host("b", v4(10, 0, 0, 2), &nat),
               random,
               {},
               {.servers = servers()}};
  peers.b.hide = true;
  peers.connect();
  peers.run_for(12s);
  EXPECT_THAT(peers.b.candidates, SizeIs(3));
  EXPECT_THAT(peers.b.candidates, Each(Not(ShowsTheAddress())));
  for (const auto type : {IceCandidateType::Srflx, IceCandidateType::Relay}) {
    const Candidate* const found = Rig::of(peers.b, type);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->related, (Endpoint{IpAddress{}, 0}));
  }
}

TEST(HiddenAddress, ThatIsPublicIsServerReflexiveAsWellForPeersElsewhere) {
  Rig rig;
  rig.peers.connect();
  rig.peers.run_for(12s);
  const Candidate* const reflexive = Rig::of(rig.peers.b, IceCandidateType::Srflx);
  ASSERT_NE(reflexive, nullptr);
  EXPECT_EQ(reflexive->endpoint()->address, v4(10, 0, 0, 2));
}

TEST(HiddenAddress, IsNotInErrors) {
  Rig rig;
  rig.turn.script.password = "another";
  rig.peers.connect();
  rig.peers.run_for(12s);
  ASSERT_EQ(rig.peers.b.errors.size(), 1U);
  EXPECT_TRUE(rig.peers.b.errors.front().address.empty());
}

TEST(HiddenAddress, IsToldAgainUnderAnotherNameWhenSomebodyElseHasTheOld) {
  Rig rig{nullptr, false};
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.completed(); }, 20s), Stop::Done);
  const auto selections = rig.peers.a.selections;
  const Endpoint local = rig.peers.b.host.sockets().front();
  rig.peers.b.names.emplace("another.local", local.address);
  ASSERT_THAT(rig.peers.b.candidates, SizeIs(1));
  rig.peers.b.agent.add_socket(rig.peers.now(), {.local = local, .name = "another.local"});
  EXPECT_EQ(rig.peers.b.agent.gathering_state(), IceGatheringState::Complete);
  rig.peers.run_for(5s);
  ASSERT_THAT(rig.peers.b.candidates, SizeIs(2));
  EXPECT_EQ(std::get<std::string>(rig.peers.b.candidates.back().address), "another.local");
  EXPECT_EQ(rig.peers.b.candidates.back().port, local.port);
  EXPECT_EQ(rig.peers.a.selections, selections);
  EXPECT_TRUE(rig.peers.completed());
  // The same again is nothing new.
  rig.peers.b.agent.add_socket(rig.peers.now(), {.local = local, .name = "another.local"});
  rig.peers.run_for(1s);
  EXPECT_THAT(rig.peers.b.candidates, SizeIs(2));
}

}  // namespace
}  // namespace linnet::ice
