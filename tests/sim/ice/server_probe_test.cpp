#include "ice/server_probe.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "sim/network.hpp"
#include "sim/pair.hpp"
#include "sim/turn_server.hpp"

namespace linnet::ice {
namespace {

using namespace std::chrono_literals;
using Outcome = ServerProbe::Outcome;

const Endpoint at_server{IpAddress::v4({192, 0, 2, 1}), 3'478};
const Endpoint at_client{IpAddress::v4({203, 0, 113, 7}), 40'000};

/// A probe on a host, and a server that can be made to do anything.
class Probing : public testing::Test {
 protected:
  Probing() { EXPECT_TRUE(host.bind(at_client)); }

  const ServerProbe::Result& ask(Server what) {
    probe.emplace(std::move(what), 8s, random);
    probe->start(network.now());
    const TimePoint end = network.now() + 30s;
    send();
    while (probe->result().outcome == Outcome::Pending) {
      const TimePoint next = std::min(probe->next_timeout(), network.next_event());
      if (next > end) break;
      network.advance(next);
      while (host.receive(packet)) probe->handle_packet(network.now(), packet.bytes);
      if (probe->next_timeout() <= network.now()) probe->handle_timeout(network.now());
      send();
    }
    EXPECT_EQ(probe->next_timeout(), never);
    took = network.now() - sim::start;
    network.advance(network.now() + 1s);
    return probe->result();
  }
  void send() {
    std::array<std::byte, 1'500> room{};
    while (const std::size_t size = probe->poll_packet(network.now(), room))
      host.send(at_client, at_server, std::span{room}.first(size));
  }
  static Server turn(std::string password = "secret") {
    return {.kind = Server::Kind::Turn, .username = "user", .credential = std::move(password)};
  }

  SeededGenerator random{5};
  sim::Network network{random};
  sim::TurnServer server{network.add_host("server", at_server.address), at_server};
  sim::Host& host = network.add_host("client", at_client.address);
  sim::Packet packet;
  std::optional<ServerProbe> probe;
  Duration took{};
};

TEST_F(Probing, TellsOurAddressFromAStunServer) {
  const auto& found = ask({});
  EXPECT_EQ(found.outcome, Outcome::Served);
  EXPECT_EQ(found.mapped, at_client);
  EXPECT_EQ(found.round_trip, 40ms);
  EXPECT_TRUE(found.relayed.empty());
}

TEST_F(Probing, TakesARelayAndGivesItBack) {
  const auto& found = ask(turn());
  EXPECT_EQ(found.outcome, Outcome::Served);
  EXPECT_EQ(found.mapped, at_client);
  EXPECT_EQ(found.round_trip, 40ms);
  ASSERT_EQ(found.relayed.size(), 1U);
  EXPECT_EQ(found.relayed[0].address, at_server.address);
  EXPECT_EQ(server.counts.given_back, 1U);
  EXPECT_EQ(server.allocations(network.now()), 0U);
}

TEST_F(Probing, TellsAWrongPassword) {
  const auto& found = ask(turn("guessed"));
  EXPECT_EQ(found.outcome, Outcome::Refused);
  EXPECT_EQ(found.error_code, 401);
  EXPECT_LE(took, 1s);
}

TEST_F(Probing, TellsWhyThereIsNoRelay) {
  server.script.refuse = [](stun::Method, const stun::MessageView&) { return 486U; };
  const auto& found = ask(turn());
  EXPECT_EQ(found.outcome, Outcome::Refused);
  EXPECT_EQ(found.error_code, 486);
}

TEST_F(Probing, TellsWhereAServerSendsItsClients) {
  server.script.alternate = Endpoint{IpAddress::v4({192, 0, 2, 9}), 3'478};
  const auto& found = ask(turn());
  EXPECT_EQ(found.error_code, 300);
  EXPECT_NE(found.text.find("192.0.2.9:3478"), std::string::npos);
}

TEST_F(Probing, GivesUpOnSilence) {
  server.script.dead = true;
  for (const auto& what : {Server{}, Server{.protocol = Protocol::Tcp}, turn()}) {
    network.advance(network.now());
    const TimePoint begin = network.now();
    const auto& found = ask(what);
    EXPECT_EQ(found.outcome, Outcome::NoAnswer);
    EXPECT_EQ(found.error_code, 0);
    EXPECT_FALSE(found.round_trip);
    EXPECT_LE(network.now() - begin, 10s);
  }
}

TEST_F(Probing, IgnoresWhatIsNoAnswer) {
  probe.emplace(Server{}, 8s, random);
  probe->start(network.now());
  std::array<std::byte, 128> room{};
  const std::size_t size = probe->poll_packet(network.now(), room);
  ASSERT_GT(size, 0U);
  for (const auto kind : {stun::Class::Success, stun::Class::Indication, stun::Class::Request}) {
    std::array<std::byte, 128> forged{};
    stun::MessageBuilder message{forged, kind, stun::Method::Binding, {}};
    message.xor_address(stun::AttributeType::XorMappedAddress, at_client);
    probe->handle_packet(network.now(), std::span{forged}.first(message.finish()));
    EXPECT_EQ(probe->result().outcome, Outcome::Pending);
  }
  probe->handle_packet(network.now(), std::span{room}.first(size));  // Its own request.
  EXPECT_EQ(probe->result().outcome, Outcome::Pending);
}

}  // namespace
}  // namespace linnet::ice
