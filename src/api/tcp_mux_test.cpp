// Many connections on one TCP port: Tuning::tcp_mux_port. What comes in at it is tested beside runtime/tcp_mux.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using ::testing::HasSubstr;

Tuning server(std::uint16_t port) {
  Tuning tuning;
  tuning.ice_loopback_only = true;
  tuning.ice_udp = false;
  tuning.ice_tcp = IceTcp::ActivePassive;
  tuning.tcp_mux_port = port;
  return tuning;
}
Tuning client() {
  Tuning tuning = server(0);
  tuning.ice_tcp = IceTcp::Active;
  return tuning;
}

std::uint16_t free_port(asio::io_context& io) {
  return tcp::acceptor{io, tcp::endpoint{tcp::v4(), 0}}.local_endpoint().port();
}

struct Client {
  Client(const Executor& executor, std::uint16_t port) : pair(executor, client(), server(port)) {
    pair.b->on_data_channel = [](const DataChannelEvent& e) {
      DataChannel echo = e.channel;
      echo.on_message = [echo](const MessageEvent& m) mutable { echo.send(m.text()); };
    };
    channel = pair.a->create_data_channel("x");
    channel.on_message = [this](const MessageEvent& m) { back.emplace_back(m.text()); };
    channel.on_open = [this] { channel.send("hello"); };
  }
  testing::Pair pair;
  DataChannel channel;
  std::vector<std::string> back;
};
using Clients = std::vector<std::unique_ptr<Client>>;

awaitable<void> each_has(Clients& clients, std::size_t messages) {
  for (const auto& client : clients) {
    while (client->back.size() < messages) co_await asio::post(asio::use_awaitable);
  }
}
Clients connected(asio::io_context& io, std::size_t count, std::uint16_t port) {
  Clients clients;
  for (std::size_t i = 0; i < count; ++i) clients.push_back(std::make_unique<Client>(io.get_executor(), port));
  testing::run(io, each_has(clients, 1));
  return clients;
}

TEST(TcpMux, ManyConnectionsShareOnePortAndEachHasItsOwn) {
  asio::io_context io;
  Clients clients = connected(io, 20, free_port(io));
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i]->channel.send(std::to_string(i));
  testing::run(io, each_has(clients, 2));
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i]->back.back(), std::to_string(i));
}

TEST(TcpMux, OthersGoOnWhenSomeCloseAndAnIceRestartFindsItsWay) {
  asio::io_context io;
  Clients clients = connected(io, 4, free_port(io));
  clients[1]->pair.b->close();
  clients.erase(clients.begin(), clients.begin() + 2);
  const auto before = *clients[0]->pair.b->local_description();
  clients[0]->pair.a->restart_ice();
  testing::run(io, [](PeerConnection& pc, const SessionDescription& old) -> awaitable<void> {
    while (pc.local_description()->sdp == old.sdp || pc.signaling_state() != SignalingState::Stable ||
           pc.ice_connection_state() == IceConnectionState::Checking) {
      co_await asio::post(asio::use_awaitable);
    }
  }(*clients[0]->pair.b, before));
  for (const auto& client : clients) client->channel.send("more");
  testing::run(io, each_has(clients, 2));
}

awaitable<void> strangers_left(PeerConnection& pc, std::uint64_t times, TcpMuxStats& out) {
  do {
    co_await asio::post(asio::use_awaitable);
    const StatsReport report = co_await pc.get_stats();
    out = std::get<TcpMuxStats>(report.at("TCPMUX"));
    EXPECT_EQ(type_of(report.at("TCPMUX")), "linnet-tcp-mux");
  } while (out.malformed < times);
}

TEST(TcpMux, StatisticsTellWhatBecameOfTheStreams) {
  asio::io_context io;
  const std::uint16_t port = free_port(io);
  Clients clients = connected(io, 3, port);
  tcp::socket stranger{io};
  stranger.connect({asio::ip::address_v4::loopback(), port});
  asio::write(stranger, asio::buffer("GET / HTTP/1.1\r\n\r\n", 18));
  TcpMuxStats stats;
  testing::run(io, strangers_left(*clients[0]->pair.b, 1, stats));
  EXPECT_EQ(stats.port, port);
  EXPECT_EQ(stats.malformed, 1U);
  EXPECT_GE(stats.handed_over, 3U);
  EXPECT_GT(stats.timestamp, 1e12) << "Unix time";
  EXPECT_EQ(stats.accepted, stats.strangers + stats.handed_over + stats.crowded_out + stats.timed_out +
                                stats.malformed + stats.unknown + stats.ended);
}

TEST(TcpMux, APortThatIsTakenIsToldWhenTheConnectionIsMade) {
  asio::io_context io;
  const tcp::acceptor other{io, tcp::endpoint{tcp::v4(), 0}};
  const std::uint16_t port = other.local_endpoint().port();
  try {
    const PeerConnection pc{io, {}, server(port)};
    FAIL() << "no exception";
  } catch (const Exception& e) {
    EXPECT_EQ(e.name(), ErrorName::OperationError);
    EXPECT_THAT(e.what(), HasSubstr("TCP port " + std::to_string(port)));
  }
  Tuning active = server(port);
  active.ice_tcp = IceTcp::Active;
  EXPECT_NO_THROW((PeerConnection{io, {}, active})) << "it waits for nobody";
}

TEST(TcpMux, ThePortIsFreeWhenItsLastConnectionHasEnded) {
  asio::io_context io;
  const std::uint16_t port = free_port(io);
  Clients clients = connected(io, 2, port);
  clients.clear();
  io.restart();
  io.run_for(std::chrono::seconds{15});
  EXPECT_TRUE(io.stopped());
  tcp::acceptor again{io};
  again.open(tcp::v4());
  again.set_option(tcp::acceptor::reuse_address{true});
  EXPECT_NO_THROW(again.bind({asio::ip::address_v4::loopback(), port}));
}

TEST(TcpMux, AContextMayEndBeforeItsConnections) {
  auto io = std::make_unique<asio::io_context>();
  Clients clients = connected(*io, 2, free_port(*io));
  for (const auto& client : clients) {
    client->pair.a.reset();
    client->pair.b.reset();
  }
  io.reset();  // Nothing leaks, which the sanitizer sees.
}

}  // namespace
}  // namespace linnet
