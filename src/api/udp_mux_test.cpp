// Many connections on one UDP port: Tuning::udp_mux_port.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using ::testing::HasSubstr;

std::uint16_t free_port(asio::io_context& io) {
  asio::ip::udp::socket socket{io, asio::ip::udp::endpoint{asio::ip::udp::v4(), 0}};
  return socket.local_endpoint().port();
}

Tuning sharing(std::uint16_t port) {
  Tuning tuning;
  tuning.ice_loopback_only = true;
  tuning.ice_tcp = IceTcp::Off;
  tuning.udp_mux_port = port;
  return tuning;
}

/// A client with ports of its own and a server's connection, which echoes.
struct Client {
  Client(const Executor& executor, const Tuning& server) : pair(executor, sharing(0), server) {
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
    while (client && client->back.size() < messages) co_await asio::post(asio::use_awaitable);
  }
}

std::set<std::string> host_ports(const PeerConnection& pc) {
  std::set<std::string> out;
  const std::string sdp = pc.local_description()->sdp;
  for (auto at = sdp.find("a=candidate:"); at != std::string::npos; at = sdp.find("a=candidate:", at + 1)) {
    const std::string line = sdp.substr(at, sdp.find('\r', at) - at);
    const auto end = line.find(" typ ");
    const auto begin = line.rfind(' ', end - 1) + 1;
    out.insert(line.substr(begin, end - begin));
  }
  return out;
}

Clients connected(asio::io_context& io, std::size_t count, std::uint16_t port) {
  Clients clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(io.get_executor(), sharing(port)));
  }
  testing::run(io, each_has(clients, 1));
  return clients;
}

TEST(UdpMux, ManyConnectionsShareOnePort) {
  asio::io_context io;
  const std::uint16_t port = free_port(io);
  Clients clients = connected(io, 25, port);
  for (const auto& client : clients) {
    EXPECT_EQ(host_ports(*client->pair.b), std::set{std::to_string(port)});
    EXPECT_EQ(host_ports(*client->pair.a).count(std::to_string(port)), 0U);
  }
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i]->channel.send(std::to_string(i));
  testing::run(io, each_has(clients, 2));
  for (std::size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i]->back.back(), std::to_string(i));
}

TEST(UdpMux, OthersGoOnWhenSomeCloseAndAnIceRestartFindsItsWay) {
  asio::io_context io;
  Clients clients = connected(io, 4, free_port(io));
  clients[0].reset();
  clients[1]->pair.b->close();
  clients[2]->pair.a->restart_ice();
  const auto before = *clients[2]->pair.b->local_description();
  testing::run(io, [](PeerConnection& pc, const SessionDescription& old) -> awaitable<void> {
    while (pc.local_description()->sdp == old.sdp || pc.signaling_state() != SignalingState::Stable ||
           pc.ice_connection_state() == IceConnectionState::Checking) {
      co_await asio::post(asio::use_awaitable);
    }
  }(*clients[2]->pair.b, before));
  clients.erase(clients.begin(), clients.begin() + 2);
  for (const auto& client : clients) client->channel.send("more");
  testing::run(io, each_has(clients, 2));
}

TEST(UdpMux, APortThatIsTakenIsToldWhenTheConnectionIsMade) {
  asio::io_context io;
  const asio::ip::udp::socket other{io, asio::ip::udp::endpoint{asio::ip::udp::v4(), 0}};
  const std::uint16_t port = other.local_endpoint().port();
  try {
    const PeerConnection pc{io, {}, sharing(port)};
    FAIL() << "no exception";
  } catch (const Exception& e) {
    EXPECT_EQ(e.name(), ErrorName::OperationError);
    EXPECT_THAT(e.what(), HasSubstr("UDP port " + std::to_string(port)));
  }
}

TEST(UdpMux, AnotherExecutorDoesNotShareButHearsOfIt) {
  asio::io_context io;
  const std::uint16_t port = free_port(io);
  const Clients clients = connected(io, 1, port);
  EXPECT_THROW((PeerConnection{asio::make_strand(io), {}, sharing(port)}), Exception);
  asio::io_context second;
  EXPECT_THROW((PeerConnection{second, {}, sharing(port)}), Exception);
}

TEST(UdpMux, ThePortIsFreeWhenItsLastConnectionHasEnded) {
  asio::io_context io;
  const std::uint16_t port = free_port(io);
  Clients clients = connected(io, 2, port);
  clients.clear();
  io.restart();
  io.run_for(std::chrono::seconds{15});
  EXPECT_NO_THROW((asio::ip::udp::socket{io, asio::ip::udp::endpoint{asio::ip::address_v4::loopback(), port}}));
}

TEST(UdpMux, AHandlerMayEndAnyConnectionThatSharesAndMayThrow) {
  asio::io_context io;
  Clients clients = connected(io, 3, free_port(io));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i]->pair.b->on_data_channel = nullptr;
    clients[i]->channel.on_message = [&clients, i](const MessageEvent&) {
      clients[(i + 1) % clients.size()].reset();
      throw std::runtime_error{"a handler's"};
    };
    clients[i]->channel.send("now");
  }
  std::size_t thrown = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (thrown < 1 && std::chrono::steady_clock::now() < deadline) {
    try {
      io.run_one_until(deadline);
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  EXPECT_EQ(thrown, 1U);
  // What is left works on.
  for (const auto& client : clients) {
    if (!client) continue;
    client->channel.on_message = [c = client.get()](const MessageEvent& m) { c->back.emplace_back(m.text()); };
    client->back.clear();
    client->channel.send("still here");
  }
  testing::run(io, each_has(clients, 1));
}

TEST(UdpMux, AContextMayEndBeforeItsConnections) {
  auto io = std::make_unique<asio::io_context>();
  Clients clients = connected(*io, 2, free_port(*io));
  for (const auto& client : clients) {
    client->pair.a.reset();
    client->pair.b.reset();
  }
  io.reset();  // Nothing leaks, which the sanitizer sees.
}

TEST(UdpMux, TwoThatBothShareHaveOneConnectionOnAPath) {
  asio::io_context io;
  const std::uint16_t port_a = free_port(io);
  const std::uint16_t port_b = free_port(io);
  testing::Pair first{io.get_executor(), sharing(port_a), sharing(port_b)};
  testing::Pair second{io.get_executor(), sharing(port_a), sharing(port_b)};
  std::size_t received = 0;
  std::size_t received_by_second = 0;
  first.b->on_data_channel = [&](const DataChannelEvent& e) {
    DataChannel channel = e.channel;
    channel.on_message = [&received](const MessageEvent&) { ++received; };
  };
  second.b->on_data_channel = [&](const DataChannelEvent& e) {
    DataChannel channel = e.channel;
    channel.on_message = [&received_by_second](const MessageEvent&) { ++received_by_second; };
  };
  DataChannel one = first.a->create_data_channel("one");
  one.on_open = [&] { one.send("1"); };
  testing::run(io, [](std::size_t& count) -> awaitable<void> {
    while (count == 0) co_await asio::post(asio::use_awaitable);
  }(received));
  DataChannel two = second.a->create_data_channel("two");
  two.on_open = [&] { two.send("2"); };
  io.restart();
  io.run_for(std::chrono::milliseconds{500});
  for (int i = 0; i < 10; ++i) one.send("more");
  testing::run(io, [](std::size_t& count) -> awaitable<void> {
    while (count < 11) co_await asio::post(asio::use_awaitable);
  }(received));
  // The second one has another path (the IPv6 loopback address) or none; never the first one's.
  EXPECT_EQ(received, 11U);
  EXPECT_LE(received_by_second, 1U);
}

}  // namespace
}  // namespace linnet
