#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"
#include "sim/seed_trace.hpp"

// After the connection is up: consent, loss, restart, sockets that go.

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

IpAddress v4(std::uint8_t d, std::uint8_t c = 0) { return IpAddress::v4({10, 0, c, d}); }

class IceLife : public testing::Test {
 protected:
  void SetUp() override {
    a.add_address(v4(1));
    b.add_address(v4(2));
  }
  void connect() {
    peers.connect();
    ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 5s), Stop::Done);
  }
  void set_down(bool down) {
    a.access(v4(1)).up.set_down(down);
    a.access(v4(1)).down.set_down(down);
  }

  SeededGenerator random{42};
  sim::Network network{random};
  sim::Host& a = network.add_host("a");
  sim::Host& b = network.add_host("b");
  Agents peers{network, a, b, random};
};

TEST_F(IceLife, ConsentIsAskedAboutEveryFiveSeconds) {
  connect();
  peers.run_for(100s);
  EXPECT_TRUE(peers.completed());
  const auto pair = peers.a.agent.selected_pair()->pair;
  EXPECT_GE(pair.statistics.consent_requests_sent, 100U / 6);
  EXPECT_LE(pair.statistics.consent_requests_sent, 100U / 4);
}

TEST_F(IceLife, AnOutageOfOneSecondIsNotNoticed) {
  connect();
  for (int i = 0; i < 20; ++i) {
    set_down(true);
    peers.run_for(1s);
    set_down(false);
    peers.run_for(2300ms);
  }
  EXPECT_EQ(peers.a.states.back(), IceConnectionState::Completed);
  EXPECT_EQ(peers.a.states.size(), 3U);
}

TEST_F(IceLife, SilenceIsDisconnectedAndEndsWhenThePeerComesBack) {
  connect();
  set_down(true);
  const TimePoint begin = peers.now();
  ASSERT_EQ(peers.run_until([&] { return peers.a.agent.state() == IceConnectionState::Disconnected; }, 20s),
            Stop::Done);
  EXPECT_LE(peers.now() - begin, 11s + 100ms);
  EXPECT_TRUE(peers.a.agent.can_send());
  set_down(false);
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 7s), Stop::Done);
}

TEST_F(IceLife, ConsentRunsOutAfterThirtySeconds) {
  connect();
  peers.run_for(20s);
  set_down(true);
  const TimePoint begin = peers.now();
  ASSERT_EQ(peers.run_until(
                [&] {
                  return peers.a.agent.state() == IceConnectionState::Failed &&
                         peers.b.agent.state() == IceConnectionState::Failed;
                },
                40s),
            Stop::Done);
  EXPECT_GE(peers.now() - begin, 23s);
  EXPECT_LE(peers.now() - begin, 31s);
  EXPECT_FALSE(peers.a.agent.can_send());
  EXPECT_EQ(peers.a.agent.next_timeout(), never);
  // Only a restart brings it back.
  set_down(false);
  peers.run_for(10s);
  EXPECT_EQ(peers.a.agent.state(), IceConnectionState::Failed);
  peers.restart();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 5s), Stop::Done);
}

TEST_F(IceLife, ARestartKeepsTheOldPathUntilTheNewOneIsNominated) {
  connect();
  const auto old_credentials = peers.a.agent.local_credentials();
  const auto states = peers.a.states.size();
  peers.a.agent.restart(peers.now());
  EXPECT_NE(peers.a.agent.local_credentials(), old_credentials);
  EXPECT_TRUE(peers.a.agent.can_send());
  EXPECT_EQ(peers.a.agent.state(), IceConnectionState::Connected);
  // The answer takes long: consent on the old pair goes on, in both directions.
  peers.run_for(60s);
  EXPECT_TRUE(peers.a.agent.can_send());
  EXPECT_TRUE(peers.b.agent.can_send());
  EXPECT_EQ(peers.a.agent.statistics().unauthenticated, 0U);
  EXPECT_EQ(peers.b.agent.statistics().unauthenticated, 0U);
  peers.b.agent.restart(peers.now());
  peers.exchange();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 5s), Stop::Done);
  EXPECT_TRUE(peers.agree());
  EXPECT_EQ(peers.a.states.size(), states + 2);
  peers.run_for(60s);
  EXPECT_TRUE(peers.completed());
  EXPECT_EQ(peers.b.agent.statistics().unauthenticated, 0U);
}

TEST_F(IceLife, ThePeersRestartRestartsTheAgentToo) {
  connect();
  const auto old_credentials = peers.b.agent.local_credentials();
  peers.a.agent.restart(peers.now());
  ASSERT_TRUE(peers.b.agent.set_remote(peers.now(), {.credentials = peers.a.agent.local_credentials()}));
  EXPECT_NE(peers.b.agent.local_credentials(), old_credentials);
  EXPECT_TRUE(peers.b.agent.can_send());
  peers.exchange();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 5s), Stop::Done);
}

TEST_F(IceLife, ARestartInTheMiddleOfConnectingStartsOver) {
  for (int delay = 21; delay < 80; delay += 3) {
    SeededGenerator other{static_cast<std::uint64_t>(delay)};
    sim::Network net{other};
    Agents two{net, net.add_host("a", v4(1)), net.add_host("b", v4(2)), other};
    two.connect();
    two.run_for(std::chrono::milliseconds{delay});
    two.restart();
    ASSERT_EQ(two.run_until([&] { return two.completed(); }, 20s), Stop::Done) << delay;
    EXPECT_TRUE(two.agree());
  }
}

TEST_F(IceLife, AnotherSocketTakesOverWhenARestartFollowsALostOne) {
  a.add_address(v4(1, 9));
  connect();
  const Endpoint lost = peers.a.agent.selected()->local;
  a.remove_address(lost.address);
  peers.a.agent.remove_socket(peers.now(), lost);
  if (!peers.a.agent.can_send()) {
    EXPECT_EQ(peers.a.agent.state(), IceConnectionState::Failed);
  }
  peers.restart();
  ASSERT_EQ(peers.run_until([&] { return peers.completed(); }, 45s), Stop::Done);
  EXPECT_NE(peers.a.agent.selected()->local, lost);
}

TEST_F(IceLife, CloseIsSilent) {
  connect();
  peers.a.agent.close(peers.now());
  EXPECT_EQ(peers.a.agent.state(), IceConnectionState::Closed);
  EXPECT_EQ(peers.a.agent.next_timeout(), never);
  EXPECT_FALSE(peers.a.agent.poll_event());
  EXPECT_FALSE(peers.a.agent.set_remote(peers.now(), {}));
  ASSERT_EQ(peers.run_until([&] { return peers.b.agent.state() == IceConnectionState::Failed; }, 60s), Stop::Done);
}

}  // namespace
}  // namespace linnet::ice
