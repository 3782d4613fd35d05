#include <gtest/gtest.h>

#include "sim/ice/agents.hpp"
#include "sim/turn_server.hpp"

// Servers whose names lead to several addresses, or to none yet, and servers with several users.
namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using sim::Stop;

IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) { return IpAddress::v4({a, b, c, d}); }
const Endpoint server_at{v4(198, 51, 100, 1), 3478};
const IpAddress dead = v4(198, 51, 100, 66);
const IpAddress own = v4(203, 0, 113, 1);

Server turn_server(std::string_view url, std::string credential = "secret") {
  Server server = *parse_server_url(url);
  server.username = "user";
  server.credential = std::move(credential);
  return server;
}

/// An agent, a server, and whoever answers about names.
class OtherServer : public testing::Test {
 protected:
  void gather(std::vector<Server> servers, std::vector<IpAddress> addresses = {}) {
    Options options;
    options.servers = std::move(servers);
    peers.emplace(network, host, network.add_host("b", v4(203, 0, 113, 2)), random, std::move(options));
    name_leads_to(std::move(addresses));
    peers->a.agent.gather(peers->now());
    peers->run_for(1ms);
  }
  [[nodiscard]] Agent& agent() { return peers->a.agent; }
  [[nodiscard]] bool has(IceCandidateType type) const {
    return std::ranges::find(peers->a.candidates, type, &Candidate::type) != peers->a.candidates.end();
  }
  void name_leads_to(std::vector<IpAddress> addresses) {
    peers->server_names["turn.example.org"] = std::move(addresses);
  }

  SeededGenerator random{3};
  sim::Network network{random};
  sim::TurnServer server{network.add_host("server", server_at.address), server_at};
  sim::Host& host = network.add_host("a", own);
  std::optional<Agents> peers;
};

TEST_F(OtherServer, IsFoundWhenItsNameIsKnownInTheNextNetworkOnly) {
  gather({turn_server("turn:turn.example.org")});
  peers->run_for(1s);
  ASSERT_EQ(peers->a.errors.size(), 1U) << "offline, so to say";
  EXPECT_EQ(agent().gathering_state(), IceGatheringState::Complete);
  name_leads_to({server_at.address});
  peers->network_comes(peers->a, v4(203, 0, 113, 9));
  EXPECT_EQ(agent().gathering_state(), IceGatheringState::Gathering);
  peers->run_for(1ms);
  peers->run_for(1s);
  EXPECT_TRUE(has(IceCandidateType::Relay));
  EXPECT_EQ(agent().gathering_state(), IceGatheringState::Complete);
  EXPECT_EQ(peers->a.errors.size(), 1U);
}

TEST_F(OtherServer, IsNotLookedForAgainWhileItsAddressIsKnown) {
  gather({turn_server("turn:turn.example.org")}, {server_at.address});
  peers->run_for(1s);
  ASSERT_TRUE(has(IceCandidateType::Relay));
  name_leads_to({dead});
  peers->network_comes(peers->a, v4(203, 0, 113, 9));
  peers->run_for(15s);
  EXPECT_EQ(server.counts.allocations, 2U);
  EXPECT_TRUE(peers->a.errors.empty());
}

TEST_F(OtherServer, IsAskedWhenTheFirstAddressOfTheNameIsDead) {
  gather({turn_server("turn:turn.example.org"), *parse_server_url("stun:turn.example.org")}, {dead, server_at.address});
  peers->run_for(30s);
  EXPECT_TRUE(has(IceCandidateType::Relay));
  EXPECT_GE(server.counts.requests, 3U) << "as STUN server, too";
  EXPECT_TRUE(peers->a.errors.empty());
  EXPECT_EQ(agent().gathering_state(), IceGatheringState::Complete);
}

TEST_F(OtherServer, IsNotLookedForForEver) {
  std::vector<IpAddress> all;
  for (std::uint8_t i = 100; i < 200; ++i) all.push_back(v4(198, 51, 100, i));
  gather({turn_server("turn:turn.example.org"), *parse_server_url("stun:turn.example.org")}, all);
  peers->run_for(1min);
  EXPECT_EQ(peers->a.errors.size(), 2U);
  EXPECT_EQ(agent().gathering_state(), IceGatheringState::Complete);
}

TEST_F(OtherServer, UnderTheSameUrlIsTriedWithTheNextUser) {
  gather({turn_server("turn:198.51.100.1", "wrong"), turn_server("turn:198.51.100.1", "wrong, too"),
          turn_server("turn:198.51.100.1")});
  peers->run_for(20s);
  EXPECT_TRUE(has(IceCandidateType::Relay));
  ASSERT_EQ(peers->a.errors.size(), 2U);
  EXPECT_EQ(peers->a.errors.front().error_code, 401);
  EXPECT_EQ(server.counts.allocations, 1U);
  EXPECT_EQ(agent().gathering_state(), IceGatheringState::Complete);
}

TEST_F(OtherServer, CredentialsAreUsedFromTheNextRestartOn) {
  gather({turn_server("turn:198.51.100.1")});
  peers->run_for(1s);
  ASSERT_EQ(server.counts.allocations, 1U);
  server.script.password = "changed";
  agent().set_servers({turn_server("turn:198.51.100.1", "changed")});
  agent().restart(peers->now());
  agent().gather(peers->now());
  peers->run_for(1s);
  EXPECT_EQ(server.counts.allocations, 2U);
  EXPECT_EQ(server.allocations(peers->now()), 1U);
  EXPECT_TRUE(peers->a.errors.empty());
  EXPECT_EQ(peers->a.candidates.back().type, IceCandidateType::Relay);
}

TEST_F(OtherServer, CredentialsAreUsedEvenWhenTheFirstOnesAreStillBeingTried) {
  server.script.dead = true;
  gather({turn_server("turn:198.51.100.1", "wrong")});
  peers->run_for(1s);
  agent().set_servers({turn_server("turn:198.51.100.1")});
  agent().restart(peers->now());
  agent().gather(peers->now());
  server.script.dead = false;
  peers->run_for(3s);
  EXPECT_TRUE(has(IceCandidateType::Relay));
  EXPECT_TRUE(peers->a.errors.empty());
}

}  // namespace
}  // namespace linnet::ice
