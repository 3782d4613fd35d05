// A server process with one UDP or TCP port, and a client process with hundreds of connections to it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
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
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

/// What is shared.
struct Shared {
  bool tcp = false;
  std::uint32_t connections = 0;
  [[nodiscard]] Tuning tuning(std::uint16_t port) const {
    Tuning out;
    out.ice_loopback_only = true;
    out.ice_udp = !tcp;
    out.ice_tcp = !tcp ? IceTcp::Off : port != 0 ? IceTcp::ActivePassive : IceTcp::Active;
    (tcp ? out.tcp_mux_port : out.udp_mux_port) = port;
    return out;
  }
};

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
awaitable<void> serve(Wire& wire, Tuning tuning, std::uint32_t connections,
                      std::vector<std::unique_ptr<PeerConnection>>& all) {
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

int server(Wire::native_handle_type handle, const Shared& shared, std::uint16_t port) {
  try {
    asio::io_context io;
    Wire wire{io, asio::local::stream_protocol{}, handle};
    std::vector<std::unique_ptr<PeerConnection>> all;
    testing::run(io, serve(wire, shared.tuning(port), shared.connections, all), std::chrono::seconds{120});
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

/// The ports in `sdp` that somebody can connect to.
void add_ports(const std::string& sdp, std::set<std::string>& ports) {
  for (auto at = sdp.find("a=candidate:"); at != std::string::npos; at = sdp.find("a=candidate:", at + 1)) {
    const auto end = sdp.find(" typ ", at);
    if (sdp.substr(at, sdp.find('\r', at) - at).find("tcptype active") != std::string::npos) continue;
    const auto begin = sdp.rfind(' ', end - 1) + 1;
    ports.insert(sdp.substr(begin, end - begin));
  }
}

awaitable<void> connect_all(Wire& wire, Tuning tuning, std::vector<Client>& clients, std::set<std::string>& ports) {
  std::string sdp;
  for (std::uint32_t i = 0; i < clients.size(); ++i) {
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

template <class Protocol>
std::uint16_t free_port(asio::io_context& io) {
  return typename Protocol::socket{io, typename Protocol::endpoint{Protocol::v4(), 0}}.local_endpoint().port();
}

void connect_two_processes(const Shared& shared) {
  std::uint16_t port = 0;
  std::array<int, 2> ends{};
  {
    asio::io_context io;
    port = shared.tcp ? free_port<asio::ip::tcp>(io) : free_port<asio::ip::udp>(io);
    Wire a{io};
    Wire b{io};
    asio::local::connect_pair(a, b);
    ends = {a.release(), b.release()};
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    ::_exit(server(ends[1], shared, port));
  }
  ::close(ends[1]);
  asio::io_context io;
  Wire wire{io, asio::local::stream_protocol{}, ends[0]};
  std::vector<Client> clients(shared.connections);
  std::set<std::string> ports;
  EXPECT_NO_THROW(testing::run(io, connect_all(wire, shared.tuning(0), clients, ports), std::chrono::seconds{120}));
  for (std::uint32_t i = 0; i < shared.connections; ++i) EXPECT_EQ(clients[i].back, "connection " + std::to_string(i));
  EXPECT_EQ(ports, std::set{std::to_string(port)});
  wire.close();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(MuxProcesses, AThousandConnectionsBetweenTwoProcessesOnOneUdpPort) {
  connect_two_processes({.tcp = false, .connections = sanitized ? 150 : 1'000});
}

TEST(MuxProcesses, HundredsOfConnectionsBetweenTwoProcessesOnOneTcpPort) {
  connect_two_processes({.tcp = true, .connections = sanitized ? 60 : 250});
}

}  // namespace
}  // namespace linnet
