#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"

// A peer whose address changes under it, and mappings of NATs that wait to be used.

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

const Endpoint stun_server{IpAddress::v4({192, 0, 2, 53}), 3'478};

/// One side behind a NAT, the other one on the open internet.
class Rebinding : public testing::TestWithParam<bool> {
 protected:
  Rebinding() {
    network.add_stun_server(stun_server);
    peers.a.agent.set_servers({Server{.host = "192.0.2.53", .port = 3'478, .url = "stun:192.0.2.53"}});
    peers.b.agent.set_servers({Server{.host = "192.0.2.53", .port = 3'478, .url = "stun:192.0.2.53"}});
    peers.connect();
    EXPECT_EQ(peers.run_until([&] { return peers.completed(); }, 10s), Stop::Done) << peers.describe();
  }
  /// A controls.
  [[nodiscard]] Agents::Peer& hidden() { return GetParam() ? peers.a : peers.b; }
  [[nodiscard]] Agents::Peer& open() { return GetParam() ? peers.b : peers.a; }

  SeededGenerator random{42};
  sim::Network network{random};
  sim::Nat& nat = network.add_nat(IpAddress::v4({198, 51, 100, 1}));
  sim::Host& inside = network.add_host("inside", IpAddress::v4({10, 0, 0, 2}), &nat);
  sim::Host& outside = network.add_host("outside", IpAddress::v4({203, 0, 113, 2}));
  Agents peers{network, GetParam() ? inside : outside, GetParam() ? outside : inside, random};
};

INSTANTIATE_TEST_SUITE_P(OfTheSideThat, Rebinding, testing::Bool(),
                         [](const auto& made) { return made.param ? "Controls" : "IsControlled"; });

TEST_P(Rebinding, IsFollowedBeforeConsentRunsOut) {
  peers.run_for(7s);
  const Endpoint before = open().agent.selected()->remote;
  nat.rebind();
  const TimePoint begin = peers.now();
  const auto moved = [&] { return open().agent.selected() && open().agent.selected()->remote != before; };
  ASSERT_EQ(peers.run_until(moved, 40s), Stop::Done) << peers.describe();
  EXPECT_LE(peers.now() - begin, 12s);
  peers.run_for(2min);
  EXPECT_TRUE(peers.completed()) << peers.describe();
  EXPECT_TRUE(peers.agree());
  EXPECT_EQ(open().agent.remote_candidates().back().candidate.type, IceCandidateType::Prflx);
}

TEST_P(Rebinding, IsFollowedAsOftenAsItHappens) {
  for (int i = 0; i < 300; ++i) {
    const Endpoint before = open().agent.selected()->remote;
    network.rebind(nat, IpAddress::v4({198, 51, 100, static_cast<std::uint8_t>(i % 200 + 2)}));
    const auto moved = [&] { return open().agent.selected() && open().agent.selected()->remote != before; };
    ASSERT_EQ(peers.run_until(moved, 40s), Stop::Done) << i << '\n' << peers.describe();
    peers.run_for(1s);
  }
  EXPECT_TRUE(peers.completed()) << peers.describe();
}

TEST_P(Rebinding, IsNotBelievedOfAPathThatGivesConsentStill) {
  // Somebody on the way repeats a check from an address of his own; the peer itself has not moved.
  sim::Host& thief = network.add_host("thief", IpAddress::v4({203, 0, 113, 66}));
  const Endpoint lair = thief.bind({IpAddress::v4({203, 0, 113, 66}), 0}).value();
  const Endpoint target = open().agent.selected()->local;
  const Endpoint before = open().agent.selected()->remote;
  peers.world.on_sent = [&](auto& node, const DatagramBatch& batch) {
    if (&node.machine != &hidden().agent) return;
    for (const auto& run : batch.runs()) thief.send(lair, target, run.bytes);
  };
  peers.run_for(3min);
  EXPECT_EQ(open().agent.selected()->remote, before);
  EXPECT_TRUE(peers.completed());
}

TEST(Mapping, IsKeptWhileThePeersDescriptionIsAwaited) {
  SeededGenerator random{1};
  sim::Network network{random};
  sim::Nat& nat = network.add_nat(IpAddress::v4({198, 51, 100, 1}));
  sim::Host& a = network.add_host("a", IpAddress::v4({10, 0, 0, 2}), &nat);
  network.add_stun_server(stun_server);
  Agents peers{network, a, network.add_host("b", IpAddress::v4({203, 0, 113, 2})), random};
  peers.a.agent.set_servers({Server{.host = "192.0.2.53", .port = 3'478, .url = "stun:192.0.2.53"}});
  peers.a.agent.gather(peers.now());
  peers.run_for(20min);
  ASSERT_EQ(peers.a.candidates.size(), 2U);
  const auto mapped = peers.a.candidates[1].endpoint();
  const auto inside = nat.table().inbound(peers.now(), mapped.value(), stun_server);
  ASSERT_TRUE(inside);
  EXPECT_EQ(*inside, a.sockets().front());
  EXPECT_EQ(peers.a.agent.gathering_state(), IceGatheringState::Complete);
  EXPECT_TRUE(peers.a.errors.empty());
}

}  // namespace
}  // namespace linnet::ice
