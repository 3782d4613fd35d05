// A TURN server that is started anew in the middle of a call that goes through it and nothing else.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"
#include "linnet/stun_turn_server.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using namespace std::chrono_literals;

awaitable<void> until(std::vector<std::string>& heard, std::size_t messages) {
  while (heard.size() < messages) co_await asio::post(asio::use_awaitable);
}

class LostRelay : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Over, LostRelay, ::testing::Values("udp", "tcp"),
                         [](const auto& made) { return std::string(made.param); });

TEST_P(LostRelay, IsHadAgainWithoutAnIceRestartAndNothingThatWasSaidIsLost) {
  asio::io_context io;
  StunTurnServer server{io.get_executor(), {.port = 0, .users = {{.name = "user", .password = "secret"}}}};
  ASSERT_TRUE(server.start());
  StunTurnServerOptions again{.port = server.port(), .users = {{.name = "user", .password = "secret"}}};

  const std::string url = "turn:127.0.0.1:" + std::to_string(again.port) + "?transport=" + GetParam();
  const Configuration configuration{.ice_servers = {{.urls = {url}, .username = "user", .credential = "secret"}},
                                    .ice_transport_policy = IceTransportPolicy::Relay};
  Tuning tuning;
  tuning.ice_loopback_only = true;
  tuning.use_ipv6 = false;
  tuning.ice_consent_interval = 500ms;
  tuning.ice_disconnected_timeout = 1s;
  testing::Pair pair{io.get_executor(), tuning, configuration, configuration};
  std::vector<std::string> heard;
  pair.b->on_data_channel = [&](const DataChannelEvent& e) {
    DataChannel channel = e.channel;
    channel.on_message = [&](const MessageEvent& m) { heard.emplace_back(m.text()); };
  };
  bool failed = false;
  const auto watch = [&](PeerConnection& pc) {
    return pc.on_connection_state_change.add(
        [&] { failed = failed || pc.connection_state() == PeerConnectionState::Failed; });
  };
  const auto watches_a = watch(*pair.a);
  const auto watches_b = watch(*pair.b);
  DataChannel channel = pair.a->create_data_channel("x");
  channel.on_open = [&] { channel.send("before"); };
  testing::run(io, until(heard, 1));

  server.stop();
  channel.send("meanwhile");
  io.restart();
  io.poll();  // Whatever waits at the old one's sockets lets them go.
  server = StunTurnServer{io.get_executor(), again};
  ASSERT_TRUE(server.start());
  testing::run(io, until(heard, 2), 60s);
  channel.send("after");
  testing::run(io, until(heard, 3), 60s);
  EXPECT_EQ(heard, (std::vector<std::string>{"before", "meanwhile", "after"}));
  EXPECT_FALSE(failed);
  EXPECT_GE(server.stats().allocated, 2U);
}

}  // namespace
}  // namespace linnet
