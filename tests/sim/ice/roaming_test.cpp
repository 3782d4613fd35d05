#include <gtest/gtest.h>

#include <algorithm>

#include "sim/ice/agents.hpp"
#include "stun/message_view.hpp"

// Networks that come and go at one of the two, while there is a connection: without signaling but for candidates.

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

const IpAddress first = IpAddress::v4({203, 0, 113, 1});
const IpAddress second = IpAddress::v4({198, 51, 100, 1});
const IpAddress third = IpAddress::v4({192, 0, 2, 77});

class Roaming : public testing::TestWithParam<bool> {
 protected:
  void connect() {
    peers.connect();
    ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 10s), Stop::Done) << peers.describe();
    peers.run_for(3s);
  }
  /// A controls.
  [[nodiscard]] Agents::Peer& mobile() { return GetParam() ? peers.a : peers.b; }
  [[nodiscard]] Agents::Peer& other() { return GetParam() ? peers.b : peers.a; }
  /// Both send from, and to, this address of the mobile one.
  [[nodiscard]] bool is_on(const IpAddress& address) {
    const auto mine = mobile().agent.selected();
    const auto theirs = other().agent.selected();
    return mine && theirs && mine->local.address == address && theirs->remote.address == address && peers.agree();
  }
  [[nodiscard]] Duration until_on(const IpAddress& address, Duration limit = 20s) {
    const TimePoint begin = peers.now();
    EXPECT_EQ(peers.run_until([&] { return is_on(address); }, limit), Stop::Done) << peers.describe();
    return peers.now() - begin;
  }

  SeededGenerator random{7};
  sim::Network network{random};
  sim::Host& roams = network.add_host("mobile", first, nullptr, {.latency = 10ms});
  sim::Host& stays = network.add_host("other", IpAddress::v4({203, 0, 113, 99}), nullptr, {.latency = 10ms});
  Agents peers{network, GetParam() ? roams : stays, GetParam() ? stays : roams, random};
};

INSTANTIATE_TEST_SUITE_P(OfTheSideThat, Roaming, testing::Bool(),
                         [](const auto& made) { return made.param ? "Controls" : "IsControlled"; });

TEST_P(Roaming, GoesOnFromTheNetworkThatComesAfterTheOldOneWent) {
  connect();
  peers.network_goes(mobile(), first);
  peers.run_for(2s);
  EXPECT_EQ(mobile().agent.state(), IceConnectionState::Disconnected);
  EXPECT_FALSE(mobile().agent.selected());
  peers.network_comes(mobile(), second);
  EXPECT_LE(until_on(second), 3s);
  EXPECT_TRUE(peers.up()) << peers.describe();
  peers.run_for(1min);
  EXPECT_TRUE(peers.completed()) << peers.describe();
  EXPECT_EQ(std::ranges::count(mobile().states, IceConnectionState::Failed), 0);
}

TEST_P(Roaming, LeavesAPathThatDiesForANetworkThatIsThereAlready) {
  connect();
  peers.network_comes(mobile(), second, 10);
  peers.run_for(5s);
  ASSERT_TRUE(is_on(first)) << peers.describe();
  peers.network_goes(mobile(), first);
  EXPECT_LE(until_on(second), 3s);
  peers.run_for(1min);
  EXPECT_TRUE(peers.completed()) << peers.describe();
}

TEST_P(Roaming, ABetterNetworkIsTakenAndAWorseOneOnlyTold) {
  mobile().cost = 10;
  connect();
  const auto told = mobile().candidates.size();
  const unsigned selections = other().selections;
  peers.network_comes(mobile(), third, 900);
  peers.run_for(10s);
  EXPECT_TRUE(is_on(first)) << peers.describe();
  EXPECT_EQ(other().selections, selections);
  EXPECT_GT(mobile().candidates.size(), told);
  peers.network_comes(mobile(), second, 0);
  // Without a break, as the old path goes on: only the controlling side may choose.
  if (GetParam()) {
    EXPECT_LE(until_on(second), 3s);
  } else {
    peers.run_for(10s);
  }
  EXPECT_TRUE(peers.completed()) << peers.describe();
  EXPECT_EQ(std::ranges::count(mobile().states, IceConnectionState::Disconnected), 0);
  EXPECT_EQ(std::ranges::count(other().states, IceConnectionState::Disconnected), 0);
}

TEST_P(Roaming, GatheringBeginsAgainAndEnds) {
  connect();
  EXPECT_EQ(mobile().agent.gathering_state(), IceGatheringState::Complete);
  peers.network_comes(mobile(), second);
  peers.run_for(1s);
  EXPECT_EQ(mobile().agent.gathering_state(), IceGatheringState::Complete);
  EXPECT_EQ(mobile().candidates.back().endpoint()->address, second);
}

TEST_P(Roaming, FailsWhenNoNetworkComesInTheTimeThatConsentLasts) {
  connect();
  peers.network_goes(mobile(), first);
  peers.run_for(29s);
  EXPECT_EQ(mobile().agent.state(), IceConnectionState::Disconnected);
  peers.run_for(10s);
  EXPECT_EQ(mobile().agent.state(), IceConnectionState::Failed);
  EXPECT_EQ(other().agent.state(), IceConnectionState::Failed);
}

TEST_P(Roaming, WithoutEndWearsNothingOut) {
  connect();
  IpAddress at = first;
  for (int i = 0; i < 200; ++i) {
    const IpAddress next = IpAddress::v4({198, 18, static_cast<std::uint8_t>(i), 1});
    peers.network_goes(mobile(), at);
    peers.network_comes(mobile(), next);
    (void)until_on(next);
    ASSERT_FALSE(HasFailure()) << i;
    at = next;
  }
  EXPECT_EQ(mobile().agent.local_candidates().size(), 1U);
  EXPECT_LE(other().agent.remote_candidates().size(), other().agent.options().max_remote_candidates);
  EXPECT_LE(other().agent.pairs().size(), other().agent.options().max_pairs);
}

/// Who stays is behind a NAT: it has to speak first to wherever the mobile one is.
class RoamingFromANat : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] Agents::Peer& mobile() { return GetParam() ? peers.a : peers.b; }
  [[nodiscard]] Agents::Peer& other() { return GetParam() ? peers.b : peers.a; }
  void connect() {
    peers.connect();
    ASSERT_EQ(peers.run_until([&] { return peers.up() && peers.agree(); }, 10s), Stop::Done) << peers.describe();
    peers.run_for(6s);
  }
  [[nodiscard]] bool is_up_on(const IpAddress& address, Duration limit) {
    return peers.run_until(
               [&] { return peers.up() && peers.agree() && mobile().agent.selected()->local.address == address; },
               limit) == Stop::Done;
  }

  SeededGenerator random{7};
  sim::Network network{random};
  sim::Nat& nat = network.add_nat(
      third, {.mapping = sim::NatBehavior::AddressAndPortDependent, .ports = sim::PortAllocation::Random});
  sim::Host& roams = network.add_host("mobile", first);
  sim::Host& stays = network.add_host("other", IpAddress::v4({10, 0, 0, 2}), &nat);
  Agents peers{network, GetParam() ? roams : stays, GetParam() ? stays : roams, random};
};

INSTANTIATE_TEST_SUITE_P(OfTheSideThat, RoamingFromANat, testing::Bool(),
                         [](const auto& made) { return made.param ? "Controls" : "IsControlled"; });

TEST_P(RoamingFromANat, NeedsNoEndOfCandidates) {
  peers.tells_end = false;
  connect();
  peers.network_goes(mobile(), first);
  peers.run_for(13s);  // All that was known is tried again before.
  peers.network_comes(mobile(), second);
  EXPECT_TRUE(is_up_on(second, 8s)) << peers.describe();
}

TEST_P(RoamingFromANat, AHundredTimesLeavesRoomForANetworkOfOurOwn) {
  connect();
  IpAddress at = first;
  for (int i = 0; i < 100; ++i) {
    const IpAddress next = IpAddress::v4({198, 18, static_cast<std::uint8_t>(i), 1});
    peers.network_goes(mobile(), at);
    peers.network_comes(mobile(), next);
    ASSERT_TRUE(is_up_on(next, 20s)) << i << '\n' << peers.describe();
    at = next;
  }
  EXPECT_LE(other().agent.local_candidates().size(), other().agent.options().max_local_candidates);
  const IpAddress ours = IpAddress::v4({203, 0, 113, 50});
  peers.network_comes(other(), ours);
  peers.run_for(100ms);
  EXPECT_EQ(other().candidates.back().endpoint()->address, ours);
  peers.network_goes(other(), IpAddress::v4({10, 0, 0, 2}));
  ASSERT_TRUE(is_up_on(at, 20s)) << peers.describe();
  EXPECT_EQ(other().agent.selected()->local.address, ours);
}

TEST(Renomination, IsNotCancelledByConsentOnAPathThatWasSilentForAWhile) {
  SeededGenerator random{9};
  sim::Network network{random};
  sim::Host& mobile = network.add_host("b", first);
  Agents peers{network, network.add_host("a", third), mobile, random};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 10s), Stop::Done);
  peers.run_for(1s);
  sim::Access& radio = mobile.access(first);
  radio.up.set_down(true);
  radio.down.set_down(true);
  ASSERT_EQ(peers.run_until([&] { return peers.a.agent.state() == IceConnectionState::Disconnected; }, 20s),
            Stop::Done);
  // The check that nominates the new path is lost again and again; meanwhile the old one is there again.
  std::optional<stun::TransactionId> nominating;
  TimePoint until = never;
  peers.world.filter = [&](auto& node, std::span<std::byte> bytes) {
    const auto message = stun::MessageView::parse(bytes);
    if (&node.machine != &peers.a.agent || !message || !message->has(stun::AttributeType::Nomination)) return true;
    if (!nominating) {
      nominating = message->transaction_id();
      until = peers.now() + 7s;
    }
    return nominating != message->transaction_id() || peers.now() > until;
  };
  peers.network_comes(peers.b, second);
  peers.run_for(1s);
  ASSERT_TRUE(nominating);
  ASSERT_EQ(peers.b.agent.selected()->local.address, first);
  radio.up.set_down(false);
  radio.down.set_down(false);
  peers.run_for(6s);
  ASSERT_TRUE(peers.up()) << peers.describe();
  ASSERT_EQ(peers.a.agent.selected()->remote.address, first);
  peers.run_for(5s);
  EXPECT_EQ(peers.a.agent.selected()->remote.address, second) << peers.describe();
  EXPECT_EQ(peers.b.agent.selected()->local.address, second) << peers.describe();
}

TEST(BothRoam, AtOnceAndFindEachOther) {
  SeededGenerator random{9};
  sim::Network network{random};
  sim::Host& a = network.add_host("a", first, nullptr, {.latency = 10ms});
  sim::Host& b = network.add_host("b", third, nullptr, {.latency = 10ms});
  Agents peers{network, a, b, random};
  peers.connect();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 10s), Stop::Done);
  peers.network_goes(peers.a, first);
  peers.network_goes(peers.b, third);
  peers.run_for(1s);
  peers.network_comes(peers.a, second);
  peers.network_comes(peers.b, IpAddress::v4({198, 51, 100, 2}));
  EXPECT_EQ(peers.run_until([&] { return peers.up() && peers.agree(); }, 20s), Stop::Done) << peers.describe();
}

}  // namespace
}  // namespace linnet::ice
