#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"
#include "sim/turn_server.hpp"

// Servers that lie or refuse, between two agents that could do without them: told as errors, and no harm to the rest.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
const Endpoint turn_at{v4(198, 51, 100, 1), 3'478};
const IpAddress b_at = v4(203, 0, 113, 2);

Options with(std::string_view url, IceTransportPolicy policy = IceTransportPolicy::All) {
  Options options;
  options.policy = policy;
  Server server = *parse_server_url(url);
  server.username = "user";
  server.credential = "secret";
  options.servers = {server};
  return options;
}

struct Rig {
  explicit Rig(Options options) : options_a(std::move(options)) {}
  [[nodiscard]] bool connect(Duration limit = 30s) {
    peers.connect();
    return peers.run_until([&] { return peers.completed() && peers.agree(); }, limit) == Stop::Done;
  }
  [[nodiscard]] std::ptrdiff_t told(IceCandidateType type) const {
    return std::ranges::count(peers.a.candidates, type, &Candidate::type);
  }
  Options options_a;
  SeededGenerator random{1};
  sim::Network network{random};
  sim::TurnServer turn{network.add_host("turn", turn_at.address), turn_at};
  Agents peers{network, network.add_host("a", v4(203, 0, 113, 1)), network.add_host("b", b_at), random, options_a};
};

TEST(LyingServer, WhoseRelayIsOnOurMachineOrLinkOrIsThePeerIsNotBelieved) {
  for (const IpAddress& lie :
       {v4(127, 0, 0, 1), v4(169, 254, 3, 4), v4(0, 0, 0, 0), v4(224, 0, 0, 5), turn_at.address,
        *IpAddress::parse("::1"), *IpAddress::parse("fe80::1"), *IpAddress::parse("::ffff:127.0.0.1"), b_at}) {
    Rig rig{with("turn:198.51.100.1")};
    // Of the peer it is known where it is before the server says anything.
    const bool is_peer = lie == b_at;
    rig.turn.script.lie = Endpoint{lie, is_peer ? std::uint16_t{49'152} : std::uint16_t{50'000}};
    if (lie == turn_at.address) rig.turn.script.lie = turn_at;
    if (is_peer) rig.peers.signaling_delay = 1ms;
    ASSERT_TRUE(rig.connect()) << to_string(lie);
    rig.peers.run_for(15s);
    EXPECT_EQ(rig.told(IceCandidateType::Relay), 0) << to_string(lie);
    ASSERT_EQ(rig.peers.a.errors.size(), 1U) << to_string(lie);
    EXPECT_EQ(rig.peers.a.errors.front().error_code, 701);
    EXPECT_EQ(rig.peers.a.errors.front().url, "turn:198.51.100.1");
    EXPECT_NE(rig.peers.a.errors.front().error_text.find("address"), std::string::npos);
    EXPECT_EQ(rig.turn.counts.given_back, 1U) << "nobody else could have it";
    EXPECT_TRUE(rig.peers.up());
  }
}

TEST(LyingServer, ThatTellsUsAWrongAddressOfOurOwnDoesNoHarm) {
  struct Case {
    Endpoint lie;
    std::ptrdiff_t candidates;  ///< That another address of ours is told cannot be known to be wrong.
  };
  for (const auto* const url : {"turn:198.51.100.1", "stun:198.51.100.1"}) {
    for (const Case& c :
         {Case{{v4(0, 0, 0, 0), 4'000}, 0}, Case{{v4(239, 1, 2, 3), 4'000}, 0}, Case{{v4(127, 0, 0, 1), 4'000}, 0},
          Case{{*IpAddress::parse("::1"), 4'000}, 0}, Case{{v4(192, 0, 2, 7), 0}, 0},
          Case{{v4(192, 0, 2, 7), 4'000}, 1}, Case{{b_at, 49'152}, 1}, Case{turn_at, 1}}) {
      Rig rig{with(url)};
      rig.turn.script.mapped = c.lie;
      ASSERT_TRUE(rig.connect()) << to_string(c.lie);
      EXPECT_EQ(rig.told(IceCandidateType::Srflx), c.candidates) << to_string(c.lie);
      EXPECT_EQ(rig.peers.a.agent.selected()->remote.address, b_at);
      EXPECT_EQ(rig.peers.b.agent.selected()->remote.address, v4(203, 0, 113, 1));
    }
  }
}

TEST(LyingServer, WithALifetimeOfNoUseIsLeft) {
  for (const std::uint32_t lifetime : {0U, 9U}) {
    Rig rig{with("turn:198.51.100.1")};
    rig.turn.script.lifetime = lifetime;
    ASSERT_TRUE(rig.connect());
    rig.peers.run_for(1min);
    EXPECT_EQ(rig.told(IceCandidateType::Relay), 0);
    ASSERT_EQ(rig.peers.a.errors.size(), 1U);
    EXPECT_NE(rig.peers.a.errors.front().error_text.find("lifetime"), std::string::npos);
    EXPECT_LE(rig.turn.counts.requests, 3U) << "it is not refreshed without end";
  }
}

TEST(LyingServer, WithALifetimeOfCenturiesIsAskedOnceADay) {
  Rig rig{with("turn:198.51.100.1", IceTransportPolicy::Relay)};
  rig.turn.script.lifetime = ~0U;
  ASSERT_TRUE(rig.connect());
  rig.peers.run_for(std::chrono::hours{25});
  EXPECT_EQ(rig.turn.counts.refreshes, 1U);
  EXPECT_TRUE(rig.peers.up());
}

class RefusedAllocation : public testing::TestWithParam<unsigned> {};

TEST_P(RefusedAllocation, IsToldWithItsCodeAndLeavesOtherPathsAlone) {
  Rig rig{with("turn:198.51.100.1")};
  rig.turn.script.refuse = [](stun::Method, const stun::MessageView&) { return GetParam(); };
  ASSERT_TRUE(rig.connect(5s)) << rig.peers.describe();
  rig.peers.run_for(1min);
  EXPECT_TRUE(rig.peers.up());
  ASSERT_EQ(rig.peers.a.errors.size(), 1U);
  const CandidateError& error = rig.peers.a.errors.front();
  EXPECT_EQ(error.error_code, GetParam());
  EXPECT_EQ(error.url, "turn:198.51.100.1");
  EXPECT_FALSE(error.error_text.empty());
  EXPECT_LE(rig.turn.counts.requests, 8U) << "what is refused is not asked for without end";
  EXPECT_EQ(rig.peers.a.agent.gathering_state(), IceGatheringState::Complete);
}
INSTANTIATE_TEST_SUITE_P(Codes, RefusedAllocation,
                         testing::Values(300, 400, 401, 403, 420, 437, 438, 440, 441, 442, 443, 486, 500, 508, 599),
                         [](const auto& test) { return std::to_string(test.param); });

/// It was there, and gave what was asked for, and then stops answering; or says that it knows nothing of it.
TEST(LostAllocation, LeavesTheDirectPathAlone) {
  for (const bool dies : {true, false}) {
    Rig rig{with("turn:198.51.100.1")};
    ASSERT_TRUE(rig.connect());
    ASSERT_EQ(rig.told(IceCandidateType::Relay), 1);
    const auto path = rig.peers.a.agent.selected();
    if (dies)
      rig.turn.script.dead = true;
    else
      rig.turn.restart();
    rig.peers.run_for(15min);
    EXPECT_EQ(rig.peers.a.agent.selected(), path);
    EXPECT_TRUE(rig.peers.up());
    EXPECT_EQ(std::ranges::count(rig.peers.a.states, IceConnectionState::Disconnected), 0);
    ASSERT_EQ(rig.peers.a.errors.size(), 1U);
    EXPECT_EQ(rig.peers.a.errors.front().error_code, dies ? 701 : 437);
    EXPECT_EQ(rig.told(IceCandidateType::Relay), dies ? 1 : 2) << "what is forgotten is had again";
  }
}

}  // namespace
}  // namespace linnet::ice
