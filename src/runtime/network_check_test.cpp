#include "linnet/network_check.hpp"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <optional>

#include "linnet/stun_turn_server.hpp"

namespace linnet {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class NetworkCheckTest : public testing::Test {
 protected:
  NetworkReport check(NetworkCheckOptions options) {
    std::optional<NetworkReport> out;
    check_network(io_.get_executor(), std::move(options), [&](std::exception_ptr error, NetworkReport report) {
      EXPECT_FALSE(error);
      out = std::move(report);
    });
    EXPECT_FALSE(out) << "never inside of the call";
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!out && std::chrono::steady_clock::now() < end) io_.run_one_for(std::chrono::milliseconds{50});
    EXPECT_TRUE(out);
    return out.value_or(NetworkReport{});
  }
  boost::asio::io_context io_{1};
};

TEST_F(NetworkCheckTest, ListsTheAddressesOfTheMachine) {
  const auto report = check({});
  EXPECT_TRUE(std::ranges::any_of(report.addresses, &NetworkReport::Address::loopback));
  EXPECT_THAT(report.servers, SizeIs(0));
}

TEST_F(NetworkCheckTest, AsksEachUrlAndLeavesNothingBehind) {
  StunTurnServer server{
      io_.get_executor(),
      {.port = 0, .alternate_port = 0, .alternate_address = "127.0.0.2", .users = {{"ann", "apple"}}}};
  ASSERT_TRUE(server.start());
  const auto at = "127.0.0.1:" + std::to_string(server.port());
  const auto report =
      check({.ice_servers = {
                 {.urls = {"stun:" + at}},
                 {.urls = {"turn:" + at, "turn:" + at + "?transport=tcp"}, .username = "ann", .credential = "apple"}}});
  ASSERT_THAT(report.servers, SizeIs(3));
  for (const auto& each : report.servers) {
    ASSERT_THAT(each.attempts, SizeIs(1)) << each.url;
    const auto& attempt = each.attempts[0];
    EXPECT_EQ(attempt.state, ServerState::Works) << each.url << ": " << attempt.text;
    EXPECT_EQ(attempt.local, IpAddress::v4({127, 0, 0, 1}));
    EXPECT_TRUE(attempt.round_trip && attempt.mapped);
    EXPECT_EQ(attempt.relayed.size(), each.turn ? 1U : 0U);
    ASSERT_EQ(attempt.nat.has_value(), attempt.protocol == Protocol::Udp);
    if (!attempt.nat) continue;
    EXPECT_TRUE(attempt.nat->discovers);
    EXPECT_FALSE(attempt.nat->translated);
    EXPECT_EQ(attempt.nat->filtering, NatFiltering::EndpointIndependent);
  }
  for (int i = 0; i < 100 && server.stats().allocations != 0; ++i) io_.run_one_for(std::chrono::milliseconds{50});
  EXPECT_EQ(server.stats().allocations, 0U);
  EXPECT_EQ(server.stats().allocated, 2U);
}

TEST_F(NetworkCheckTest, KeepsToItsLimit) {
  const auto report = check(
      {.ice_servers = {{.urls = {"stun:127.0.0.1:9"}}, {.urls = {"stun:"}}}, .limit = std::chrono::milliseconds{300}});
  ASSERT_THAT(report.servers, SizeIs(2));
  EXPECT_EQ(report.servers[0].attempts.at(0).state, ServerState::NoAnswer);
  EXPECT_EQ(report.servers[1].attempts.at(0).state, ServerState::BadUrl);
  EXPECT_THAT(report.servers[1].attempts[0].text, HasSubstr("stun:"));
}

TEST_F(NetworkCheckTest, AsksNoMoreServersThanItMay) {
  NetworkCheckOptions options{.ice_servers = {{.urls = std::vector<std::string>(100, "nonsense")},
                                              {.urls = std::vector<std::string>(100, "stun:127.0.0.1:9")}}};
  EXPECT_THAT(check(options).servers, SizeIs(NetworkCheckOptions::max_servers));
}

TEST_F(NetworkCheckTest, LeavesOutAFamilyThatIsNotWanted) {
  const auto report = check({.ice_servers = {{.urls = {"stun:127.0.0.1:9"}}}, .use_ipv4 = false});
  EXPECT_EQ(report.servers.at(0).attempts.at(0).state, ServerState::NameNotFound);
}

}  // namespace
}  // namespace linnet
