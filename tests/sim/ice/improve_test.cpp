#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "sim/ice/agents.hpp"
#include "sim/seed_trace.hpp"
#include "sim/seeds.hpp"
#include "sim/turn_server.hpp"

// Two agents who meet over a relay, and what becomes of it.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

const Endpoint turn_at{IpAddress::v4({198, 51, 100, 1}), 3478};

Options with_turn() {
  Options options;
  Server server = *parse_server_url("turn:198.51.100.1");
  server.username = "user";
  server.credential = "secret";
  options.servers = {server};
  return options;
}

/// Behind NATs that let them through to each other, once the way is open: what is sent directly is lost meanwhile.
struct Rig {
  explicit Rig(std::uint64_t seed, const sim::NatOptions& nat = {})
      : random(seed),
        network(random),
        turn(network.add_host("turn", turn_at.address), turn_at),
        peers(
            network,
            network.add_host("a", IpAddress::v4({10, 0, 0, 1}), &network.add_nat(IpAddress::v4({203, 0, 113, 1}), nat)),
            network.add_host("b", IpAddress::v4({10, 0, 0, 2}), &network.add_nat(IpAddress::v4({203, 0, 113, 2}), nat)),
            random, with_turn(), with_turn()) {
    peers.world.filter = [this](auto&, std::span<std::byte> bytes) {
      // Neither TURN's requests nor its ChannelData begin like a Binding request.
      return direct || bytes.size() < 2 || bytes[0] != std::byte{0} || bytes[1] != std::byte{1};
    };
  }
  [[nodiscard]] bool relayed() const {
    const auto is = [](const Agent& agent) {
      const auto pair = agent.selected_pair();
      return pair && (pair->local.type == IceCandidateType::Relay || pair->remote.type == IceCandidateType::Relay);
    };
    return is(peers.a.agent) || is(peers.b.agent);
  }
  [[nodiscard]] std::uint64_t checks() const {
    std::uint64_t sent = 0;
    for (const Agent* agent : {&peers.a.agent, &peers.b.agent})
      for (const CandidatePair& pair : agent->pairs()) sent += pair.statistics.requests_sent;
    return sent;
  }
  SeededGenerator random;
  sim::Network network;
  sim::TurnServer turn;
  Agents peers;
  bool direct = false;
};

TEST(IceImprovement, LeavesTheRelayWhenTheDirectPathOpensLate) {
  for (const std::uint64_t seed : sim::seeds(20)) {
    const sim::SeedTrace trace{seed};
    Rig rig{seed};
    rig.peers.connect();
    ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
    rig.peers.run_for(std::chrono::seconds{seed % 10});
    ASSERT_TRUE(rig.relayed());
    rig.direct = true;
    ASSERT_EQ(rig.peers.run_until([&] { return !rig.relayed() && rig.peers.agree(); }, 180s), Stop::Done)
        << rig.peers.describe();
    rig.peers.run_for(300s);
    EXPECT_TRUE(!rig.relayed() && rig.peers.agree()) << "it stays there";
    for (const Agents::Peer* peer : {&rig.peers.a, &rig.peers.b}) {
      EXPECT_EQ(std::ranges::count(peer->states, IceConnectionState::Disconnected), 0);
      EXPECT_LE(peer->selections, 4U);
    }
  }
}

TEST(IceImprovement, ComesBackToTheDirectPathThatWasSilentForAWhile) {
  for (const std::uint64_t seed : sim::seeds(20)) {
    const sim::SeedTrace trace{seed};
    Rig rig{seed};
    rig.direct = true;
    rig.peers.connect();
    ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
    ASSERT_FALSE(rig.relayed());
    for (int times = 0; times < 5; ++times) {
      rig.direct = false;
      ASSERT_EQ(rig.peers.run_until([&] { return rig.relayed() && rig.peers.agree(); }, 60s), Stop::Done)
          << rig.peers.describe();
      rig.direct = true;
      rig.peers.run_for(180s);
      const auto a = rig.peers.a.agent.selected_pair();
      const auto b = rig.peers.b.agent.selected_pair();
      ASSERT_TRUE(a && b);
      EXPECT_EQ(a->local.type, b->remote.type) << "they disagree: " << rig.peers.describe();
      EXPECT_EQ(b->local.type, a->remote.type) << "they disagree: " << rig.peers.describe();
      EXPECT_FALSE(rig.relayed()) << rig.peers.describe();
      EXPECT_TRUE(rig.peers.agree());
    }
  }
}

TEST(IceImprovement, DoesNotGoBackAndForthWhenTheDirectPathPassesChecksOnly) {
  for (const std::uint64_t seed : sim::seeds(5)) {
    const sim::SeedTrace trace{seed};
    Rig rig{seed};
    rig.peers.connect();
    ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
    // What is sent directly is let through for a few seconds, whenever it begins anew.
    rig.direct = true;
    TimePoint taken = never;
    for (int seconds = 0; seconds < 3'600; ++seconds) {
      rig.peers.run_for(1s);
      taken = rig.relayed() ? never : std::min(taken, rig.peers.now());
      rig.direct = rig.relayed() || rig.peers.now() - taken < 4s;
    }
    for (const Agents::Peer* peer : {&rig.peers.a, &rig.peers.b}) {
      EXPECT_GE(peer->selections, 3U) << "or this test proves nothing";
      EXPECT_LE(peer->selections, 16U) << rig.peers.describe();
    }
    EXPECT_TRUE(rig.relayed() && rig.peers.up()) << rig.peers.describe();
    // In another network it may be better.
    rig.direct = true;
    rig.peers.network_goes(rig.peers.a, IpAddress::v4({10, 0, 0, 1}));
    rig.peers.network_comes(rig.peers.a, IpAddress::v4({198, 51, 100, 77}));
    ASSERT_EQ(rig.peers.run_until([&] { return !rig.relayed() && rig.peers.agree(); }, 30s), Stop::Done)
        << rig.peers.describe();
  }
}

TEST(IceImprovement, WaitsForNothingBetterWhenThePathInUseHasGone) {
  for (const std::uint64_t seed : sim::seeds(20)) {
    const sim::SeedTrace trace{seed};
    Rig rig{seed};
    rig.direct = true;
    rig.peers.connect();
    ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree() && !rig.relayed(); }, 60s), Stop::Done);
    rig.peers.run_for(20s);
    // The machine that controls goes to a network from which only a relay is reached.
    rig.direct = false;
    rig.peers.network_goes(rig.peers.a, IpAddress::v4({10, 0, 0, 1}));
    rig.peers.network_comes(rig.peers.a, IpAddress::v4({198, 51, 100, 77}));
    const TimePoint before = rig.peers.now();
    const auto moved = [&] {
      const auto b = rig.peers.b.agent.selected_pair();
      return rig.relayed() && rig.peers.agree() && b->pair.heard > before;
    };
    ASSERT_EQ(rig.peers.run_until(moved, 60s), Stop::Done) << rig.peers.describe();
    EXPECT_LT(rig.peers.now() - before, 1s) << "a relay is better than nothing";
  }
}

TEST(IceImprovement, TriesAFewTimesAndThenLeavesItAtTheRelay) {
  Rig rig{1, {.mapping = sim::NatBehavior::AddressAndPortDependent, .ports = sim::PortAllocation::Random}};
  rig.direct = true;
  rig.peers.connect();
  ASSERT_EQ(rig.peers.run_until([&] { return rig.peers.agree(); }, 60s), Stop::Done) << rig.peers.describe();
  const std::uint64_t at_first = rig.checks();
  rig.peers.run_for(300s);
  const std::uint64_t tried = rig.checks();
  EXPECT_GT(tried, at_first);
  EXPECT_LE(tried, at_first + 4 * 7 * 8) << "four times, as often as a check is sent, what is not relayed";
  rig.peers.run_for(1h);
  EXPECT_EQ(rig.checks(), tried);
  EXPECT_TRUE(rig.relayed() && rig.peers.agree());
  EXPECT_EQ(rig.peers.a.selections, 1U) << rig.peers.describe();
}

}  // namespace
}  // namespace linnet::ice
