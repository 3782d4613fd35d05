// A server process with one UDP port, and a client process with a thousand connections to it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/testing_pair.hpp"

namespace linnet {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using Wire = asio::local::stream_protocol::socket;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint32_t connections = 150;
#else
constexpr std::uint32_t connections = 1'000;
#endif

/// Which connection, and its offer or answer with all candidates.
awaitable<void> write_message(Wire& wire, std::uint32_t number, const std::string& sdp) {
  const std::array<std::uint32_t, 2> head{number, static_cast<std::uint32_t>(sdp.size())};
  const std::array<asio::const_buffer, 2> parts{asio::buffer(head), asio::buffer(sdp)};
  co_await asio::async_write(wire, parts, use_awaitable);
}
awaitable<std::uint32_t> read_message(Wire& wire, std::string& sdp) {
  std::array<std::uint32_t, 2> head{};
  co_await asio::async_read(wire, asio::buffer(head), use_awaitable);
  sdp.resize(head[1]);
  co_await asio::async_read(wire, asio::buffer(sdp), use_awaitable);
  co_return head[0];
}

awaitable<std::string> gathered(PeerConnection& pc) {
  while (pc.ice_gathering_state() != IceGatheringState::Complete) co_await asio::post(use_awaitable);
  co_return pc.local_description()->sdp;
}

/// Echoes on whatever the client asks for, until it has closed the wire.
awaitable<void> serve(Wire& wire, Tuning tuning, std::vector<std::unique_ptr<PeerConnection>>& all) {
  std::string sdp;
  for (std::uint32_t i = 0; i < connections; ++i) {
    const std::uint32_t number = co_await read_message(wire, sdp);
    all.push_back(std::make_unique<PeerConnection>(co_await asio::this_coro::executor, Configuration{}, tuning));
    PeerConnection& pc = *all.back();
    pc.on_data_channel = [](const DataChannelEvent& e) {
      DataChannel channel = e.channel;
      channel.on_message = [channel](const MessageEvent& m) mutable { channel.send(m.text()); };
    };
    const SessionDescription offer{SdpType::Offer, sdp};
    co_await pc.set_remote_description(offer);
    co_await pc.set_local_description();
    const std::string answer = co_await gathered(pc);
    co_await write_message(wire, number, answer);
  }
  std::array<char, 1> none{};
  boost::system::error_code end;
  co_await wire.async_read_some(asio::buffer(none), asio::redirect_error(use_awaitable, end));
}

int server(Wire::native_handle_type handle, std::uint16_t port) {
  try {
    asio::io_context io;
    Wire wire{io, asio::local::stream_protocol{}, handle};
    Tuning tuning;
    tuning.ice_loopback_only = true;
    tuning.ice_tcp = IceTcp::Off;
    tuning.udp_mux_port = port;
    std::vector<std::unique_ptr<PeerConnection>> all;
    testing::run(io, serve(wire, tuning, all), std::chrono::seconds{120});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "server: %s\n", e.what());
    return 1;
  }
  return 0;
}

struct Client {
  std::unique_ptr<PeerConnection> pc;
  DataChannel channel;
  std::string back;
};

/// The remote ports of the candidates in `sdp`.
void add_ports(const std::string& sdp, std::set<std::string>& ports) {
  for (auto at = sdp.find("a=candidate:"); at != std::string::npos; at = sdp.find("a=candidate:", at + 1)) {
    const auto end = sdp.find(" typ ", at);
    const auto begin = sdp.rfind(' ', end - 1) + 1;
    ports.insert(sdp.substr(begin, end - begin));
  }
}

awaitable<void> connect_all(Wire& wire, std::vector<Client>& clients, std::set<std::string>& ports) {
  Tuning tuning;
  tuning.ice_loopback_only = true;
  tuning.ice_tcp = IceTcp::Off;
  std::string sdp;
  for (std::uint32_t i = 0; i < connections; ++i) {
    Client& client = clients[i];
    client.pc = std::make_unique<PeerConnection>(co_await asio::this_coro::executor, Configuration{}, tuning);
    client.channel = client.pc->create_data_channel("x");
    client.channel.on_message = [&client](const MessageEvent& m) { client.back = m.text(); };
    client.channel.on_open = [&client, i] { client.channel.send("connection " + std::to_string(i)); };
    co_await client.pc->set_local_description();
    const std::string offer = co_await gathered(*client.pc);
    co_await write_message(wire, i, offer);
    const std::uint32_t number = co_await read_message(wire, sdp);
    EXPECT_EQ(number, i);
    add_ports(sdp, ports);
    const SessionDescription answer{SdpType::Answer, sdp};
    co_await client.pc->set_remote_description(answer);
  }
  for (const Client& client : clients) {
    while (client.back.empty()) co_await asio::post(use_awaitable);
  }
}

TEST(UdpMuxProcesses, AThousandConnectionsBetweenTwoProcessesOnOnePort) {
  std::uint16_t port = 0;
  std::array<int, 2> ends{};
  {
    asio::io_context io;
    port = asio::ip::udp::socket{io, asio::ip::udp::endpoint{asio::ip::udp::v4(), 0}}.local_endpoint().port();
    Wire a{io};
    Wire b{io};
    asio::local::connect_pair(a, b);
    ends = {a.release(), b.release()};
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    ::_exit(server(ends[1], port));
  }
  ::close(ends[1]);
  asio::io_context io;
  Wire wire{io, asio::local::stream_protocol{}, ends[0]};
  std::vector<Client> clients(connections);
  std::set<std::string> ports;
  EXPECT_NO_THROW(testing::run(io, connect_all(wire, clients, ports), std::chrono::seconds{120}));
  for (std::uint32_t i = 0; i < connections; ++i) EXPECT_EQ(clients[i].back, "connection " + std::to_string(i));
  EXPECT_EQ(ports, std::set{std::to_string(port)});
  wire.close();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace linnet
